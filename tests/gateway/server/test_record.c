#include "tests/gateway/server/scene.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(record);

/* Whatever a name may hold. */
#define NASTY "a\"b\\c\n\r\t\x1b[31m\x7f\xff\xc0\xae,'}"

static bool completed = true;

static void
recorded(struct scene *s, struct request *r)
{
    (void)s;
    snprintf(r->client, sizeof(r->client), "%s", NASTY);
    snprintf(r->auth.principal, sizeof(r->auth.principal), "%s", NASTY);
    snprintf(r->display, sizeof(r->display), "%s", NASTY);
    r->auth.outcome = AUTH_OK;
    r->auth.bound = true;
    r->declared = AUTHN_LEVEL_PKT_PRIVACY;
    r->applied = AUTHN_LEVEL_CONNECT;
    r->decision.required = AUTHN_LEVEL_PKT_PRIVACY;
    r->decision.generation = 12;
    r->status = 403;
    r->reason = "channel-not-private";
    record_access(r, 34, completed);
    record_event(r, EVENT_ENCRYPTION_REQUIRED, r->reason, NASTY, NULL);
    rig_answer(r->http, 200, "");
}

static void
open_recorded(struct scene *s)
{
    scene_init(s);
    s->handle = recorded;
    scene_serve(s, RIG_TCP);
}

static bool
has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7f)
            return true;
    }
    return false;
}

static const char *
text_of(const cJSON *json, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

    return text != NULL ? text : "(none)";
}

Test(record, is_one_object_on_one_line_whatever_the_names_hold)
{
    struct reply reply;
    struct scene s;
    char *line;
    cJSON *json;

    open_recorded(&s);
    scene_ask(&s, "GET", "/a'b?c", "", &reply);
    line = scene_access(&s);
    cr_assert(strchr(line, '\n') == line + strlen(line) - 1);
    cr_assert(!has_control(line, strlen(line) - 1), "%s", line);
    cr_assert(utf8_is_valid(span_of(line)), "%s", line);
    json = cJSON_ParseWithOpts(line, NULL, false);
    cr_assert(json != NULL, "%s", line);
    cr_assert_str_eq(text_of(json, "target"), "/a'b?c");
    cr_assert_str_eq(text_of(json, "method"), "GET");
    cr_assert_str_eq(text_of(json, "listener"), "one");
    cr_assert_str_eq(text_of(json, "declaredLevel"), "PktPrivacy");
    cr_assert_str_eq(text_of(json, "appliedLevel"), "Connect");
    cr_assert_str_eq(text_of(json, "effectiveLevel"), "Connect");
    cr_assert_str_eq(text_of(json, "requiredLevel"), "PktPrivacy");
    cr_assert_str_eq(text_of(json, "channel"), "cleartext");
    cr_assert_str_eq(text_of(json, "binding"), "bound");
    cr_assert_str_eq(text_of(json, "reason"), "channel-not-private");
    cr_assert_str_eq(text_of(json, "requestId"),
                     "00000000000000000000000000000001");
    cr_assert(cJSON_GetObjectItem(json, "status")->valueint == 403);
    cr_assert(cJSON_GetObjectItem(json, "bytes")->valueint == 34);
    cr_assert(cJSON_GetObjectItem(json, "generation")->valueint == 12);
    cr_assert(cJSON_GetObjectItem(json, "aborted") == NULL);
    cJSON_Delete(json);
    free(line);
    scene_close(&s);
}

Test(record, says_when_an_answer_was_not_delivered)
{
    struct reply reply;
    struct scene s;
    char *line;

    open_recorded(&s);
    completed = false;
    scene_ask(&s, "GET", "/", "", &reply);
    line = scene_access(&s);
    cr_assert(strstr(line, "\"aborted\":true") != NULL);
    free(line);
    scene_close(&s);
}

Test(record, is_an_event_with_everything_that_decided)
{
    struct reply reply;
    struct event e;
    struct scene s;

    open_recorded(&s);
    scene_ask(&s, "GET", "/x", "", &reply);
    cr_assert(scene_event(&s, &e));
    cr_assert(e.id == EVENT_ENCRYPTION_REQUIRED && e.worker == 7);
    cr_assert(e.generation == 12);
    assert_span(e.fields[EVENT_FIELD_REQUIRED_LEVEL], "PktPrivacy");
    assert_span(e.fields[EVENT_FIELD_EFFECTIVE_LEVEL], "Connect");
    assert_span(e.fields[EVENT_FIELD_DECLARED_LEVEL], "PktPrivacy");
    assert_span(e.fields[EVENT_FIELD_APPLIED_LEVEL], "Connect");
    assert_span(e.fields[EVENT_FIELD_BINDING], "bound");
    assert_span(e.fields[EVENT_FIELD_TARGET], "/x");
    assert_span(e.fields[EVENT_FIELD_REQUEST_ID],
                "00000000000000000000000000000001");
    cr_assert(e.fields[EVENT_FIELD_REMEDY].length == 0);
    scene_close(&s);
}

Test(record, of_nobody_names_no_principal_and_no_level)
{
    struct reply reply;
    struct event e;
    struct scene s;
    char *line;

    scene_init(&s);
    scene_serve(&s, RIG_TCP);
    scene_ask(&s, "GET", "/cim/root", "", &reply);
    cr_assert(reply.status == 401);
    line = scene_access(&s);
    cr_assert(strstr(line, "\"status\":401") != NULL, "%s", line);
    cr_assert(strstr(line, "\"reason\":\"not-authenticated\"") != NULL);
    cr_assert(strstr(line, "principal") == NULL);
    cr_assert(strstr(line, "Level") == NULL);
    free(line);
    cr_assert(scene_event(&s, &e));
    cr_assert(e.fields[EVENT_FIELD_PRINCIPAL].data == NULL);
    cr_assert(e.fields[EVENT_FIELD_EFFECTIVE_LEVEL].data == NULL);
    scene_close(&s);
}

Test(record, is_written_nowhere_when_the_log_is_off)
{
    struct reply reply;
    struct scene s;
    int fd;
    char *line;

    open_recorded(&s);
    fd = s.boot.access_fd;
    s.boot.access_fd = -1;
    scene_ask(&s, "GET", "/", "", &reply);
    s.boot.access_fd = fd;
    line = scene_access(&s);
    cr_assert_str_empty(line);
    free(line);
    scene_close(&s);
}

Test(record, that_cannot_be_written_stops_no_answer)
{
    struct reply reply;
    struct scene s;
    int fd;

    open_recorded(&s);
    fd = s.boot.access_fd;
    s.boot.access_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    scene_ask(&s, "GET", "/", "", &reply);
    cr_assert(reply.status == 200);
    close(s.boot.access_fd);
    s.boot.access_fd = fd;
    scene_close(&s);
}
