/*
 * A courier: delivers one operation at a time over a connection of its own.
 * It alone in the gateway talks to sinks, and what a sink can reach through
 * it is small: it writes nowhere, and it holds the gateway's credential as a
 * client.  It waits for networks, name servers and KDCs, so that nobody else
 * does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/server/credential.h"
#include "gateway/server/messages.h"
#include "gateway/server/policy.h"
#include "gateway/server/stores.h"
#include "gateway/server/way.h"
#include "policy/repository/repository.h"

#define IDLE_MS     20000 /* an unused session is closed after that */
#define SINK_HEADER 160

struct courier {
    const struct courier_boot *boot;
    const struct config_callback *config;
    struct client_credential *credential;
    struct outbox *outbox;
    struct repository *repository;
    struct policy_holder policy;
    struct way way;
    bool draining;
};

/* A delivery at work. */
struct delivery {
    struct courier *courier;
    struct arena *arena;
    struct operation operation;
    struct namespace_path namespace;
    struct sink sink;
    struct operation_note note; /* what will be said of it */
};

/* -- telling the dispatcher --------------------------------------------------- */

/* Nothing may be lost here: the dispatcher would wait for it for ever. */
static void
courier_say(struct courier *c, enum operation_message type,
            const struct operation_note *n)
{
    struct pollfd p = {.fd = c->boot->dispatcher_fd, .events = POLLOUT};

    while (channel_send(c->boot->dispatcher_fd, type, n, sizeof(*n), -1) < 0 &&
           errno == EAGAIN)
        poll(&p, 1, -1);
}

/* -- hearing the master -------------------------------------------------------- */

static void
courier_take_keytab(struct courier *c, int fd)
{
    struct client_credential *credential = credential_receive(
        c->boot->master_fd, fd, c->config->client_principal);

    if (credential == NULL)
        return;
    way_close(&c->way);
    client_credential_free(c->credential);
    c->credential = credential;
    c->way.credential = credential;
}

static bool
courier_hear_master(struct courier *c)
{
    struct message m;
    uint32_t type;
    int fd = -1, got;

    while ((got = message_receive(c->boot->master_fd, &type, &m, &fd)) > 0) {
        if (type == MESSAGE_DRAIN)
            c->draining = true;
        if (type == MESSAGE_KEYTAB && fd >= 0)
            courier_take_keytab(c, fd);
        if (fd >= 0)
            close(fd);
    }
    return got >= 0;
}

/* -- outcomes ---------------------------------------------------------------- */

static int
delivery_fail(struct delivery *v, enum delivery_outcome outcome,
              const char *reason, const char *detail)
{
    v->note.outcome = (uint8_t)outcome;
    snprintf(v->note.reason, sizeof(v->note.reason), "%s", reason);
    snprintf(v->note.detail, sizeof(v->note.detail), "%s", detail);
    return -1;
}

static int
delivery_fail_sink(struct delivery *v, const struct sink_failure *f)
{
    v->note.unsecured = f->unsecured;
    return delivery_fail(v, f->outcome, f->reason, f->detail);
}

/* -- the decision ----------------------------------------------------------------- */

static bool
realm_is_allowed(const struct config *c, struct span principal)
{
    struct span realm = principal;

    if (c->realm_count == 0)
        return true; /* it was the acceptor's own when it came in */
    for (size_t i = 0; i < principal.length; i++) {
        if (principal.data[i] == '@')
            realm = span_skip(principal, i + 1);
    }
    for (size_t i = 0; i < c->realm_count; i++) {
        if (span_equal(realm, span_of(c->realms[i])))
            return true;
    }
    return false;
}

/*
 * The policy of this moment: the image, if it is of the repository's present
 * generation (threat 38), else none.
 */
static const struct policy_image *
policy_now(struct courier *c)
{
    uint64_t generation = 0;

    if (c->repository == NULL &&
        repository_open(c->boot->config->state_dir, REPOSITORY_READ,
                        &c->repository, NULL) < 0)
        c->repository = NULL;
    if (c->repository == NULL ||
        repository_still_there(c->repository, NULL) < 0 ||
        repository_read_begin(c->repository, &generation, NULL) < 0)
    {
        repository_close(c->repository);
        c->repository = NULL;
        return NULL;
    }
    repository_read_end(c->repository);
    if (policy_holder_changed(&c->policy) || c->policy.image == NULL)
        policy_holder_load(&c->policy, NULL);
    return policy_holder_generation(&c->policy) == generation ? c->policy.image
                                                              : NULL;
}

static struct decision
delivery_decide(struct delivery *v, enum authn_level declared,
                enum authn_level applied)
{
    struct courier *c = v->courier;
    const struct operation_request *r = &v->operation.request;
    const struct decision_input in = {
        .image = policy_now(c),
        .namespace = &v->namespace,
        .operation = OPERATION_READ,
        .authenticated = true,
        .principal = r->principal,
        .realm_allowed = realm_is_allowed(c->boot->config, r->principal),
        .declared = declared,
        .applied = applied,
        .minimum_level = r->floor,
        /* Nothing is let through for an audit's sake. */
        .audit = false,
        .access = config_access(c->boot->config, &v->namespace),
    };

    return decide(&in);
}

static int
delivery_refuse(struct delivery *v, const struct decision *d)
{
    char detail[OPERATION_DETAIL_MAX];
    bool level = false;

    switch (d->reason) {
    case REASON_NO_POLICY:
        return delivery_fail(v, DELIVERY_UNAVAILABLE, "no-policy",
                             "no policy is in force");
    case REASON_CHANNEL_NOT_PRIVATE:
    case REASON_CONTEXT_NOT_PRIVATE:
    case REASON_NOT_BOUND:
    case REASON_BELOW_MINIMUM:
        level = true;
        break;
    case REASON_UNKNOWN_NAMESPACE:
        v->note.hresult = 0x8004100E;
        break;
    default:
        break;
    }
    if (!level)
        return delivery_fail(v, DELIVERY_DENIED,
                             decision_reason_name(d->reason),
                             "the policy does not let the principal have it"
                             " any more");
    snprintf(detail, sizeof(detail),
             "%s is needed; the way to the sink is %s (declared %s, applied"
             " %s)",
             authn_level_name((enum authn_level)v->note.required),
             authn_level_name(d->effective),
             authn_level_name((enum authn_level)v->note.declared),
             authn_level_name((enum authn_level)v->note.applied));
    return delivery_fail(v, DELIVERY_INSECURE,
                         d->reason == REASON_BELOW_MINIMUM
                             ? "sink-below-floor"
                             : "sink-not-private",
                         detail);
}

/* Asked before anything is connected to, with what the sink's address can
 * come to at best, and before each part with what the way has come to. */
static int
delivery_allowed(struct delivery *v, enum authn_level declared,
                 enum authn_level applied)
{
    struct decision d = delivery_decide(v, declared, applied);
    const struct operation_request *r = &v->operation.request;

    v->note.required =
        (uint8_t)(d.required > r->floor ? d.required : r->floor);
    v->note.declared = (uint8_t)declared;
    v->note.applied = (uint8_t)applied;
    v->note.effective = (uint8_t)authn_level_min(declared, applied);
    return d.verdict == VERDICT_ALLOW ? 0 : delivery_refuse(v, &d);
}

/* -- sending ---------------------------------------------------------------------- */

static int
delivery_post(struct delivery *v, const char *part, const struct buf *body)
{
    char key[SINK_HEADER];
    const char *id = v->operation.request.id;
    const struct http_header headers[] = {{"Content-Type", "application/json"},
                                          {"Nsgate-Operation", id},
                                          {"Idempotency-Key", key}};
    struct courier *c = v->courier;
    struct sink_failure failure;

    if (buf_failed(body))
        return delivery_fail(v, DELIVERY_RETRY, "no-memory", "out of memory");
    snprintf(key, sizeof(key), "\"%s-%s\"", id, part);
    if (delivery_allowed(v, c->way.declared, c->way.applied) < 0)
        return -1;
    if (way_post(&c->way, &v->sink, headers, ARRAY_COUNT(headers),
                 buf_span(body), &failure) == 0)
        return 0;
    return delivery_fail_sink(v, &failure);
}

static void
delivery_tell_sent(struct delivery *v, uint32_t number)
{
    struct operation_note n;

    memset(&n, 0, sizeof(n));
    memcpy(n.id, v->note.id, sizeof(n.id));
    n.number = number;
    courier_say(v->courier, OPERATION_MESSAGE_SENT, &n);
}

/* IWbemObjectSink::Indicate */
static int
delivery_indicate(struct delivery *v, uint32_t number)
{
    const struct operation_request *r = &v->operation.request;
    struct courier *c = v->courier;
    struct buf body = BUF_INIT;
    char part[16];
    int result = -1, found;

    json_begin(&body);
    json_text(&body, "kind", "indicate");
    json_text(&body, "operation", r->id);
    json_string(&body, "namespace", r->display);
    json_number(&body, "batch", number);
    buf_add_string(&body, ",\"objects\":[");
    found = outbox_batch(c->outbox, r->id, number, &body, NULL, NULL);
    buf_add_char(&body, ']');
    json_end(&body);
    snprintf(part, sizeof(part), "%u", number);
    if (found < 0)
        delivery_fail(v, DELIVERY_UNAVAILABLE, "outbox",
                      "the outbox could not be read");
    else if (found == 0) /* cancelled meanwhile */
        delivery_fail(v, DELIVERY_CANCELLED, "cancelled",
                      "it was cancelled while it was delivered");
    else
        result = delivery_post(v, part, &body);
    buf_fini(&body);
    return result;
}

/* IWbemObjectSink::SetStatus */
static int
delivery_set_status(struct delivery *v)
{
    const struct operation *o = &v->operation;
    struct buf body = BUF_INIT;
    char hresult[16];
    int result;

    snprintf(hresult, sizeof(hresult), "0x%08X", o->hresult);
    json_begin(&body);
    json_text(&body, "kind", "setstatus");
    json_text(&body, "operation", o->request.id);
    json_string(&body, "namespace", o->request.display);
    json_text(&body, "hresult", hresult);
    if (operation_symbol(o->hresult) != NULL)
        json_text(&body, "symbol", operation_symbol(o->hresult));
    json_number(&body, "batches", o->batches);
    json_number(&body, "objects", o->objects);
    json_end(&body);
    result = delivery_post(v, "status", &body);
    buf_fini(&body);
    return result;
}

static int
delivery_open(struct delivery *v)
{
    struct sink_failure failure;

    if (way_open(&v->courier->way, &v->sink, &failure) == 0)
        return 0;
    return delivery_fail_sink(v, &failure);
}

/*
 * Before each part: the way may have come to its ticket's end, the operation
 * may have been cancelled, and a reload may have made this process one of an
 * old configuration, which lists other sinks and principals.
 */
static int
delivery_go_on(struct delivery *v)
{
    struct courier *c = v->courier;
    struct arena *arena;
    struct operation now;
    int found;

    if (!courier_hear_master(c) || c->draining)
        return delivery_fail(v, DELIVERY_UNAVAILABLE, "reloaded",
                             "another configuration is in force");
    arena = arena_new();
    if (arena == NULL)
        return delivery_fail(v, DELIVERY_RETRY, "no-memory", "out of memory");
    found = outbox_find(c->outbox, v->note.id, arena, &now, NULL);
    if (found == 1 && now.state != OPERATION_DELIVERING)
        found = 0;
    arena_free(arena);
    if (found < 0)
        return delivery_fail(v, DELIVERY_UNAVAILABLE, "outbox",
                             "the outbox could not be read");
    if (found == 0)
        return delivery_fail(v, DELIVERY_CANCELLED, "cancelled",
                             "it was cancelled while it was delivered");
    return delivery_open(v);
}

static int
delivery_send(struct delivery *v)
{
    struct operation *o = &v->operation;
    uint32_t told = o->sent;

    while (o->sent < o->batches) {
        if (delivery_go_on(v) < 0 || delivery_indicate(v, o->sent + 1) < 0)
            return -1;
        o->sent++;
        /* That the last one is there the outcome tells, if it is good: one
         * commit less for most operations. */
        if (o->sent < o->batches)
            delivery_tell_sent(v, told = o->sent);
    }
    if (delivery_go_on(v) == 0 && delivery_set_status(v) == 0)
        return 0;
    if (o->sent > told)
        delivery_tell_sent(v, o->sent);
    return -1;
}

/* -- one delivery ------------------------------------------------------------------ */

static int
delivery_read(struct delivery *v)
{
    struct courier *c = v->courier;
    struct operation *o = &v->operation;
    struct error err = {0, ""};
    int found = -1;

    if (c->outbox == NULL && outbox_open(c->boot->config->state_dir,
                                         OUTBOX_READ, &c->outbox, &err) < 0)
        c->outbox = NULL;
    if (c->outbox != NULL)
        found = outbox_find(c->outbox, v->note.id, v->arena, o, &err);
    if (found < 0) {
        outbox_close(c->outbox);
        c->outbox = NULL;
        return delivery_fail(v, DELIVERY_UNAVAILABLE, "outbox", err.text);
    }
    if (found == 0 || o->state != OPERATION_DELIVERING ||
        o->request.sink.data == NULL)
        return delivery_fail(v, DELIVERY_CANCELLED, "gone",
                             "the operation has ended meanwhile");
    if (namespace_path_parse(&v->namespace, o->request.namespace, &err) !=
            NAMESPACE_PATH_OK ||
        !sink_parse(o->request.sink, &v->sink, &err))
        return delivery_fail(v, DELIVERY_REJECTED, "sink-url", err.text);
    return 0;
}

/* Whether it could be sent at all; privacy is judged first. */
static int
delivery_judge(struct delivery *v)
{
    enum authn_level applied = way_best_level(v->courier->config, &v->sink);

    if (delivery_allowed(v, AUTHN_LEVEL_PKT_PRIVACY, applied) < 0)
        return -1;
    if (!sink_is_listed(v->courier->config, &v->sink))
        return delivery_fail(v, DELIVERY_REJECTED, "sink-not-listed",
                             "the configuration does not list this sink");
    /* What it really comes to is not known yet. */
    v->note.declared = v->note.applied = v->note.effective = 0;
    return 0;
}

static void
courier_deliver(struct courier *c, const char *id)
{
    struct delivery *v = calloc(1, sizeof(*v));

    if (v == NULL)
        abort(); /* another takes this one's place */
    v->courier = c;
    memcpy(v->note.id, id, sizeof(v->note.id));
    v->arena = arena_new();
    if (v->arena == NULL)
        delivery_fail(v, DELIVERY_RETRY, "no-memory", "out of memory");
    else if (delivery_read(v) == 0 && delivery_judge(v) == 0 &&
             delivery_send(v) == 0)
        v->note.outcome = DELIVERY_DONE;
    courier_say(c, OPERATION_MESSAGE_OUTCOME, &v->note);
    arena_free(v->arena);
    free(v);
}

/* -- life ----------------------------------------------------------------------------- */

/* True until the channel's other end is gone. */
static bool
courier_hear_dispatcher(struct courier *c)
{
    struct channel_message m;
    struct operation_note n;
    int got = channel_receive(c->boot->dispatcher_fd, &m);

    if (got > 0 && m.fd >= 0)
        close(m.fd);
    if (got > 0 && m.type == OPERATION_MESSAGE_DELIVER &&
        operation_note_decode(m.body, m.length, &n))
        courier_deliver(c, n.id);
    return got >= 0;
}

static void
courier_run(struct courier *c)
{
    struct pollfd fds[2] = {
        {.fd = c->boot->master_fd, .events = POLLIN},
        {.fd = c->boot->dispatcher_fd, .events = POLLIN},
    };

    while (!c->draining) {
        int ready =
            poll(fds, ARRAY_COUNT(fds), c->way.session != NULL ? IDLE_MS : -1);

        if (ready == 0)
            way_close(&c->way);
        if (ready <= 0)
            continue;
        if (fds[0].revents != 0 && !courier_hear_master(c))
            return;
        if (!c->draining && fds[1].revents != 0 && !courier_hear_dispatcher(c))
            return;
    }
}

static int
courier_open(struct courier *c, struct error *err)
{
    const struct courier_boot *b = c->boot;

    signal(SIGPIPE, SIG_IGN);
    if (privileges_drop(&b->account, err) < 0)
        return -1;
    privileges_hide_memory();
    if (client_credential_new(b->client_keytab_fd, c->config->client_principal,
                              &c->credential, err) < 0)
        return error_prefix(err, "%s", c->config->client_keytab);
    c->way.credential = c->credential;
    return sandbox_courier(err);
}

int
courier_main(const struct courier_boot *boot)
{
    struct courier c = {.boot = boot, .config = &boot->config->callback};
    struct error err = {0, ""};
    int status = 0;

    policy_holder_init(&c.policy, boot->config->state_dir);
    way_init(&c.way, c.config);
    if (courier_open(&c, &err) < 0) {
        message_send(boot->master_fd, MESSAGE_FAILED, 0, -1, err.text, -1);
        status = 1;
    } else {
        message_send(boot->master_fd, MESSAGE_READY, 0, 0,
                     client_credential_principal(c.credential), -1);
        courier_run(&c);
    }
    way_close(&c.way);
    client_credential_free(c.credential);
    outbox_close(c.outbox);
    repository_close(c.repository);
    policy_holder_fini(&c.policy);
    return status;
}
