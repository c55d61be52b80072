/*
 * Health checks: a GET of nobody's at each server of a route with
 * health_path, now and then.  Each makes a connection of its own, so that it
 * sees what a new one sees, and takes none of those that requests may have.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/proxy/transfer.h"

/* More of an answer's body says nothing more. */
#define BODY_MAX ((size_t)64 * 1024)

struct check {
    struct proxy_route *route;
    struct upstream *upstream;
    CURL *easy; /* NULL: between two checks */
    struct place *place;
    uint64_t started_ms, due_ms;
    size_t head_bytes, body_bytes;
    char error[CURL_ERROR_SIZE];
};

int
check_open(struct proxy_route *r, struct upstream *u, struct error *err)
{
    struct check *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return error_set_errno(err, ENOMEM, "route '%s'", r->config->name);
    c->route = r;
    c->upstream = u;
    u->check = c;
    return 0;
}

static void
check_end(struct check *c)
{
    if (c->easy == NULL)
        return;
    curl_multi_remove_handle(c->route->proxy->checks.handle, c->easy);
    curl_easy_cleanup(c->easy);
    place_leave(c->place);
    c->easy = NULL;
    c->place = NULL;
}

void
check_restart(struct upstream *u)
{
    check_end(u->check);
    u->check->due_ms = 0;
}

void
check_close(struct upstream *u)
{
    if (u->check != NULL)
        check_end(u->check);
    free(u->check);
    u->check = NULL;
}

static size_t
take_head(char *bytes, size_t size, size_t count, void *arg)
{
    struct check *c = arg;

    (void)bytes;
    c->head_bytes += size * count;
    return c->head_bytes <= c->route->config->answer_header_max ? size * count
                                                                : 0;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct check *c = arg;

    (void)bytes;
    c->body_bytes += size * count;
    return c->body_bytes <= BODY_MAX ? size * count : 0;
}

static bool
check_configure(struct check *c)
{
    const struct config_route *r = c->route->config;
    CURL *e = c->easy;

    easy_prepare(e, r, c->error);
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->health_timeout_s * 1000);
    return easy_aim(e, c->upstream, span_of(r->health_path), false);
}

void
check_start_if_due(struct upstream *u, uint64_t now_ms)
{
    struct check *c = u->check;

    if (c == NULL || c->easy != NULL || c->due_ms > now_ms)
        return;
    c->started_ms = now_ms;
    c->due_ms = now_ms + (uint64_t)c->route->config->health_interval_s * 1000;
    if (!upstream_has_address(u)) {
        upstream_failed(c->route, u, "its name is not found");
        return;
    }
    c->head_bytes = c->body_bytes = 0;
    c->error[0] = '\0';
    c->easy = curl_easy_init();
    /* Without memory nothing is said about the server. */
    if (c->easy == NULL)
        return;
    c->place = place_use(u->place);
    if (!check_configure(c) || !multi_add(&c->route->proxy->checks, c->easy))
        check_end(c);
}

/* NULL: the server is sound; else what is wrong, also in text. */
static const char *
judge(const struct check *c, CURLcode code, char text[64])
{
    const struct config_route *r = c->route->config;
    long status = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_WRITE_ERROR && c->body_bytes > BODY_MAX)
        code = CURLE_OK;
    if (code != CURLE_OK)
        return c->error[0] != '\0' ? c->error : curl_easy_strerror(code);
    if (status >= (long)r->health_status_min &&
        status <= (long)r->health_status_max)
        return NULL;
    snprintf(text, 64, "its health check was answered %ld", status);
    return text;
}

static void
check_done(struct check *c, CURLcode code)
{
    char text[64];
    const char *wrong = judge(c, code, text);

    check_end(c);
    if (wrong != NULL)
        upstream_failed(c->route, c->upstream, wrong);
    /* What failed since is not made good by what was asked before. */
    else if (c->upstream->failed_ms < c->started_ms)
        upstream_turn(c->route, c->upstream, true, "its health check is good");
}

void
checks_collect(void *proxy)
{
    struct proxy *p = proxy;
    struct check *c;
    CURLcode code;

    while ((c = multi_ended(&p->checks, &code)) != NULL)
        check_done(c, code);
}
