#include "gateway/ctl/probe.h"
#include "tests/support/support.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

SUITE(probe_report);

static const char problem[] =
    "{\"status\":403,\"requiredLevel\":\"PktPrivacy\",\"effectiveLevel\":"
    "\"Connect\",\"declaredLevel\":\"PktPrivacy\",\"appliedLevel\":"
    "\"Connect\",\"reason\":\"channel-not-private\",\"requestId\":\"7f\","
    "\"big\":9007199254740993}";

static struct client_header headers[] = {
    {(char *)(uintptr_t) "content-type",
     (char *)(uintptr_t) "application/problem+json"},
    {(char *)(uintptr_t) "x-twice", (char *)(uintptr_t) "1"},
    {(char *)(uintptr_t) "x-twice", (char *)(uintptr_t) "2"},
    {(char *)(uintptr_t) "x-odd", (char *)(uintptr_t) "\x1b\xff"},
};

static const struct probe_options options = {.url = "http://gw/cim/root",
                                             .method = "GET",
                                             .level = AUTHN_LEVEL_PKT_PRIVACY,
                                             .flags = 0x30};

/* The body is borrowed, so the result is not to be freed. */
static struct probe_result
refused(const char *body)
{
    struct probe_result r;

    memset(&r, 0, sizeof(r));
    r.options = &options;
    r.spn = "HTTP@gw";
    strcpy(r.principal, "alice@EXAMPLE.COM");
    r.flags = 0x130;
    r.declared = AUTHN_LEVEL_PKT_PRIVACY;
    r.aprep = PROBE_APREP_COMPLETE;
    r.response.status = 403;
    r.response.headers = headers;
    r.response.header_count = ARRAY_COUNT(headers);
    r.response.body.data = (char *)(uintptr_t)body;
    r.response.body.length = strlen(body);
    return r;
}

static char *
json_of(const struct probe_result *r)
{
    char *out = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&out, &length);

    cr_assert_eq(probe_print_json(r, f), 0);
    fclose(f);
    return out;
}

static char *
text_of(const struct probe_result *r)
{
    char *out = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&out, &length);

    probe_print_text(r, f);
    fclose(f);
    return out;
}

static const char *
member(const cJSON *object, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text != NULL ? text : "(absent)";
}

Test(probe_report, json_holds_request_context_and_answer)
{
    struct probe_result r = refused(problem);
    char *text = json_of(&r);
    cJSON *o = cJSON_Parse(text);

    cr_assert_not_null(o, "%s", text);
    cr_assert_str_eq(member(o, "spn"), "HTTP@gw");
    cr_assert_str_eq(member(o, "flagsRequested"), "0x0030");
    cr_assert_str_eq(member(o, "flags"), "0x0130");
    cr_assert_str_eq(member(o, "contextLevel"), "PktPrivacy");
    cr_assert_str_eq(member(o, "effectiveLevel"), "Connect");
    cr_assert_str_eq(member(o, "appliedLevel"), "Connect");
    cr_assert_str_eq(member(o, "reason"), "channel-not-private");
    cr_assert_str_eq(member(o, "serverToken"), "complete");
    cr_assert_eq(cJSON_GetObjectItem(o, "status")->valueint, 403);
    cJSON_Delete(o);
    free(text);
}

Test(probe_report, a_json_body_keeps_every_digit)
{
    struct probe_result r = refused(problem);
    char *text = json_of(&r);

    cr_assert_not_null(strstr(text, "9007199254740993"), "%s", text);
    free(text);
}

Test(probe_report, a_header_that_came_twice_is_an_array)
{
    struct probe_result r = refused(problem);
    char *text = json_of(&r);
    cJSON *o = cJSON_Parse(text);
    const cJSON *twice =
        cJSON_GetObjectItem(cJSON_GetObjectItem(o, "headers"), "x-twice");

    cr_assert_eq(cJSON_GetArraySize(twice), 2, "%s", text);
    cr_assert_str_eq(cJSON_GetStringValue(cJSON_GetArrayItem(twice, 1)), "2");
    cJSON_Delete(o);
    free(text);
}

Test(probe_report, a_body_that_only_claims_to_be_json_is_a_string)
{
    struct probe_result r = refused("{\"open\":\xff");
    char *text = json_of(&r);
    cJSON *o = cJSON_Parse(text);

    cr_assert_not_null(o, "%s", text);
    cr_assert_str_eq(member(o, "body"), "{\"open\":?");
    cJSON_Delete(o);
    free(text);
}

Test(probe_report, text_names_levels_and_reason)
{
    static const char *const parts[] = {"alice@EXAMPLE.COM", "0x0030", "403",
                                        "PktPrivacy", "channel-not-private"};
    struct probe_result r = refused(problem);
    char *text = text_of(&r);

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no %s in: %s", parts[i],
                           text);
    free(text);
}

Test(probe_report, verbose_text_holds_no_control_character)
{
    struct probe_options verbose = options;
    struct probe_result r = refused("\x1b[31mred\n");
    char *text;

    verbose.verbose = true;
    r.options = &verbose;
    text = text_of(&r);
    cr_assert_null(strchr(text, '\x1b'));
    cr_assert_not_null(strstr(text, "x-odd: ??"));
    cr_assert_not_null(strstr(text, "?[31mred\n"));
    free(text);
}
