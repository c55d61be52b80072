#include "gateway/server/listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/http/http.h"
#include "gateway/server/server.h"
#include "gateway/sys/sys.h"

#define PEM_BYTES_MAX    ((size_t)1024 * 1024)
#define SECRET_BYTES_MAX 4096
/* Longer than two files that belong together are written one after the
 * other. */
#define SETTLE_MS 3000

/* -- reading ---------------------------------------------------------------- */

static int
secret_load(struct listener *l, struct error *err)
{
    struct buf *s = &l->secret;

    if (l->config->secret_file == NULL)
        return 0;
    if (file_read(l->config->secret_file, SECRET_BYTES_MAX, s, err) < 0)
        return -1;
    while (s->length > 0 && strchr("\r\n", s->data[s->length - 1]) != NULL)
        s->data[--s->length] = '\0';
    if (s->length < 32)
        return error_set(err, "%s: a secret has 32 bytes or more",
                         l->config->secret_file);
    return 0;
}

/* A PEM file that passes check; else what is wrong with it, at its key. */
static int
pem_load(const struct config_listener *c, const char *key, const char *path,
         int (*check)(const char *pem, struct error *err), struct buf *out,
         struct error *err)
{
    if (file_read(path, PEM_BYTES_MAX, out, err) < 0)
        return config_blame_listener(c, key, err);
    if (check(out->data, err) == 0)
        return 0;
    error_prefix(err, "%s", path);
    return config_blame_listener(c, key, err);
}

static int
binding_load(struct listener *l, const char *key, const char *path,
             const struct buf *pem, struct error *err)
{
    if (channel_binding_from_pem(pem->data, pem->length, &l->binding, err))
        return 0;
    error_prefix(err, "%s", path);
    return config_blame_listener(l->config, key, err);
}

static int
tls_load(struct listener *l, struct error *err)
{
    const struct config_listener *c = l->config;

    if (pem_load(c, "tls_certificate", c->tls_certificate,
                 http_tls_check_certificate, &l->certificate, err) < 0 ||
        pem_load(c, "tls_key", c->tls_key, http_tls_check_key, &l->key, err) <
            0)
        return -1;
    if (http_tls_check(l->certificate.data, l->key.data, err) < 0) {
        error_prefix(err, "%s with %s", c->tls_certificate, c->tls_key);
        return config_blame_listener(c, "tls_key", err);
    }
    return binding_load(l, "tls_certificate", c->tls_certificate,
                        &l->certificate, err);
}

static int
proxy_certificate_load(struct listener *l, struct error *err)
{
    static const char key[] = "proxy_tls_certificate";
    const char *path = l->config->proxy_tls_certificate;
    struct buf pem = BUF_INIT;
    int result =
        pem_load(l->config, key, path, http_tls_check_certificate, &pem, err);

    if (result == 0)
        result = binding_load(l, key, path, &pem, err);
    buf_fini(&pem);
    return result;
}

/* Into l, which has nothing yet. */
static int
files_read(struct listener *l, struct error *err)
{
    const struct config_listener *c = l->config;

    if ((c->tls && tls_load(l, err) < 0) ||
        (c->proxy_tls_certificate != NULL &&
         proxy_certificate_load(l, err) < 0))
        return -1;
    return secret_load(l, err) == 0
               ? 0
               : config_blame_listener(c, "secret_file", err);
}

void
listener_files_fini(struct listener *l)
{
    buf_fini(&l->certificate);
    secret_fini(&l->key);
    secret_fini(&l->secret);
}

void
listener_files_move(struct listener *l, struct listener *from)
{
    listener_files_fini(l);
    l->certificate = from->certificate;
    l->key = from->key;
    l->secret = from->secret;
    l->binding = from->binding;
    from->certificate = from->key = from->secret = (struct buf)BUF_INIT;
}

static bool
files_are_equal(const struct listener *a, const struct listener *b)
{
    return span_equal(buf_span(&a->certificate), buf_span(&b->certificate)) &&
           span_equal(buf_span(&a->key), buf_span(&b->key)) &&
           span_equal(buf_span(&a->secret), buf_span(&b->secret)) &&
           a->binding.length == b->binding.length &&
           memcmp(a->binding.data, b->binding.data, a->binding.length) == 0;
}

/* Before they are read, so that what is written meanwhile is seen later. */
static bool
files_have_changed(struct listener *l)
{
    const struct config_listener *c = l->config;
    const char *const paths[LISTENER_FILES] = {
        [LISTENER_CERTIFICATE] = c->tls ? c->tls_certificate : NULL,
        [LISTENER_KEY] = c->tls ? c->tls_key : NULL,
        [LISTENER_PROXY_CERTIFICATE] = c->proxy_tls_certificate,
        [LISTENER_SECRET] = c->secret_file,
    };
    bool changed = false;

    for (size_t i = 0; i < LISTENER_FILES; i++) {
        if (paths[i] != NULL && file_changed(paths[i], &l->seen[i]))
            changed = true;
    }
    return changed;
}

int
listener_files_load(struct listener *l, struct error *err)
{
    struct listener fresh = {.config = l->config, .fd = -1};
    int result;

    files_have_changed(l);
    result = files_read(&fresh, err);
    if (result == 0)
        listener_files_move(l, &fresh);
    listener_files_fini(&fresh);
    return result;
}

int
listener_files_check(const struct config *config, struct error *err)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < config->listener_count; i++) {
        struct listener l = {.config = &config->listeners[i], .fd = -1};

        result = listener_files_load(&l, err);
        /* What only the privileged may read is believed. */
        if (result < 0 && err->code == -EACCES && geteuid() != 0)
            result = 0;
        listener_files_fini(&l);
    }
    return result;
}

/* -- changes ---------------------------------------------------------------- */

/* Nothing is told of what may still be half done. */
static int
files_unfit(struct listener *l, bool changed, uint64_t now_ms)
{
    if (changed) {
        l->unfit_ms = now_ms;
        l->told = false;
        return 0;
    }
    l->told = true;
    return -1;
}

int
listener_files_look(struct listener *l, uint64_t now_ms, struct error *err)
{
    struct listener fresh = {.config = l->config, .fd = -1};
    bool changed = files_have_changed(l), taken;
    int result;

    if (!changed &&
        (l->unfit_ms == 0 || l->told || now_ms - l->unfit_ms < SETTLE_MS))
        return 0;
    if (files_read(&fresh, err) < 0) {
        listener_files_fini(&fresh);
        return files_unfit(l, changed, now_ms);
    }
    /* After a complaint also the old ones are news. */
    taken = l->told || !files_are_equal(l, &fresh);
    result = taken ? 1 : 0;
    if (taken)
        listener_files_move(l, &fresh);
    listener_files_fini(&fresh);
    l->unfit_ms = 0;
    l->told = false;
    return result;
}

/* -- between processes of one program --------------------------------------- */

/* Stands in front of the three, one behind the other. */
struct pack {
    size_t certificate, key, secret; /* bytes */
    struct channel_binding binding;
};

#define PACK_BYTES_MAX                                                        \
    (sizeof(struct pack) + 2 * PEM_BYTES_MAX + SECRET_BYTES_MAX)

int
listener_files_pack(const struct listener *l, struct error *err)
{
    const struct pack head = {.certificate = l->certificate.length,
                              .key = l->key.length,
                              .secret = l->secret.length,
                              .binding = l->binding};
    struct buf all = BUF_INIT;
    int fd = -1;

    /* At once: growing would leave copies of the key behind. */
    if (buf_reserve(&all,
                    sizeof(head) + head.certificate + head.key + head.secret))
    {
        buf_add(&all, &head, sizeof(head));
        buf_add(&all, l->certificate.data, head.certificate);
        buf_add(&all, l->key.data, head.key);
        buf_add(&all, l->secret.data, head.secret);
        fd = memory_file_new("nsgate", all.data, all.length, err);
    } else {
        error_set_errno(err, ENOMEM, "listener '%s'", l->config->name);
    }
    secret_fini(&all);
    return fd;
}

/* The next `length` bytes, with a NUL behind them. */
static bool
unpack(struct span *rest, size_t length, struct buf *out)
{
    if (length > rest->length || !buf_reserve(out, length + 1))
        return false;
    buf_add(out, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return true;
}

int
listener_files_unpack(struct listener *l, int fd, struct error *err)
{
    struct listener fresh = {.config = l->config, .fd = -1};
    struct buf all = BUF_INIT;
    struct span rest;
    struct pack head;
    int result = file_read_fd(fd, PACK_BYTES_MAX, &all, err);

    if (result == 0 && all.length < sizeof(head))
        result = error_set(err, "a pack that is too short");
    if (result == 0) {
        memcpy(&head, all.data, sizeof(head));
        fresh.binding = head.binding;
        rest =
            (struct span){all.data + sizeof(head), all.length - sizeof(head)};
        if (!unpack(&rest, head.certificate, &fresh.certificate) ||
            !unpack(&rest, head.key, &fresh.key) ||
            !unpack(&rest, head.secret, &fresh.secret))
            result = error_set(err, "a pack that does not hold what it says");
    }
    if (result == 0)
        listener_files_move(l, &fresh);
    listener_files_fini(&fresh);
    secret_fini(&all);
    return result;
}
