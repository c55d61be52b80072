#ifndef GATEWAY_CONFIG_CHECK_H
#define GATEWAY_CONFIG_CHECK_H

#include "gateway/config/config.h"
#include "gateway/config/ini_set.h"

/*
 * What no single value shows: contradictions between keys, users and files
 * that are not there, addresses used twice.  The first error ends it, with
 * "FILE:LINE: " in front; warnings are collected.
 */

struct draft {
    struct arena *arena;
    struct ini_set set;
    struct config *config;              /* what is being made */
    const struct ini_section *main;     /* [nsgate], never NULL */
    const struct ini_section *callback; /* [callback], never NULL */

    struct config_listener *listeners;
    const struct ini_section **listener_sections; /* beside listeners */
    struct access_list *access;
    const struct ini_section **access_sections;
    struct config_namespace *namespaces;
    const struct ini_section **namespace_sections;
    struct config_route *routes;
    const struct ini_section **route_sections;

    const char **warnings;
    size_t warning_capacity;
};

int check_main(struct draft *d, struct error *err);
int check_listeners(struct draft *d, struct error *err);
int check_access(struct draft *d, struct error *err);
int check_namespaces(struct draft *d, struct error *err);
int check_callback(struct draft *d, struct error *err);
int check_routes(struct draft *d, struct error *err);

/* An error or a warning at the line of key in s; key NULL or not given: the
 * line of the section. */
int draft_fail(const struct ini_section *s, const char *key, struct error *err,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
void draft_warn(struct draft *d, const struct ini_section *s, const char *key,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A regular file that may be read. What only the privileged may see is
 * believed, with a warning, when somebody else asks. */
int check_file(struct draft *d, const struct ini_section *s, const char *key,
               const char *path, struct error *err);
/* The same, with 32 to 256 visible characters in one line. */
int check_secret(struct draft *d, const struct ini_section *s, const char *key,
                 const char *path, struct error *err);

#endif
