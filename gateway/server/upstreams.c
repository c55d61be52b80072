#include "gateway/server/upstreams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/http/http.h"
#include "gateway/server/addresses.h"
#include "gateway/server/server.h"
#include "gateway/server/worker.h"
#include "gateway/sys/sys.h"
#include "policy/decision/decision.h"

#define PEM_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* -- files ---------------------------------------------------------------- */

/* As far as its own permissions tell. */
static bool
is_readable_by(const char *path, const struct account *user)
{
    struct stat st;
    unsigned bits;

    if (user->uid == 0 || stat(path, &st) < 0)
        return true;
    bits = st.st_mode & 07;
    if (user->uid == st.st_uid)
        bits = (st.st_mode >> 6) & 07;
    else if (user->gid == st.st_gid)
        bits = (st.st_mode >> 3) & 07;
    return (bits & 04) != 0;
}

static int
pem_load(const struct config_route *r, const char *key, const char *path,
         int (*check)(const char *pem, struct error *err),
         const struct account *user, struct buf *out, struct error *err)
{
    if (path == NULL)
        return 0;
    if (file_read(path, PEM_BYTES_MAX, out, err) < 0) {
        /* What only the privileged may read is believed. */
        if (err->code == -EACCES && geteuid() != 0)
            return 0;
        return config_blame_route(r, key, err);
    }
    if (check(out->data, err) < 0) {
        error_prefix(err, "%s", path);
        return config_blame_route(r, key, err);
    }
    if (is_readable_by(path, user))
        return 0;
    error_set(err, "%s cannot be read by user '%s'; chgrp %u and chmod g+r it",
              path, user->name, (unsigned)user->gid);
    return config_blame_route(r, key, err);
}

static int
route_files_check(const struct config_route *r, const struct account *user,
                  struct error *err)
{
    struct buf ca = BUF_INIT, certificate = BUF_INIT, key = BUF_INIT;
    int result = -1;

    if (pem_load(r, "upstream_ca", r->upstream_ca, http_tls_check_certificate,
                 user, &ca, err) < 0 ||
        pem_load(r, "upstream_certificate", r->upstream_certificate,
                 http_tls_check_certificate, user, &certificate, err) < 0 ||
        pem_load(r, "upstream_key", r->upstream_key, http_tls_check_key, user,
                 &key, err) < 0)
        goto out;
    result = 0;
    if (certificate.length > 0 && key.length > 0 &&
        http_tls_check(certificate.data, key.data, err) < 0)
    {
        error_prefix(err, "%s with %s", r->upstream_certificate,
                     r->upstream_key);
        result = config_blame_route(r, "upstream_key", err);
    }
out:
    buf_fini(&ca);
    buf_fini(&certificate);
    secret_fini(&key);
    return result;
}

int
upstream_files_check(const struct config *config, struct error *err)
{
    struct account user;

    if (config->route_count == 0)
        return 0;
    if (account_find(config->user, &user, err) < 0)
        return config_blame(config, "user", err);
    for (size_t i = 0; i < config->route_count; i++) {
        if (route_files_check(&config->routes[i], &user, err) < 0)
            return -1;
    }
    return 0;
}

/* -- the way -------------------------------------------------------------- */

/* An encrypted namespace that a route leads to. */
struct encrypted {
    const struct config *config;
    const struct config_route *route;
    struct namespace_path path; /* zeroed: none found */
};

static bool
encrypted_visit(void *arg, const struct policy_entry *entry)
{
    struct encrypted *e = arg;

    if (entry->required_level == AUTHN_LEVEL_PKT_PRIVACY &&
        namespace_path_parse(&e->path, entry->display, NULL) ==
            NAMESPACE_PATH_OK &&
        config_route_leads_to(e->config, e->route, &e->path))
        return false;
    memset(&e->path, 0, sizeof(e->path));
    return true;
}

static int
hop_check(const struct policy_image *image, const struct config *config,
          const struct config_route *r, struct error *err)
{
    const struct config_upstream *open = proxy_route_open_upstream(r);
    struct encrypted e = {.config = config, .route = r};

    if (open == NULL)
        return 0;
    policy_image_each(image, encrypted_visit, &e);
    if (e.path.length == 0)
        return 0;
    error_set(err,
              "%s requires encryption, and the way to %s is not private: "
              "requests are refused",
              e.path.text, open->url);
    return config_blame_route(r, "upstream", err);
}

static int
hops_look(const struct config *config, bool says_itself, struct error *err)
{
    struct policy_image *image;
    int result = 0;

    if (config->route_count == 0 ||
        policy_image_open(config->state_dir, &image, NULL) < 0)
        return 0;
    for (size_t i = 0; result == 0 && i < config->route_count; i++) {
        if ((config->routes[i].protocol != ROUTE_HTTP) == says_itself)
            result = hop_check(image, config, &config->routes[i], err);
    }
    policy_image_unref(image);
    return result;
}

int
hops_check(const struct config *config, struct error *err)
{
    return hops_look(config, false, err);
}

int
hops_warn(const struct config *config, struct error *err)
{
    return hops_look(config, true, err);
}

/* -- addresses ------------------------------------------------------------ */

/* NULL: no memory. */
static char *
addresses_of(const struct config_route *r, const struct config_upstream *u,
             bool *lost_out)
{
    struct buf out = BUF_INIT;
    const char *why;

    if (u->numeric || u->unix_path != NULL)
        return strdup("");
    addresses_find(u->host, &out, &why);
    *lost_out = out.length == 0;
    if (*lost_out)
        log_write(LOG_LEVEL_WARNING, "[route/%s] upstream %s: %s", r->name,
                  u->url, why);
    return *lost_out ? strdup("") : buf_take(&out);
}

/* -- what workers think of them ------------------------------------------- */

static int
states_open(struct upstream_set *set, struct error *err)
{
    size_t bytes = WORKER_SLOTS * set->count;

    if (bytes == 0)
        return 0;
    set->states = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (set->states != MAP_FAILED)
        return 0;
    set->states = NULL;
    return error_set_errno(err, errno, "routes");
}

void
upstream_set_tell(const struct upstream_set *set, size_t slot, size_t upstream,
                  bool up)
{
    atomic_store(&set->states[slot * set->count + upstream],
                 up ? UPSTREAM_UP : UPSTREAM_DOWN);
}

void
upstream_set_forget(const struct upstream_set *set, size_t slot)
{
    for (size_t i = 0; set->states != NULL && i < set->count; i++)
        atomic_store(&set->states[slot * set->count + i], UPSTREAM_UNSAID);
}

struct upstream_tally
upstream_set_tally(const struct upstream_set *set, size_t upstream)
{
    struct upstream_tally t = {0, 0};

    for (size_t slot = 0; slot < WORKER_SLOTS; slot++) {
        uint8_t state =
            atomic_load(&set->states[slot * set->count + upstream]);

        t.up += state == UPSTREAM_UP;
        t.down += state == UPSTREAM_DOWN;
    }
    return t;
}

/* -- all together --------------------------------------------------------- */

void
upstream_set_close(struct upstream_set *set)
{
    for (size_t i = 0; set->addresses != NULL && i < set->count; i++)
        free(set->addresses[i]);
    free(set->addresses);
    free(set->lost);
    if (set->states != NULL)
        munmap((void *)(uintptr_t)set->states, WORKER_SLOTS * set->count);
    *set = (struct upstream_set){0};
}

static int
arrays_open(struct upstream_set *set, size_t count, struct error *err)
{
    *set = (struct upstream_set){
        .addresses = calloc(count + 1, sizeof(*set->addresses)),
        .lost = calloc(count + 1, sizeof(*set->lost))};
    if (set->addresses != NULL && set->lost != NULL)
        return 0;
    upstream_set_close(set);
    return error_set_errno(err, ENOMEM, "routes");
}

int
upstream_set_open(const struct config *config, struct upstream_set *out,
                  struct error *err)
{
    struct error why = {0, ""};
    size_t count = 0;

    if (hops_check(config, &why) < 0)
        log_write(LOG_LEVEL_WARNING, "%s", why.text);
    if (hops_warn(config, &why) < 0)
        log_write(LOG_LEVEL_WARNING, "%s", why.text);
    for (size_t i = 0; i < config->route_count; i++)
        count += config->routes[i].upstream_count;
    if (arrays_open(out, count, err) < 0)
        return -1;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *r = &config->routes[i];

        for (size_t j = 0; j < r->upstream_count; j++) {
            char *found =
                addresses_of(r, &r->upstreams[j], &out->lost[out->count]);

            if (found == NULL) {
                upstream_set_close(out);
                return error_set_errno(err, ENOMEM, "routes");
            }
            out->addresses[out->count++] = found;
        }
    }
    if (states_open(out, err) == 0)
        return 0;
    upstream_set_close(out);
    return -1;
}
