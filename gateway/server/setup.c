#include "gateway/server/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "policy/repository/repository.h"

#define LOCK_WAIT_MS 3000

/* -- accounts and directories ---------------------------------------------- */

static int
accounts_find(struct setup *s, struct error *err)
{
    const struct config *c = s->config;

    if (account_find(c->user, &s->user, err) < 0 ||
        account_find(c->store_user, &s->store_user, err) < 0)
        return -1;
    /* What the stores create is for the workers to read: SQLite gives a new
     * file the group of the process. */
    s->store_user.gid = s->user.gid;
    if (geteuid() != 0 &&
        (s->user.uid != geteuid() || s->store_user.uid != geteuid()))
        return error_set(err,
                         "only root can run the gateway as '%s' and '%s';"
                         " set user and store_user to the caller",
                         s->user.name, s->store_user.name);
    return 0;
}

static bool
directory_is_empty(const char *path)
{
    DIR *d = opendir(path);
    int entries = 0;

    if (d == NULL)
        return false;
    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    return entries <= 2;
}

static int
directory_give(const char *path, uid_t uid, gid_t gid, mode_t mode,
               struct error *err)
{
    if ((geteuid() == 0 && chown(path, uid, gid) < 0) || chmod(path, mode) < 0)
        return error_set_errno(err, errno, "%s", path);
    return 0;
}

/* Whether user may enter and read it. */
static bool
directory_is_open_to(const struct stat *st, const struct account *user)
{
    unsigned bits = st->st_mode & 07;

    if (user->uid == 0)
        return true;
    if (user->uid == st->st_uid)
        bits = (st->st_mode >> 6) & 07;
    else if (user->gid == st->st_gid)
        bits = (st->st_mode >> 3) & 07;
    return (bits & 05) == 05;
}

/* A fresh one (of a package, or of the service manager) becomes
 * store_user's, readable by the group of user. */
static int
state_dir_prepare(const struct setup *s, struct error *err)
{
    const char *path = s->config->state_dir;
    struct stat st;

    if (mkdir(path, 0750) < 0 && errno != EEXIST)
        return error_set_errno(err, errno, "state_dir %s", path);
    if (stat(path, &st) < 0)
        return error_set_errno(err, errno, "state_dir %s", path);
    if (geteuid() == 0 && st.st_uid == 0 && directory_is_empty(path) &&
        directory_give(path, s->store_user.uid, s->user.gid, 0750, err) < 0)
        return -1;
    if (state_dir_check(path, err) < 0)
        return error_prefix(err, "state_dir");
    if (stat(path, &st) == 0 && st.st_uid != s->store_user.uid)
        return error_set(err,
                         "state_dir %s belongs to uid %u and not to"
                         " store_user '%s'; chown -R %s:%u %s",
                         path, (unsigned)st.st_uid, s->store_user.name,
                         s->store_user.name, (unsigned)s->user.gid, path);
    if (!directory_is_open_to(&st, &s->user))
        return error_set(err,
                         "state_dir %s cannot be entered by user '%s';"
                         " chgrp %u %s and chmod 0750 %s",
                         path, s->user.name, (unsigned)s->user.gid, path,
                         path);
    return 0;
}

/* Before anything is touched; the lock below has no such holes as two that
 * start together, but is about the other directory. */
static int
runtime_dir_is_free(const struct setup *s, struct error *err)
{
    struct error why = {0, ""};
    int fd = control_connect(s->config->runtime_dir, &why);

    if (fd < 0 && why.code == -EPERM) {
        error_set(err, "%s", why.text);
        return error_prefix(err, "runtime_dir");
    }
    if (fd < 0)
        return 0;
    close(fd);
    return error_set(err, "runtime_dir %s: another gateway is running",
                     s->config->runtime_dir);
}

static int
lock_wait(int fd, const char *path, struct error *err)
{
    const struct timespec step = {0, 10 * 1000000L};
    uint64_t end_ms = clock_monotonic_ms() + LOCK_WAIT_MS;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_set_errno(err, errno, "state_dir %s", path);
        if (clock_monotonic_ms() >= end_ms)
            return error_set(err, "state_dir %s: another gateway is running",
                             path);
        nanosleep(&step, NULL);
    }
    return 0;
}

/*
 * One gateway a state_dir.  The directory itself is locked: no file could be
 * left behind, and only those can open it who have the state already.  All
 * processes of a gateway share the lock, so that those of a killed master,
 * which end by themselves, are waited for.
 */
static int
state_dir_lock(struct setup *s, const struct setup *previous,
               struct error *err)
{
    const char *path = s->config->state_dir;

    if (previous != NULL)
        s->state_fd = fcntl(previous->state_fd, F_DUPFD_CLOEXEC, 3);
    else
        s->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->state_fd < 0)
        return error_set_errno(err, errno, "state_dir %s", path);
    return previous == NULL ? lock_wait(s->state_fd, path, err) : 0;
}

/* The replay cache outlives a restart (threat 41). */
static int
rcache_prepare(const struct setup *s, struct error *err)
{
    char path[512];
    struct stat st;
    int made;

    snprintf(path, sizeof(path), "%s/rcache", s->config->state_dir);
    made = mkdir(path, 0700);
    if (made < 0 && errno != EEXIST)
        return error_set_errno(err, errno, "%s", path);
    if (lstat(path, &st) < 0)
        return error_set_errno(err, errno, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, "%s: not a directory", path);
    if (made == 0 || st.st_uid != s->user.uid || (st.st_mode & 077) != 0)
        return directory_give(path, s->user.uid, s->user.gid, 0700, err);
    return 0;
}

static int
runtime_dir_prepare(const struct setup *s, struct error *err)
{
    const char *path = s->config->runtime_dir;
    struct stat st;

    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return error_set_errno(err, errno, "runtime_dir %s", path);
    if (stat(path, &st) < 0)
        return error_set_errno(err, errno, "runtime_dir %s", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return error_set(err,
                         "runtime_dir %s belongs to uid %u, who could put"
                         " another control socket there; chown root %s",
                         path, (unsigned)st.st_uid, path);
    if ((st.st_mode & 022) != 0)
        return error_set(err,
                         "runtime_dir %s is writable by group or world;"
                         " chmod go-w %s",
                         path, path);
    return 0;
}

/* -- files ------------------------------------------------------------------ */

static int
key_file_open(struct key_file *k, const char *what, const char *path,
              struct error *err)
{
    if (stat(path, &k->seen) < 0)
        return error_set_errno(err, errno, "%s %s", what, path);
    k->fd = memory_file_read(path, KEYTAB_BYTES_MAX, err);
    return k->fd < 0 ? error_prefix(err, "%s", what) : 0;
}

/* The client's only if there is anybody to be a client of. */
static int
keytabs_open(struct setup *s, struct error *err)
{
    const struct config_callback *callback = &s->config->callback;

    if (key_file_open(&s->keytab, "keytab", s->config->keytab, err) < 0)
        return -1;
    if (setup_children(s, CHILD_COURIER) == 0 &&
        setup_children(s, CHILD_CLERK) == 0)
        return 0;
    return key_file_open(&s->client_keytab, "client_keytab",
                         callback->client_keytab, err);
}

size_t
setup_children(const struct setup *s, enum child_kind kind)
{
    const struct config *c = s->config;

    if (kind == CHILD_WORKER)
        return c->workers;
    if (kind == CHILD_COURIER && c->callback.sink_count > 0 &&
        c->callback.client_keytab != NULL)
        return c->callback.couriers;
    if (kind == CHILD_CLERK)
        return config_signs_in(c);
    return 0;
}

static int
access_log_open(struct setup *s, struct error *err)
{
    const char *path = s->config->access_log;

    if (path == NULL || strcmp(path, "off") == 0)
        return 0;
    if (strcmp(path, "stderr") == 0)
        s->access_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        s->access_fd = open(
            path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (s->access_fd < 0)
        return error_set_errno(err, errno, "access_log %s", path);
    return 0;
}

/* Without a file they are this gateway's own, and go with it. */
static int
session_keys_open(struct setup *s, const struct setup *previous,
                  struct error *err)
{
    const struct config *c = s->config;

    if (c->session_keys != NULL)
        return session_keys_load(c, &s->session_keys, err);
    if (previous != NULL && previous->config->session_keys == NULL)
        s->session_keys = previous->session_keys;
    else
        session_keys_random(&s->session_keys);
    return 0;
}

/* -- all together ------------------------------------------------------------ */

static int
restart_needed(const struct config *old, const struct config *new,
               struct error *err)
{
    const struct {
        const char *key, *old, *new;
    } fixed[] = {
        {"state_dir", old->state_dir, new->state_dir},
        {"runtime_dir", old->runtime_dir, new->runtime_dir},
        {"user", old->user, new->user},
        {"store_user", old->store_user, new->store_user},
    };

    for (size_t i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (strcmp(fixed[i].old, fixed[i].new) != 0)
            return error_set(err,
                             "%s: a changed %s takes effect only with a"
                             " restart",
                             new->path, fixed[i].key);
    }
    return 0;
}

int
setup_open(struct setup *s, struct config *config,
           const struct setup *previous, struct error *err)
{
    memset(s, 0, sizeof(*s));
    s->config = config;
    s->state_fd = -1;
    s->keytab.fd = -1;
    s->client_keytab.fd = -1;
    s->access_fd = -1;
    s->tickets_fd = -1;
    if ((previous != NULL &&
         restart_needed(previous->config, config, err) < 0) ||
        (previous == NULL && runtime_dir_is_free(s, err) < 0) ||
        accounts_find(s, err) < 0 || state_dir_prepare(s, err) < 0 ||
        state_dir_lock(s, previous, err) < 0 || rcache_prepare(s, err) < 0 ||
        runtime_dir_prepare(s, err) < 0 || keytabs_open(s, err) < 0 ||
        access_log_open(s, err) < 0 ||
        upstream_set_open(config, &s->upstreams, err) < 0 ||
        session_keys_open(s, previous, err) < 0 ||
        listener_set_open(config,
                          previous != NULL ? &previous->listeners : NULL,
                          &s->listeners, err) < 0)
    {
        setup_close(s, previous);
        return -1;
    }
    return 0;
}

void
setup_close(struct setup *s, const struct setup *successor)
{
    listener_set_close(&s->listeners,
                       successor != NULL ? &successor->listeners : NULL,
                       false);
    upstream_set_close(&s->upstreams);
    session_keys_wipe(&s->session_keys);
    if (s->state_fd >= 0)
        close(s->state_fd);
    if (s->keytab.fd >= 0)
        close(s->keytab.fd);
    if (s->client_keytab.fd >= 0)
        close(s->client_keytab.fd);
    if (s->access_fd >= 0)
        close(s->access_fd);
    if (s->tickets_fd >= 0)
        close(s->tickets_fd);
    config_free(s->config);
    s->config = NULL;
    s->state_fd = -1;
    s->keytab.fd = -1;
    s->client_keytab.fd = -1;
    s->access_fd = -1;
    s->tickets_fd = -1;
}
