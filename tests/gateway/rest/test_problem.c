#include <stdlib.h>
#include <string.h>

#include "gateway/rest/rest.h"
#include "tests/support/support.h"

SUITE(problem);

#define assert_problem(problem, expected)                                     \
    do {                                                                      \
        struct buf out_ = BUF_INIT;                                           \
        cr_assert(rest_problem_format(problem, &out_));                       \
        cr_assert_str_eq(out_.data, expected);                                \
        buf_fini(&out_);                                                      \
    } while (0)

Test(problem, writes_a_refusal_in_the_documented_order)
{
    struct rest_problem p = {
        .type = "requires-encryption",
        .title = "Access denied",
        .status = 403,
        .detail = "root\\MyNamespace requires PktPrivacy",
        .request_id = "7f",
        .secure_uri = "https://gw.example.com:8443/cim/root/MyNamespace",
        .namespace = "root\\MyNamespace",
        .hresult = 0x80041003,
        .symbol = "WBEM_E_ACCESS_DENIED",
        .required = AUTHN_LEVEL_PKT_PRIVACY,
        .effective = AUTHN_LEVEL_CONNECT,
        .declared = AUTHN_LEVEL_PKT_PRIVACY,
        .applied = AUTHN_LEVEL_CONNECT,
        .channel = "cleartext",
        .binding = "absent",
        .reason = "channel-not-private",
        .event_id = 5605,
    };

    assert_problem(
        &p,
        "{\"type\":\"urn:nsgate:problem:requires-encryption\","
        "\"title\":\"Access denied\",\"status\":403,"
        "\"detail\":\"root\\\\MyNamespace requires PktPrivacy\","
        "\"secureUri\":\"https://gw.example.com:8443/cim/root/MyNamespace\","
        "\"namespace\":\"root\\\\MyNamespace\",\"hresult\":\"0x80041003\","
        "\"symbol\":\"WBEM_E_ACCESS_DENIED\",\"requiredLevel\":\"PktPrivacy\","
        "\"effectiveLevel\":\"Connect\",\"declaredLevel\":\"PktPrivacy\","
        "\"appliedLevel\":\"Connect\",\"channel\":\"cleartext\","
        "\"binding\":\"absent\",\"reason\":\"channel-not-private\","
        "\"eventId\":5605,\"requestId\":\"7f\"}");
}

Test(problem, leaves_out_what_is_not_known)
{
    struct rest_problem p = {.type = "unauthenticated",
                             .title = "Authentication required",
                             .status = 401,
                             .detail = "no",
                             .request_id = "7f"};
    struct rest_problem bare = {.status = 503};

    assert_problem(&p, "{\"type\":\"urn:nsgate:problem:unauthenticated\","
                       "\"title\":\"Authentication required\",\"status\":401,"
                       "\"detail\":\"no\",\"requestId\":\"7f\"}");
    assert_problem(&bare, "{\"type\":\"about:blank\",\"status\":503}");
}

/* Threat 27. */
Test(problem, text_from_outside_can_not_break_the_line)
{
    struct rest_problem p = {.type = "x",
                             .status = 404,
                             .detail = "a\r\n\"b\"\x01\xff",
                             .request_id = "7f"};

    assert_problem(&p, "{\"type\":\"urn:nsgate:problem:x\",\"status\":404,"
                       "\"detail\":\"a\\u000d\\u000a\\\"b\\\"\\u0001\\ufffd\","
                       "\"requestId\":\"7f\"}");
}
