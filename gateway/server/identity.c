/*
 * The gateway's own identity towards the servers of routes, as a worker has
 * it: a ticket for each from the clerk, and no key.  Each request gets a token
 * of its own, made here without asking anybody.
 */
#include "gateway/server/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/server/messages.h"
#include "gateway/server/tickets.h"
#include "gateway/server/worker.h"

#define WAIT_MS  2000    /* for the clerk's first word of a ticket */
#define ASK_MS   1000    /* it is not asked more often for one */
#define EARLY_US 1000000 /* before its end a ticket is not shown any more */

struct slot {
    const char *service;
    struct service_ticket *ticket; /* NULL: none */
    struct buf bytes;              /* it was made of */
    char failure[ERROR_TEXT_MAX];  /* of the clerk's last attempt */
    uint64_t silent_ms; /* none, and nothing heard, since; 0: heard */
    uint64_t asked_ms;
};

struct identity {
    struct worker *worker;
    const char **services;
    struct slot *slots;
    size_t count;
};

static struct slot *
slot_find(struct identity *id, struct span service)
{
    for (size_t i = 0; i < id->count; i++) {
        if (span_equal(span_of(id->slots[i].service), service))
            return &id->slots[i];
    }
    return NULL;
}

static struct slot *
slot_of(struct identity *id, const struct config_upstream *u)
{
    return slot_find(id, span_of(u->service));
}

/* -- asking ------------------------------------------------------------------- */

static void
slot_want(struct identity *id, struct slot *s)
{
    uint64_t now = clock_monotonic_ms();

    if (s->asked_ms != 0 && now - s->asked_ms < ASK_MS)
        return;
    s->asked_ms = now;
    message_send(id->worker->boot->master_fd, MESSAGE_TICKET_WANTED, 0, 0,
                 s->service, -1);
}

static bool
slot_is_good(struct identity *id, struct slot *s)
{
    if (s->ticket != NULL &&
        service_ticket_times(s->ticket).ends_us - EARLY_US > clock_now_us())
        return true;
    if (s->ticket != NULL) {
        service_ticket_unref(s->ticket);
        s->ticket = NULL;
        if (s->failure[0] == '\0')
            s->silent_ms = clock_monotonic_ms();
    }
    slot_want(id, s);
    return false;
}

bool
identity_is_awaited(struct identity *id, const struct config_route *r)
{
    uint64_t now = clock_monotonic_ms();

    for (size_t i = 0; i < r->upstream_count; i++) {
        const struct slot *s = slot_of(id, &r->upstreams[i]);

        if (s->silent_ms != 0 && now - s->silent_ms < WAIT_MS)
            return true;
    }
    return false;
}

void
identity_describe(struct identity *id, const struct config_route *r,
                  struct buf *out)
{
    for (size_t i = 0; i < r->upstream_count; i++) {
        const struct slot *s = slot_of(id, &r->upstreams[i]);

        buf_addf(out, "%s%s", i > 0 ? "; " : "",
                 s->failure[0] != '\0' ? s->failure : s->service);
        if (s->failure[0] == '\0')
            buf_add_string(out, ": no KDC has answered yet");
    }
}

/* -- taking ------------------------------------------------------------------- */

static void
slot_take(struct slot *s, const struct ticket_entry *e)
{
    struct service_ticket *ticket = NULL;
    struct error err = {0, ""};

    snprintf(s->failure, sizeof(s->failure), "%.*s", (int)e->failure.length,
             e->failure.data);
    s->silent_ms = 0;
    if (e->ticket.length == 0 ||
        (s->ticket != NULL && span_equal(e->ticket, buf_span(&s->bytes))))
        return;
    if (service_ticket_new(e->ticket, &ticket, &err) < 0) {
        snprintf(s->failure, sizeof(s->failure), "%s", err.text);
        return;
    }
    service_ticket_unref(s->ticket);
    s->ticket = ticket;
    secret_fini(&s->bytes);
    s->bytes = BUF_INIT;
    buf_add_span(&s->bytes, e->ticket);
}

void
identity_take(struct identity *id, int fd)
{
    struct buf bytes = BUF_INIT;
    struct ticket_entry e;
    struct error err = {0, ""};
    struct span rest;

    if (file_read_fd(fd, TICKETS_BYTES_MAX, &bytes, &err) < 0) {
        log_write(LOG_LEVEL_ERROR, "tickets: %s", err.text);
        secret_fini(&bytes);
        return;
    }
    rest = buf_span(&bytes);
    while (ticket_entry_next(&rest, &e)) {
        struct slot *s = slot_find(id, e.service);

        /* One that was not tried yet is nothing to tell of. */
        if (s != NULL && (e.ticket.length > 0 || e.failure.length > 0))
            slot_take(s, &e);
    }
    if (rest.length > 0)
        log_write(LOG_LEVEL_ERROR, "tickets: damaged");
    secret_fini(&bytes);
}

/* -- signing: for the proxy ---------------------------------------------------- */

static bool
signer_ready(void *arg, const struct config_upstream *u)
{
    return slot_is_good(arg, slot_of(arg, u));
}

/* The way is private and the flags say so: a server that judges by what a
 * context declares can let it in to what is encrypted. */
static struct proxy_proof *
signer_sign(void *arg, const struct config_upstream *u, struct buf *out,
            struct error *err)
{
    struct slot *s = slot_of(arg, u);
    struct initiator_options options = {.ticket = s->ticket};
    struct initiator *i;

    if (!slot_is_good(arg, s)) {
        error_set(err, "the ticket for %s has ended", s->service);
        return NULL;
    }
    initiator_flags_for_level(AUTHN_LEVEL_PKT_PRIVACY, &options.req_flags,
                              &options.no_ci);
    if (initiator_new(&options, &i, err) < 0) {
        slot_want(arg, s);
        return NULL;
    }
    buf_add_string(out, "Negotiate ");
    buf_add_string(out, initiator_token(i));
    return (struct proxy_proof *)i;
}

static int
signer_verify(struct proxy_proof *p, struct span token, struct error *err)
{
    struct initiator *i = (struct initiator *)p;

    if (initiator_finish(i, token, err) < 0)
        return -1;
    return initiator_is_mutual(i)
               ? 0
               : error_set(err, "the server did not prove who it is");
}

static void
signer_discard(struct proxy_proof *p)
{
    initiator_free((struct initiator *)p);
}

static void
signer_refused(void *arg, const struct config_upstream *u)
{
    slot_want(arg, slot_of(arg, u));
}

struct proxy_signer
identity_signer(struct identity *id)
{
    return (struct proxy_signer){.arg = id,
                                 .ready = signer_ready,
                                 .sign = signer_sign,
                                 .verify = signer_verify,
                                 .discard = signer_discard,
                                 .refused = signer_refused};
}

/* -- life ----------------------------------------------------------------------- */

int
identity_new(struct worker *w, struct identity **out, struct error *err)
{
    struct identity *id = calloc(1, sizeof(*id));

    *out = NULL;
    if (id == NULL)
        return error_set_errno(err, ENOMEM, "tickets");
    id->worker = w;
    id->services = config_services(w->boot->config, &id->count);
    id->slots = calloc(id->count + 1, sizeof(*id->slots));
    if (id->services == NULL || id->slots == NULL) {
        identity_free(id);
        return error_set_errno(err, ENOMEM, "tickets");
    }
    for (size_t i = 0; i < id->count; i++)
        id->slots[i] = (struct slot){.service = id->services[i],
                                     .bytes = BUF_INIT,
                                     .silent_ms = clock_monotonic_ms()};
    *out = id;
    return 0;
}

void
identity_free(struct identity *id)
{
    if (id == NULL)
        return;
    for (size_t i = 0; id->slots != NULL && i < id->count; i++) {
        service_ticket_unref(id->slots[i].ticket);
        secret_fini(&id->slots[i].bytes);
    }
    free(id->slots);
    free(id->services);
    free(id);
}
