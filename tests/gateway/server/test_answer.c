#include "tests/gateway/server/scene.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE(answer);

static const char *
text_of(const cJSON *json, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

    return text != NULL ? text : "(none)";
}

static int
number_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);

    return item != NULL ? item->valueint : 0;
}

#define assert_text(json, key, expected)                                      \
    cr_assert_str_eq(text_of(json, key), expected, "%s: %s", key,             \
                     text_of(json, key))

static cJSON *
parse(const struct reply *reply)
{
    cJSON *json = cJSON_Parse(reply->body);

    cr_assert(json != NULL, "no JSON: %s", reply->body);
    return json;
}

/* -- decisions ------------------------------------------------------------- */

static struct {
    enum verdict verdict;
    enum decision_reason reason;
    enum channel_kind channel;
    enum authn_level declared, applied;
} given;

static void
decided(struct scene *s, struct request *r)
{
    (void)s;
    r->auth.outcome = AUTH_OK;
    snprintf(r->auth.principal, sizeof(r->auth.principal), "bob@EXAMPLE.COM");
    snprintf(r->display, sizeof(r->display), "Root\\Secret");
    r->channel = given.channel;
    r->declared = given.declared;
    r->applied = given.applied;
    r->decision.verdict = given.verdict;
    r->decision.reason = given.reason;
    r->decision.required = AUTHN_LEVEL_PKT_PRIVACY;
    r->decision.effective = authn_level_min(r->declared, r->applied);
    answer_decision(r);
}

static void
open_decided(struct scene *s)
{
    scene_init(s);
    s->handle = decided;
    s->worker.secure_port = 8443;
    scene_serve(s, RIG_TCP);
    given.verdict = VERDICT_DENY;
    given.channel = CHANNEL_CLEARTEXT;
    given.declared = AUTHN_LEVEL_PKT_PRIVACY;
    given.applied = AUTHN_LEVEL_CONNECT;
}

static const struct {
    enum decision_reason reason;
    int status;
    const char *type, *hresult, *detail;
    int event_id;
} reasons[] = {
    {REASON_CHANNEL_NOT_PRIVATE, 403, "requires-encryption", "0x80041003",
     "Root\\Secret requires PktPrivacy; this request reached it at Connect: "
     "the context offers PktPrivacy, but the connection",
     5605},
    {REASON_CONTEXT_NOT_PRIVATE, 403, "requires-encryption", "0x80041003",
     "did not ask for confidentiality", 5605},
    {REASON_NOT_BOUND, 403, "requires-encryption", "0x80041003",
     "tls-server-end-point", 5605},
    {REASON_BELOW_MINIMUM, 403, "access-denied", "0x80041003",
     "This listener admits PktIntegrity or better", 0},
    {REASON_REALM, 403, "access-denied", "0x80041003", "this realm", 0},
    {REASON_NOT_LISTED, 403, "access-denied", "0x80041003",
     "bob@EXAMPLE.COM is not in the access list of Root\\Secret", 0},
    {REASON_UNKNOWN_NAMESPACE, 404, "not-found", "0x8004100E",
     "There is no namespace Root\\Secret", 0},
    {REASON_NO_POLICY, 503, "unavailable", "(none)", "no policy", 0},
    {REASON_UNDECIDED, 403, "access-denied", "0x80041003", "no policy", 0},
    {REASON_ALLOWED, 403, "access-denied", "0x80041003", "no policy", 0},
};

Test(answer, has_status_and_words_of_its_own_for_each_reason)
{
    struct scene s;

    open_decided(&s);
    s.config_listener.minimum_level = AUTHN_LEVEL_PKT_INTEGRITY;
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        const char *reason = decision_reason_name(reasons[i].reason);
        struct reply reply;
        char type[80];
        cJSON *json;

        given.reason = reasons[i].reason;
        scene_ask(&s, "GET", "/", "", &reply);
        cr_assert(reply.status == reasons[i].status, "%s: %d", reason,
                  reply.status);
        json = parse(&reply);
        snprintf(type, sizeof(type), "urn:nsgate:problem:%s", reasons[i].type);
        assert_text(json, "type", type);
        assert_text(json, "reason", reason);
        assert_text(json, "hresult", reasons[i].hresult);
        cr_assert(strstr(text_of(json, "detail"), reasons[i].detail) != NULL,
                  "%s: %s", reason, text_of(json, "detail"));
        cr_assert(number_of(json, "status") == reply.status);
        cr_assert(number_of(json, "eventId") == reasons[i].event_id);
        assert_text(json, "requestId",
                    reply_header(&reply, "Nsgate-Request-Id"));
        cJSON_Delete(json);
    }
    scene_close(&s);
}

Test(answer, tells_all_levels_in_a_403_and_none_in_a_404_or_503)
{
    struct scene s;
    struct reply reply;
    cJSON *json;

    open_decided(&s);
    given.reason = REASON_CHANNEL_NOT_PRIVATE;
    scene_ask(&s, "GET", "/", "", &reply);
    json = parse(&reply);
    assert_text(json, "requiredLevel", "PktPrivacy");
    assert_text(json, "effectiveLevel", "Connect");
    assert_text(json, "declaredLevel", "PktPrivacy");
    assert_text(json, "appliedLevel", "Connect");
    assert_text(json, "channel", "cleartext");
    assert_text(json, "binding", "absent");
    assert_text(json, "namespace", "Root\\Secret");
    cJSON_Delete(json);
    given.reason = REASON_UNKNOWN_NAMESPACE;
    given.verdict = VERDICT_NOT_FOUND;
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(strstr(reply.body, "Level") == NULL);
    given.reason = REASON_NO_POLICY;
    given.verdict = VERDICT_UNAVAILABLE;
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(strstr(reply.body, "Level") == NULL);
    cr_assert(strstr(reply.body, "Secret") == NULL);
    scene_close(&s);
}

Test(answer, advises_by_the_channel_that_was_too_weak)
{
    static const struct {
        enum channel_kind channel;
        const char *advice;
    } rows[] = {
        {CHANNEL_CLEARTEXT, "Connect to the gateway by https"},
        {CHANNEL_PROXY_CLEARTEXT, "does not say that its client used TLS"},
        {CHANNEL_LOCAL_UNLISTED, "not in local_users"},
    };
    struct scene s;
    struct reply reply;

    open_decided(&s);
    given.reason = REASON_CHANNEL_NOT_PRIVATE;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        given.channel = rows[i].channel;
        scene_ask(&s, "GET", "/", "", &reply);
        cr_assert(strstr(reply.body, rows[i].advice) != NULL, "%s",
                  reply.body);
    }
    scene_close(&s);
}

Test(answer, makes_the_secure_uri_of_configuration_alone)
{
    struct scene s;
    struct reply reply;
    cJSON *json;

    open_decided(&s);
    given.reason = REASON_CHANNEL_NOT_PRIVATE;
    /* Host is localhost, the target is another. */
    scene_ask(&s, "GET", "/evil", "", &reply);
    json = parse(&reply);
    assert_text(json, "secureUri",
                "https://gw.example.com:8443/cim/Root/Secret");
    cJSON_Delete(json);
    s.worker.secure_port = 0;
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(strstr(reply.body, "secureUri") == NULL);
    s.worker.secure_port = 8443;
    given.reason = REASON_NOT_LISTED;
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(strstr(reply.body, "secureUri") == NULL);
    scene_close(&s);
}

Test(answer, has_the_same_head_but_no_body_for_HEAD)
{
    struct scene s;
    struct reply reply;

    open_decided(&s);
    given.reason = REASON_CHANNEL_NOT_PRIVATE;
    scene_ask(&s, "HEAD", "/", "", &reply);
    cr_assert(reply.status == 403 && reply.ahead_length == 0);
    cr_assert_str_eq(reply_header(&reply, "Content-Type"),
                     "application/problem+json");
    scene_close(&s);
}

/* -- 401 -------------------------------------------------------------------- */

static void
challenged(struct scene *s, struct request *r)
{
    static unsigned count;

    (void)s;
    snprintf(r->id, sizeof(r->id), "%032u", ++count);
    snprintf(r->auth.cause, sizeof(r->auth.cause), "swordfish");
    r->auth.outcome = count % 2 != 0 ? AUTH_REFUSED : AUTH_NO_TOKEN;
    r->channel = count % 2 != 0 ? CHANNEL_TLS : CHANNEL_CLEARTEXT;
    snprintf(r->display, sizeof(r->display), "root\\n%u", count);
    r->decision.verdict = VERDICT_CHALLENGE;
    r->decision.reason = REASON_NOT_AUTHENTICATED;
    if (count > 2)
        answer_decision(r);
    else
        answer_challenge(r);
}

Test(answer, challenges_with_one_body_whatever_the_cause)
{
    char *first = NULL;
    struct scene s;

    scene_init(&s);
    s.handle = challenged;
    scene_serve(&s, RIG_TCP);
    for (int i = 0; i < 4; i++) {
        struct reply reply;
        char *id;

        scene_ask(&s, "GET", "/", "", &reply);
        cr_assert(reply.status == 401);
        cr_assert_str_eq(reply_header(&reply, "WWW-Authenticate"),
                         "Negotiate");
        id = strstr(reply.body, reply_header(&reply, "Nsgate-Request-Id"));
        cr_assert(id != NULL);
        memset(id, '0', 32);
        if (i == 0)
            first = strdup(reply.body);
        cr_assert_str_eq(reply.body, first);
    }
    free(first);
    scene_close(&s);
}

/* -- the head of every answer ------------------------------------------------- */

static void
plain(struct scene *s, struct request *r)
{
    const struct http_header extra = {"Allow", "GET"};

    (void)s;
    r->auth.outcome = AUTH_OK;
    r->auth.reply = strdup("YIIB");
    r->decision.would_deny = true;
    answer_send(r, 200, "application/json", SPAN("{}"), NULL, &extra, 1);
    cr_assert(r->answered);
}

Test(answer, carries_what_every_answer_carries)
{
    struct reply reply;
    struct scene s;

    scene_init(&s);
    s.handle = plain;
    s.config_listener.minimum_level = AUTHN_LEVEL_PKT;
    scene_serve(&s, RIG_TCP);
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(reply.status == 200);
    cr_assert_str_eq(reply_header(&reply, "Cache-Control"), "no-store");
    cr_assert_str_eq(reply_header(&reply, "WWW-Authenticate"),
                     "Negotiate YIIB");
    cr_assert_str_eq(reply_header(&reply, "Nsgate-Minimum-Level"), "Pkt");
    cr_assert_str_eq(reply_header(&reply, "Nsgate-Audit"),
                     "would-be-refused; requires PktPrivacy");
    cr_assert_str_eq(reply_header(&reply, "Allow"), "GET");
    cr_assert_str_eq(reply.body, "{}");
    s.config_listener.minimum_level = AUTHN_LEVEL_CONNECT;
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(reply_header(&reply, "Nsgate-Minimum-Level") == NULL);
    scene_close(&s);
}
