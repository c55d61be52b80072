#ifndef GATEWAY_SERVER_REQUEST_H
#define GATEWAY_SERVER_REQUEST_H

#include "gateway/callback/callback.h"
#include "gateway/cimxml/cimxml.h"
#include "gateway/rest/rest.h"
#include "gateway/server/sealed.h"
#include "gateway/server/worker.h"
#include "gateway/wsman/wsman.h"

/*
 * One request on its way through the steps (docs/architecture.md).  Every
 * fact that decides is in here, belongs to this request alone and is worked
 * out anew for each: nothing is remembered of the connection.
 */
enum request_resource {
    RESOURCE_CIM = 0,    /* /cim */
    RESOURCE_OPERATION,  /* /operations/ID */
    RESOURCE_ROUTE,      /* a configured route: forwarded */
    RESOURCE_WSMAN,      /* /wsman */
    RESOURCE_SUBREQUEST, /* /auth: the decision alone */
    RESOURCE_LOGOUT,     /* /auth/logout */
};

/* Of a request that is to be answered later, or asks after one that was. */
struct request_async {
    char id[OPERATION_ID_TEXT];
    char sink[SINK_URL_MAX + 1]; /* "": none */
    bool asked;                  /* the dispatcher */
    bool again;                  /* it has to be asked again */
    enum operation_message answer;
};

/* A cookie that was shown, or that is over. */
struct request_session {
    bool used; /* it is who this is */
    bool end;  /* the client is told to forget it */
    struct session sealed;
};

/* Of a request that is forwarded. */
struct request_forward {
    const struct proxy_route *route;
    struct proxy_transfer *transfer; /* NULL: not begun, or over */
    bool over;                       /* nothing more of the client is wanted */
    uint64_t received;               /* of its body, or sent of one that
                                        was read before */
    struct cimxml_request *cim;      /* NULL: another protocol */
    struct buf object;               /* CIMObject for the upstream */
    int status;
    struct buf target; /* for the upstream */
    struct buf head;   /* of the answer */
    struct buf body;   /* if it is sealed */
};

/* Of a request whose body is a SOAP envelope, and whose answer is one. */
struct request_soap {
    struct wsman_content_type told; /* its spans as long as the request */
    struct wsman_request asked;
};

struct request {
    struct request *next; /* free, or waiting */
    struct worker *worker;
    struct http_request *http;
    const struct listener *listener;
    char id[33];
    int64_t began_us;
    size_t step;
    bool answered;
    bool complete; /* its body is here */
    bool waits;    /* it is among worker.waiting */
    struct request_sealed sealed;

    /* admit */
    struct http_target target;
    enum channel_kind channel;
    char client[96]; /* the peer, or whom a trusted proxy names */

    /* authenticate */
    struct auth_result auth;
    bool realm_allowed;
    struct request_session session;

    /* level */
    enum authn_level declared, applied;

    /* route */
    enum request_resource resource;
    struct rest_target route;
    enum operation_kind operation;

    /* decide; only step_decide writes it */
    struct policy_image *image; /* pinned */
    struct decision decision;
    char display[NAMESPACE_PATH_MAX + 1]; /* the author's spelling */

    /* act */
    uint64_t wait_end_ms; /* 0: not waiting */

    struct request_async async;
    struct request_forward forward;
    struct request_soap *soap; /* NULL: none */

    /* for the record */
    const char *reason;
    int status;
};

enum step_result {
    STEP_DONE = 0, /* answered */
    STEP_NEXT,
    STEP_BODY, /* asked again once the body is here */
    STEP_WAIT, /* suspended; requests_retry asks this step again */
};

/* admit.c */
enum step_result step_admit(struct request *r);
/* steps.c; the only one that may find a request allowed */
enum step_result step_decide(struct request *r);
/* act.c */
enum step_result step_act(struct request *r);
/* 503: there are no data, or not under the policy that decided. */
enum step_result act_unavailable(struct request *r, const char *detail);

/* -- channel bindings (binding.c) ----------------------------------------- */

/* What the token must be bound to if it is bound at all; NULL: the listener
 * or the channel knows nothing of bindings. */
const struct channel_binding *binding_expected(const struct request *r);
/* Turns a good context into a refusal when the listener asks for more. */
void binding_require(struct request *r);
/* Of the certificate that the client sees, whatever the listener does with
 * it; NULL: this channel has none. */
const struct channel_binding *binding_of_channel(const struct request *r);

/* An answer in parts, each made under the policy of its moment. */
struct part_source {
    void *arg;
    /* Appends the next part; false: broken. */
    bool (*next)(void *arg, struct buf *out, bool *done_out);
    void (*free)(void *arg);
};

/* Answers 200 with the parts.  reading: the repository is in a read
 * transaction, which ends here.  False: there is no first part; the source
 * is still the caller's. */
bool act_stream(struct request *r, const struct part_source *source,
                bool reading, const struct http_header *headers,
                size_t header_count);

/* -- operation.c: asynchronous requests ------------------------------------ */

#define OPERATION_METHODS "GET, HEAD, DELETE, OPTIONS"

bool operation_is_path(struct span path);
enum step_result operation_route(struct request *r);
enum prefer_parse operation_preference(struct request *r);
enum step_result operation_accept(struct request *r,
                                  enum prefer_parse preference);
enum step_result operation_act(struct request *r);

/* -- forward.c: routes ----------------------------------------------------- */

/* NEXT, and r->resource is still what it was: no route. */
enum step_result forward_route(struct request *r);
/* NONE: it is never forwarded. */
enum operation_kind forward_operation(const char *method);
enum step_result forward_body(struct request *r);
enum step_result forward_act(struct request *r);
/* Whether the body was read as a whole before it was decided. */
bool forward_is_read(const struct request *r);
/* Ends the transfer, if there is one. */
void forward_end(struct request *r);
void forward_fini(struct request *r);

/* -- protocol.c: routes whose requests say their namespace ------------------- */

/* r->forward.route is one of them. */
enum step_result protocol_route(struct request *r);
/* Of an envelope that is sealed by itself: as above if its wsa:To is such a
 * route; NEXT, and r->resource is what it was, if it is none. */
enum step_result protocol_route_alone(struct request *r);
/* What the upstream gets as header; out: of those there are. */
size_t protocol_fields(const struct request *r, struct proxy_field *out,
                       size_t count);
/* Whether an answer can be sealed as an envelope by itself. */
bool protocol_answer_fits(struct request *r, const struct proxy_answer *a);
void protocol_fini(struct request *r);

/* -- soap.c: WS-Management ---------------------------------------------------- */

bool soap_is_path(const struct request *r);
/* A sealed message is an envelope in this charset and nothing else: answers
 * are faults from here on.  False: out of memory. */
bool soap_begin(struct request *r, struct span charset);
/* Whether what was sealed is an envelope without an HTTP head. */
bool soap_is_alone(const struct request *r);
enum step_result soap_route(struct request *r);
/* Whether the head may be an envelope's; else it is answered. */
bool soap_expect(struct request *r);
/* Refuses, or takes over, what was parsed. */
enum step_result soap_refuse(struct request *r);
void soap_take(struct request *r);
enum step_result soap_identify(struct request *r);
/* In a read transaction, which ends. */
enum step_result soap_act(struct request *r);
enum step_result soap_unsupported(struct request *r);
/* A refusal that would be a problem document, as a fault. */
void soap_problem(struct request *r, const struct rest_problem *p);
void soap_fini(struct request *r);

/* -- session.c: sealed sessions ---------------------------------------------- */

#define SESSION_COOKIE_MAX (SESSION_TEXT_MAX + 128)

/* True: r shows a session, good or not, and r->auth says which. */
bool session_authenticate(struct request *r);
/* The value of Set-Cookie, if there is to be one. */
bool session_cookie_make(const struct request *r,
                         char out[SESSION_COOKIE_MAX]);
enum step_result session_logout(struct request *r);

/* -- origin.c, subrequest.c --------------------------------------------------- */

enum step_result step_origin(struct request *r);
bool subrequest_is_path(struct span path);
enum step_result subrequest_find(struct request *r);
enum step_result subrequest_act(struct request *r);

/* -- what the client asks for: of a sealed message, what is inside --------- */

const char *request_method(const struct request *r);
struct span request_header(const struct request *r, const char *name);
unsigned request_header_count(const struct request *r, const char *name);
struct span request_body(const struct request *r); /* complete */

/* -- sealed.c: message encryption ------------------------------------------- */

bool sealed_is_sign_in(const struct request *r);
/* Takes context, which may be NULL. */
enum step_result sealed_sign_in(struct request *r,
                                struct security_context *context);
/* Whether r brings a sealed body; remembers its protocol. */
bool sealed_is_sealed(struct request *r);
enum step_result sealed_authenticate(struct request *r);
/* Instead of http_respond. */
void sealed_respond(struct request *r, const struct http_response *response);
void sealed_drop(struct request *r);
void sealed_fini(struct request *r);

/* decide() over this request's facts and its pinned image, without a side
 * effect. */
struct decision request_decide(const struct request *r);
/* Takes the worker's present image instead of the one it began with. */
void request_pin(struct request *r);

/* -- answers (answer.c) --------------------------------------------------- */

#define ANSWER_HEADERS_MAX 16

/* The header lines that every answer to r carries, then `extra`. */
void answer_send(struct request *r, int status, const char *content_type,
                 struct span body, const struct http_stream *stream,
                 const struct http_header *extra, size_t extra_count);
/* A problem without a decision behind it: 400, 404, 405, 503. */
void answer_problem(struct request *r, int status, const char *type,
                    const char *title, const char *detail, uint32_t hresult,
                    const char *symbol);
/* One that a header line belongs to. */
void answer_problem_with(struct request *r, int status, const char *type,
                         const char *title, const char *detail,
                         const char *name, const char *value);
void answer_method_not_allowed(struct request *r, const char *methods);
void answer_malformed(struct request *r, const char *detail); /* 400 */
void answer_busy(struct request *r); /* 503, for a moment */
/* An upstream's; head: "name NUL value NUL" of each header line. */
void answer_forwarded(struct request *r, int status, struct span head,
                      struct span body, const struct http_stream *stream);
/* 403: the way to the upstream is not private. */
void answer_hop_refused(struct request *r);
void answer_challenge(struct request *r); /* 401 */
void answer_decision(struct request *r);  /* any verdict but ALLOW */
/* 403: the results could not go where they were asked to go. */
void answer_sink_refused(struct request *r, enum event_id event,
                         const char *reason, const char *detail);

/* -- what is written down (record.c) -------------------------------------- */

/* The access record: one JSON line. */
void record_access(const struct request *r, uint64_t bytes, bool completed);
void record_event(const struct request *r, enum event_id id,
                  const char *reason, const char *detail, const char *remedy);
const char *request_binding_name(const struct request *r);

#endif
