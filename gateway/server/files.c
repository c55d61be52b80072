/*
 * What the configuration's files hold, looked at as those processes do that
 * will use it, so that a start either succeeds or says in one line what is
 * wrong and where that is configured.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/auth/auth.h"
#include "gateway/http/http.h"
#include "gateway/server/server.h"
#include "gateway/server/setup.h"
#include "gateway/server/upstreams.h"

#define PEM_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* What only the privileged may read is believed when others ask. */
static bool
is_hidden(const struct error *err)
{
    return err->code == -EACCES && geteuid() != 0;
}

/* -- keys ------------------------------------------------------------------ */

static int
acceptor_check(const struct config *c, int fd, struct error *err)
{
    char rcache[300];
    struct acceptor_options options = {.names = c->acceptors,
                                       .name_count = c->acceptor_count,
                                       .keytab_fd = fd,
                                       .rcache_dir = rcache};
    struct acceptor *acceptor;

    snprintf(rcache, sizeof(rcache), "%s/rcache", c->state_dir);
    if (acceptor_new(&options, &acceptor, err) < 0)
        return -1;
    acceptor_free(acceptor);
    return 0;
}

static int
client_check(const struct config *c, int fd, struct error *err)
{
    struct client_credential *credential;

    if (client_credential_new(fd, c->callback.client_principal, &credential,
                              err) < 0)
        return -1;
    client_credential_free(credential);
    return 0;
}

static int
keytab_check(const struct config *c, const char *key, const char *path,
             int (*check)(const struct config *c, int fd, struct error *err),
             struct error *err)
{
    int fd, result;

    if (path == NULL)
        return 0;
    fd = memory_file_read(path, KEYTAB_BYTES_MAX, err);
    if (fd < 0)
        return is_hidden(err) ? 0 : config_blame(c, key, err);
    result = check(c, fd, err);
    close(fd);
    if (result == 0)
        return 0;
    error_prefix(err, "%s", path);
    return config_blame(c, key, err);
}

static int
sink_ca_check(const struct config *c, struct error *err)
{
    const char *path = c->callback.sink_ca;
    struct buf pem = BUF_INIT;
    int result;

    if (path == NULL)
        return 0;
    result = file_read(path, PEM_BYTES_MAX, &pem, err);
    if (result < 0 && is_hidden(err)) {
        result = 0;
    } else if (result < 0) {
        config_blame(c, "sink_ca", err);
    } else if (http_tls_check_certificate(pem.data, err) < 0) {
        error_prefix(err, "%s", path);
        result = config_blame(c, "sink_ca", err);
    }
    buf_fini(&pem);
    return result;
}

/* -- sessions ---------------------------------------------------------------- */

int
session_keys_load(const struct config *c, struct session_keys *out,
                  struct error *err)
{
    struct buf text = BUF_INIT;
    int result = file_read(c->session_keys, PEM_BYTES_MAX, &text, err);

    if (result == 0) {
        result = session_keys_parse(buf_span(&text), out, err);
        if (result < 0)
            error_prefix(err, "%s", c->session_keys);
    }
    secret_fini(&text);
    return result < 0 ? config_blame(c, "session_keys", err) : 0;
}

static int
session_keys_check(const struct config *c, struct error *err)
{
    struct session_keys keys;
    int result = 0;

    if (c->session_keys != NULL)
        result = session_keys_load(c, &keys, err);
    session_keys_wipe(&keys);
    return result < 0 && is_hidden(err) ? 0 : result;
}

/* -- state_dir ------------------------------------------------------------- */

/* One that cannot be read is believed to be: the start looks again. */
static bool
directory_is_empty(const char *path)
{
    DIR *d = opendir(path);
    int entries = 0;

    if (d == NULL)
        return true;
    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    return entries <= 2;
}

/* A fresh one of root's becomes store_user's when the gateway starts. */
static int
state_dir_owner_check(const struct config *c, struct error *err)
{
    const char *path = c->state_dir;
    struct account store, user;
    struct stat st;

    if (account_find(c->store_user, &store, err) < 0 ||
        account_find(c->user, &user, err) < 0)
        return config_blame(c, "store_user", err);
    if (stat(path, &st) < 0 || st.st_uid == store.uid ||
        (st.st_uid == 0 && directory_is_empty(path)))
        return 0;
    error_set(err,
              "%s belongs to uid %u and not to store_user '%s'; chown -R "
              "%s:%u %s",
              path, (unsigned)st.st_uid, store.name, store.name,
              (unsigned)user.gid, path);
    return config_blame(c, "state_dir", err);
}

/* -- all together ------------------------------------------------------------ */

int
files_check(const struct config *c, struct error *err)
{
    if (state_dir_owner_check(c, err) < 0 ||
        keytab_check(c, "keytab", c->keytab, acceptor_check, err) < 0 ||
        listener_files_check(c, err) < 0 || upstream_files_check(c, err) < 0 ||
        session_keys_check(c, err) < 0 ||
        keytab_check(c, "client_keytab", c->callback.client_keytab,
                     client_check, err) < 0)
        return -1;
    return sink_ca_check(c, err);
}

/* Writes what is wrong, nothing if nothing is, and never returns. */
static void
checker_run(const struct config *c, int fd)
{
    struct error err = {0, ""};

    if (files_check(c, &err) == 0)
        _exit(0);
    if (write(fd, err.text, strlen(err.text)) < 0)
        _exit(2);
    _exit(1);
}

int
files_check_apart(const struct config *c, struct error *err)
{
    char text[ERROR_TEXT_MAX];
    size_t used = 0;
    int ends[2], status = 0;
    ssize_t n;
    pid_t pid;

    if (pipe(ends) < 0)
        return error_set_errno(err, errno, "pipe");
    pid = fork();
    if (pid == 0)
        checker_run(c, ends[1]);
    close(ends[1]);
    while (pid > 0 && used < sizeof(text) - 1 &&
           (n = read(ends[0], text + used, sizeof(text) - 1 - used)) != 0)
    {
        if (n > 0)
            used += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    close(ends[0]);
    text[used] = '\0';
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        return error_set_errno(err, errno, "fork");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(err, "%s",
                     used > 0 ? text
                              : "the files of the configuration could not be "
                                "checked");
}
