#ifndef GATEWAY_CTL_CTL_H
#define GATEWAY_CTL_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "gateway/config/config.h"
#include "policy/base/base.h"
#include "policy/decision/decision.h"

/*
 * The commands of nsgatectl, one file each.  A command is a function over
 * its own argv (argv[0] is its name) that prints to stdout, complains to
 * stderr and returns the exit status of the program.  Nothing here changes a
 * policy: the only thing a command can make happen is a reload.
 *
 * Everything that came from a client (event fields, answers of a probe) is
 * printed through ctl_print_text or as JSON, so that it can never drive a
 * terminal (threat 27).
 */

enum ctl_exit {
    CTL_OK = 0,
    CTL_FAILED = 1,      /* said no, or something is wrong */
    CTL_USAGE = 2,       /* the command line */
    CTL_UNREACHABLE = 3, /* probe: no answer to judge; listen: none came */
};

/* What stands before the command. */
struct ctl {
    const char *config_path; /* NULL: CONFIG_DEFAULT_PATH */
    const char *state_dir;   /* NULL: as configured */
    const char *runtime_dir; /* NULL: as configured */
};

int ctl_status(const struct ctl *ctl, int argc, char **argv);
int ctl_reload(const struct ctl *ctl, int argc, char **argv);
int ctl_namespaces(const struct ctl *ctl, int argc, char **argv);
int ctl_explain(const struct ctl *ctl, int argc, char **argv);
int ctl_events(const struct ctl *ctl, int argc, char **argv);
int ctl_operations(const struct ctl *ctl, int argc, char **argv);
int ctl_why(const struct ctl *ctl, int argc, char **argv);
int ctl_doctor(const struct ctl *ctl, int argc, char **argv);
int ctl_probe(const struct ctl *ctl, int argc, char **argv);
int ctl_listen(const struct ctl *ctl, int argc, char **argv);

/* -- for the commands ---------------------------------------------------- */

/* One line on stderr, "nsgatectl: ..."; returns CTL_FAILED. */
int ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a hint at the manual; returns CTL_USAGE. */
int ctl_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* After getopt_long() said which option is wrong: the hint, CTL_USAGE. */
int ctl_option_refused(void);

/* state_dir and runtime_dir: options, else the configuration, else their
 * defaults when there is no configuration at the default path. */
struct ctl_paths {
    char state_dir[256], runtime_dir[256];
};

int ctl_paths_load(const struct ctl *ctl, struct ctl_paths *out,
                   struct error *err);
int ctl_config_load(const struct ctl *ctl, struct config **out,
                    struct error *err);

/* state_owner_enter(), and that the directory may be read: nothing is to be
 * claimed about what could not be looked at. 0, or -1 with what to do. */
int ctl_state_enter(const char *state_dir, struct error *err);

/* Text of foreign origin: control characters, those that turn text around and
 * broken UTF-8 become '?'; line feeds and tabs stay if lines says so. */
void ctl_print_text(FILE *out, struct span text, bool lines);

/* For commands whose only option is --json: 0, or the exit status. */
int ctl_json_option(int argc, char **argv, bool *json);

/* The configured keytab as a worker would load it, for its realm and its
 * description. */
struct acceptor;
int ctl_acceptor_open(const struct config *config, struct acceptor **out,
                      struct error *err);

/* One request to the master: its JSON in reply, NUL-terminated. */
int ctl_call(const struct ctl *ctl, const char *request, unsigned timeout_ms,
             struct buf *reply, struct error *err);

#endif
