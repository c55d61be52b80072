/*
 * Sealed sessions: a cookie that stands for the token it was made of, so that
 * a browser pays for one accept and not for one a request.  Levels are worked
 * out for each request as ever; the cookie only says who signed in and what
 * his context declared.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/server/request.h"

#define COOKIE "__Host-nsgate"

/* What ends one at the client (RFC 6265 3.1). */
static const char attributes[] = "; Path=/; Secure; HttpOnly; SameSite=Strict";

/* -- where ----------------------------------------------------------------- */

static bool
session_is_possible(const struct request *r)
{
    return r->worker->sessions != NULL && r->listener->config->session_s > 0 &&
           !r->sealed.open &&
           (r->channel == CHANNEL_TLS || r->channel == CHANNEL_PROXY_TLS);
}

/*
 * What a session is good for and nothing else: this listener, under this
 * name, with the certificate that the client sees (threat 13).
 */
static bool
session_realm(const struct request *r, struct buf *out)
{
    const struct channel_binding *b = binding_of_channel(r);

    if (r->channel == CHANNEL_TLS && (b == NULL || b->length == 0))
        return false;
    buf_addf(out, "nsgate-session\n%s\n%s\n", r->listener->config->name,
             r->worker->boot->config->acceptors[0]);
    if (b != NULL)
        buf_add(out, b->data, b->length);
    return !buf_failed(out);
}

/* -- from the client ------------------------------------------------------- */

/* The only cookie of that name in the only Cookie field (RFC 9112 and RFC
 * 6265 5.4: there is one); absent otherwise, and *many_out if there are
 * several. */
static struct span
session_cookie(const struct request *r, bool *many_out)
{
    struct span rest = http_request_header(r->http, "Cookie");
    struct span found = {NULL, 0};

    *many_out = http_request_header_count(r->http, "Cookie") > 1;
    while (rest.data != NULL && !*many_out) {
        struct span value, pair = span_trim(span_cut(rest, ';', &rest)),
                           name = span_cut(pair, '=', &value);

        if (!span_equal(name, SPAN(COOKIE)))
            continue;
        *many_out = found.data != NULL || value.data == NULL;
        found = value;
    }
    return *many_out ? (struct span){NULL, 0} : found;
}

static void
session_refuse(struct request *r, const char *cause)
{
    r->auth.outcome = AUTH_REFUSED;
    r->auth.principal[0] = '\0';
    r->auth.realm = NULL;
    snprintf(r->auth.cause, sizeof(r->auth.cause), "%s", cause);
    r->auth.remedy = "Sign in again with a ticket.";
}

bool
session_authenticate(struct request *r)
{
    struct span cookie = {NULL, 0};
    struct buf realm = BUF_INIT;
    bool many;

    if (session_is_possible(r) &&
        http_request_header_count(r->http, "Authorization") == 0)
        cookie = session_cookie(r, &many);
    if (cookie.length == 0)
        return false;
    r->session.end = true; /* unless it is good */
    if (!session_realm(r, &realm)) {
        session_refuse(r, "the certificate of this connection is not known");
    } else if (session_open(r->worker->sessions, buf_span(&realm), cookie,
                            clock_now_us(), &r->auth, &r->session.sealed))
    {
        r->session.used = true;
        if (revoked_has(r->worker->boot->revoked, &r->session.sealed))
            session_refuse(r, "the session was logged out");
        else
            r->session.end = false;
    }
    buf_fini(&realm);
    return true;
}

/* -- to the client ---------------------------------------------------------- */

static int64_t
session_end_us(const struct request *r)
{
    int64_t end =
        clock_now_us() + (int64_t)r->listener->config->session_s * 1000000;

    return r->auth.expires_us < end ? r->auth.expires_us : end;
}

bool
session_cookie_make(const struct request *r, char out[SESSION_COOKIE_MAX])
{
    struct session s = {.expires_us = session_end_us(r)};
    int64_t left_s = (s.expires_us - clock_now_us()) / 1000000;
    char text[SESSION_TEXT_MAX];
    struct buf realm = BUF_INIT;
    bool ok;

    if (r->session.end) {
        snprintf(out, SESSION_COOKIE_MAX, COOKIE "=%s; Max-Age=0", attributes);
        return true;
    }
    if (r->auth.outcome != AUTH_OK || r->session.used || left_s < 1 ||
        r->resource == RESOURCE_LOGOUT || !session_is_possible(r))
        return false;
    ok = session_realm(r, &realm) &&
         session_seal(r->worker->sessions, buf_span(&realm), &r->auth, &s,
                      text);
    buf_fini(&realm);
    if (ok)
        snprintf(out, SESSION_COOKIE_MAX, COOKIE "=%s%s; Max-Age=%lld", text,
                 attributes, (long long)left_s);
    return ok;
}

/* -- POST /auth/logout ------------------------------------------------------- */

/* The session that is shown beside a token, which was who this is.  False: it
 * is somebody else's, whom this one may not log out. */
static bool
session_beside(struct request *r, struct span cookie, bool *good_out)
{
    struct auth_result who = {.outcome = AUTH_REFUSED};
    struct buf realm = BUF_INIT;
    bool own;

    *good_out = cookie.length > 0 && session_is_possible(r) &&
                session_realm(r, &realm) &&
                session_open(r->worker->sessions, buf_span(&realm), cookie,
                             clock_now_us(), &who, &r->session.sealed);
    own = !*good_out || strcmp(who.principal, r->auth.principal) == 0;
    buf_fini(&realm);
    auth_result_fini(&who);
    return own;
}

static enum step_result
session_refuse_logout(struct request *r)
{
    static const char detail[] = "The session is not of whom the token is.";

    r->reason = "other-session";
    atomic_fetch_add_explicit(&r->worker->counters->denied, 1,
                              memory_order_relaxed);
    record_event(r, EVENT_ACCESS_REFUSED, r->reason, detail,
                 "Log it out by its cookie alone.");
    answer_problem(r, 403, "access-denied", "Access denied", detail, 0, NULL);
    return STEP_DONE;
}

enum step_result
session_logout(struct request *r)
{
    bool good = r->session.used, many;
    struct span cookie = session_cookie(r, &many);

    if (strcmp(request_method(r), "POST") != 0) {
        answer_method_not_allowed(r, "POST");
        return STEP_DONE;
    }
    /* "Logged out" must not be said of a session that lives on. */
    if (many) {
        answer_malformed(r, "More than one session is shown.");
        return STEP_DONE;
    }
    if (!good && !session_beside(r, cookie, &good))
        return session_refuse_logout(r);
    if (good)
        revoked_add(r->worker->boot->revoked, &r->session.sealed,
                    clock_now_us());
    r->session.end = true;
    r->reason = "logged-out";
    answer_send(r, 204, NULL, (struct span){NULL, 0}, NULL, NULL, 0);
    return STEP_DONE;
}
