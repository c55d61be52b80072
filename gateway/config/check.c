#include "gateway/config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/values.h"

static void
place(const struct ini_section *s, const char *key, const char **file,
      unsigned *line)
{
    const struct ini_entry *e = key != NULL ? ini_section_entry(s, key) : NULL;

    *file = e != NULL ? e->file : s->file;
    *line = e != NULL ? e->line : s->line;
}

int
draft_fail(const struct ini_section *s, const char *key, struct error *err,
           const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    const char *file;
    unsigned line;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    place(s, key, &file, &line);
    return error_set(err, "%s:%u: %s", file, line, text);
}

void
draft_warn(struct draft *d, const struct ini_section *s, const char *key,
           const char *format, ...)
{
    char text[ERROR_TEXT_MAX], whole[ERROR_TEXT_MAX + 300];
    const char *file, **grown;
    struct config *c = d->config;
    unsigned line;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    place(s, key, &file, &line);
    snprintf(whole, sizeof(whole), "%s:%u: %s", file, line, text);
    if (c->warning_count == d->warning_capacity) {
        d->warning_capacity = 2 * d->warning_capacity + 8;
        grown = arena_array(d->arena, d->warning_capacity, sizeof(*grown));
        if (grown == NULL)
            return;
        if (c->warning_count > 0)
            memcpy(grown, d->warnings, c->warning_count * sizeof(*grown));
        d->warnings = grown;
        c->warnings = grown;
    }
    d->warnings[c->warning_count] = arena_copy(d->arena, span_of(whole));
    if (d->warnings[c->warning_count] != NULL)
        c->warning_count++;
}

int
config_blame(const struct config *c, const char *key, struct error *err)
{
    const struct ini_section *s =
        key_find(SECTION_CALLBACK, span_of(key)) != NULL ? c->callback_section
                                                         : c->main_section;
    const char *file;
    unsigned line;

    if (s == NULL)
        return error_prefix(err, "%s", key);
    place(s, key, &file, &line);
    return error_prefix(err, "%s:%u: %s", file, line, key);
}

int
config_blame_route(const struct config_route *r, const char *key,
                   struct error *err)
{
    const char *file;
    unsigned line;

    if (r->section == NULL)
        return error_prefix(err, "%s", key);
    place(r->section, key, &file, &line);
    return error_prefix(err, "%s:%u: %s", file, line, key);
}

int
config_blame_listener(const struct config_listener *l, const char *key,
                      struct error *err)
{
    const char *file = l->file;
    unsigned line = l->line;

    if (l->section != NULL && key != NULL)
        place(l->section, key, &file, &line);
    return error_prefix(err, "%s:%u: listener '%s'", file, line, l->name);
}

/* -1: an error is set; 0: somebody else's secret; 1: open in *fd_out. */
static int
open_checked(struct draft *d, const struct ini_section *s, const char *key,
             const char *path, int *fd_out, struct error *err)
{
    struct stat st;
    int fd;

    if (stat(path, &st) < 0 && errno == EACCES && geteuid() != 0)
        goto hidden;
    if (stat(path, &st) < 0)
        return draft_fail(s, key, err, "%s: %s: %s", key, path,
                          strerror(errno));
    if (!S_ISREG(st.st_mode))
        return draft_fail(s, key, err, "%s: %s is not a regular file", key,
                          path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == EACCES && geteuid() != 0)
        goto hidden;
    if (fd < 0)
        return draft_fail(s, key, err, "%s: %s: %s", key, path,
                          strerror(errno));
    *fd_out = fd;
    return 1;
hidden:
    draft_warn(d, s, key,
               "%s: %s cannot be read by this user and was not "
               "checked",
               key, path);
    return 0;
}

static void
warn_if_open(struct draft *d, const struct ini_section *s, const char *key,
             const char *path, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
        draft_warn(d, s, key, "%s: %s is open to every user of this machine",
                   key, path);
}

int
check_file(struct draft *d, const struct ini_section *s, const char *key,
           const char *path, struct error *err)
{
    int fd = -1, rc;

    if (path == NULL)
        return 0;
    rc = open_checked(d, s, key, path, &fd, err);
    if (rc <= 0)
        return rc;
    if (strcmp(key, "keytab") == 0 || strcmp(key, "tls_key") == 0 ||
        strcmp(key, "client_keytab") == 0 ||
        strcmp(key, "upstream_key") == 0 || strcmp(key, "session_keys") == 0)
        warn_if_open(d, s, key, path, fd);
    close(fd);
    return 0;
}

/* It travels in a header field: visible ASCII only (RFC 9110 5.5). */
static const char *
secret_fault(const char *bytes, size_t length)
{
    if (length > 0 && bytes[length - 1] == '\n')
        length--;
    if (length < 32)
        return "holds fewer than 32 bytes";
    if (length > 256)
        return "holds more than 256 bytes";
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x21 || bytes[i] > 0x7e)
            return "holds something other than one line of visible ASCII "
                   "characters";
    }
    return NULL;
}

int
check_secret(struct draft *d, const struct ini_section *s, const char *key,
             const char *path, struct error *err)
{
    char bytes[300];
    const char *fault;
    ssize_t n;
    int fd = -1, rc;

    if (path == NULL)
        return 0;
    rc = open_checked(d, s, key, path, &fd, err);
    if (rc <= 0)
        return rc;
    n = read(fd, bytes, sizeof(bytes));
    warn_if_open(d, s, key, path, fd);
    close(fd);
    fault = n < 0 ? strerror(errno) : secret_fault(bytes, (size_t)n);
    explicit_bzero(bytes, sizeof(bytes));
    if (fault != NULL)
        return draft_fail(s, key, err, "%s: %s %s", key, path, fault);
    return 0;
}

/* -- [nsgate] ------------------------------------------------------------ */

/* Who could write there could write policy (threat 34). */
static int
check_directory(struct draft *d, const char *key, const char *path,
                bool must_exist, struct error *err)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        if (errno == ENOENT && !must_exist)
            return 0;
        return draft_fail(d->main, key, err, "%s: %s: %s", key, path,
                          strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return draft_fail(d->main, key, err, "%s: %s is not a directory", key,
                          path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return draft_fail(d->main, key, err,
                          "%s: %s is writable by its group or by everyone; "
                          "chmod go-w it",
                          key, path);
    return 0;
}

static int
check_users(struct draft *d, struct error *err)
{
    struct config *c = d->config;
    uint32_t user, store_user;
    struct error why;

    if (value_user(c->user, &user, &why) < 0)
        return draft_fail(d->main, "user", err, "user: %s", why.text);
    if (value_user(c->store_user, &store_user, &why) < 0)
        return draft_fail(d->main, "store_user", err, "store_user: %s",
                          why.text);
    if (user == 0)
        draft_warn(d, d->main, "user",
                   "user = root: the workers are not confined");
    if (store_user == 0)
        draft_warn(d, d->main, "store_user",
                   "store_user = root: the recorder and the keeper are not "
                   "confined");
    else if (user == store_user)
        draft_warn(d, d->main, "store_user",
                   "store_user is the workers' user: a taken-over worker "
                   "could write policy and events");
    return 0;
}

int
check_main(struct draft *d, struct error *err)
{
    struct config *c = d->config;

    if (c->acceptor_count == 0)
        return draft_fail(d->main, NULL, err,
                          "[nsgate] needs acceptor = HTTP@the.host.name");
    if (check_directory(d, "state_dir", c->state_dir, true, err) < 0 ||
        check_directory(d, "runtime_dir", c->runtime_dir, false, err) < 0 ||
        check_users(d, err) < 0)
        return -1;
    if (check_file(d, d->main, "session_keys", c->session_keys, err) < 0)
        return -1;
    return check_file(d, d->main, "keytab", c->keytab, err);
}

/* -- namespaces ---------------------------------------------------------- */

int
check_namespaces(struct draft *d, struct error *err)
{
    int64_t now_us = clock_now_us();

    for (size_t i = 0; i < d->config->namespace_count; i++) {
        const struct config_namespace *n = &d->namespaces[i];
        const struct ini_section *s = d->namespace_sections[i];

        if (n->audit && n->audit_until_us == 0)
            return draft_fail(s, "enforcement", err,
                              "enforcement = audit needs until = YYYY-MM-DD");
        if (!n->audit && n->audit_until_us != 0)
            return draft_fail(s, "until", err,
                              "until means nothing without enforcement = "
                              "audit");
        if (n->audit && n->audit_until_us < now_us)
            draft_warn(d, s, "until",
                       "%s: the audit is over, requests are "
                       "refused again",
                       n->path.text);
        else if (n->audit)
            draft_warn(d, s, "enforcement",
                       "%s: requests below the required level are let in, "
                       "for audit",
                       n->path.text);
    }
    return 0;
}
