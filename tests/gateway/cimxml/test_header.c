/* Headers of operation requests. */
#include "tests/gateway/cimxml/calls.h"

#include <string.h>

SUITE(header);

Test(header, a_namespace_has_one_spelling)
{
    static const struct {
        const char *object, *namespace, *told;
    } rows[] = {
        {"root/cimv2", "root\\cimv2", "root/cimv2"},
        {"root%2Fcimv2", "root\\cimv2", "root/cimv2"},
        {"Root%2fCIMv2", "root\\cimv2", "root/cimv2"},
        {"root/%63imv2", "root\\cimv2", "root/cimv2"},
        {"root", "root", "root"},
        {"root/gr%C3%B6sse", "root\\gr\xc3\xb6sse", "root/gr%C3%B6sse"},
        {"root/gr\xc3\xb6sse", "root\\gr\xc3\xb6sse", "root/gr%C3%B6sse"},
    };
    struct cimxml_request q;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf told = BUF_INIT;

        cr_assert(
            call_intrinsic("GetClass", rows[i].object, rows[i].namespace, &q),
            "%s: %s", rows[i].object, q.problem);
        cr_assert_str_eq(q.namespace.text, rows[i].namespace);
        cr_assert(cimxml_object_format(&q, &told));
        cr_assert_str_eq(told.data, rows[i].told);
        buf_fini(&told);
    }
}

Test(header, the_object_of_a_method_goes_on_encoded)
{
    static const struct {
        const char *object, *told;
    } rows[] = {
        {"root/Test:Thing", "root/test:Thing"},
        {"root%2Ftest%3Athing.Name=%22a%25b%22",
         "root/test:thing.Name%3D%22a%25b%22"},
        {"root/test:Thing.Name=\"x:y/\xc3\xb6\"",
         "root/test:Thing.Name%3D%22x:y/%C3%B6%22"},
        {"root/test:Thing=@", "root/test:Thing%3D%40"},
    };
    struct cimxml_request q;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf told = BUF_INIT;

        cr_assert(
            call_extrinsic("Do", rows[i].object, "root\\test", "Thing", &q),
            "%s: %s", rows[i].object, q.problem);
        cr_assert(!q.read && !q.intrinsic);
        cr_assert(cimxml_object_format(&q, &told));
        cr_assert_str_eq(told.data, rows[i].told);
        buf_fini(&told);
    }
}

#define NO_NAMESPACE "CIMObject names no namespace below root"
#define NOT_ENCODED  "CIMObject is not percent-encoded UTF-8"

Test(header, what_is_no_object_is_refused)
{
    static const struct {
        const char *object, *problem;
    } rows[] = {
        {"", NOT_ENCODED},
        {"root/%", NOT_ENCODED},
        {"root/%2", NOT_ENCODED},
        {"root/%zz", NOT_ENCODED},
        {"root/a%00b", NOT_ENCODED},
        {"root/a%0Ab", NOT_ENCODED},
        {"root/%C0%AF", NOT_ENCODED},
        {"root/\xff", NOT_ENCODED},
        {"/root/cimv2", NO_NAMESPACE},
        {"root/cimv2/", NO_NAMESPACE},
        {"root//cimv2", NO_NAMESPACE},
        {"root\\cimv2", NO_NAMESPACE},
        {"root%5Ccimv2", NO_NAMESPACE},
        {"root/../root/cimv2", NO_NAMESPACE},
        {"root%252Fcimv2", NO_NAMESPACE},
        {"//host/root/cimv2", NO_NAMESPACE},
        {"http://host/root/cimv2", NO_NAMESPACE},
        {"interop", NO_NAMESPACE},
        {"root/cimv2 ", NO_NAMESPACE},
        {":Thing", NO_NAMESPACE},
        {"root/cimv2:", "CIMObject names no class behind its colon"},
        {"root/cimv2:.x=1", "CIMObject names no class behind its colon"},
    };
    struct cimxml_request q;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(
            !call_intrinsic("GetClass", rows[i].object, "root\\cimv2", &q),
            "%s", rows[i].object);
        cr_assert_str_eq(q.problem, rows[i].problem, "%s: %s", rows[i].object,
                         q.problem);
        cr_assert_str_eq(q.error, "request-not-valid");
        cr_assert_eq(q.status, 400);
    }
}

#define ONCE(text)                                                            \
    {                                                                         \
        {text, sizeof(text) - 1}, 1                                           \
    }
#define TIMES(text, n)                                                        \
    {                                                                         \
        {text, sizeof(text) - 1}, n                                           \
    }
#define GOOD_OPERATION .operation = ONCE("MethodCall")
#define GOOD_METHOD    .method = ONCE("GetClass")
#define GOOD_OBJECT    .object = ONCE("root/cimv2")
#define GOOD           GOOD_OPERATION, GOOD_METHOD, GOOD_OBJECT

Test(header, each_stands_once)
{
    static const struct {
        struct cimxml_headers headers;
        int status;
        const char *error;
    } rows[] = {
        {{GOOD_METHOD, GOOD_OBJECT}, 400, "unsupported-operation"},
        {{.operation = TIMES("MethodCall", 2), GOOD_METHOD, GOOD_OBJECT},
         400,
         "unsupported-operation"},
        {{.operation = ONCE("MethodResponse"), GOOD_METHOD, GOOD_OBJECT},
         400,
         "unsupported-operation"},
        {{.operation = ONCE("methodcall"), GOOD_METHOD, GOOD_OBJECT},
         400,
         "unsupported-operation"},
        {{GOOD_OPERATION, GOOD_OBJECT}, 400, "header-mismatch"},
        {{GOOD_OPERATION, .method = TIMES("GetClass", 2), GOOD_OBJECT},
         400,
         "header-mismatch"},
        {{GOOD_OPERATION, .method = ONCE("Get%"), GOOD_OBJECT},
         400,
         "request-not-valid"},
        {{GOOD_OPERATION, .method = ONCE("EnumerateClasses"), GOOD_OBJECT},
         400,
         "header-mismatch"},
        {{GOOD_OPERATION, .method = ONCE("getclass"), GOOD_OBJECT},
         400,
         "header-mismatch"},
        {{GOOD_OPERATION, GOOD_METHOD}, 400, "header-mismatch"},
        {{GOOD_OPERATION, GOOD_METHOD, .object = TIMES("root/cimv2", 2)},
         400,
         "header-mismatch"},
        {{GOOD, .protocol = TIMES("1.0", 2)},
         501,
         "unsupported-protocol-version"},
        {{GOOD, .protocol = ONCE("2.0")}, 501, "unsupported-protocol-version"},
        {{GOOD, .protocol = ONCE("1")}, 501, "unsupported-protocol-version"},
        {{GOOD, .batch = ONCE("")}, 501, "multiple-requests-unsupported"},
        {{GOOD, .export_ = ONCE("x")}, 501, "unsupported-operation"},
    };
    static const struct cimxml_headers good[] = {
        {GOOD},
        {GOOD, .protocol = ONCE("1.4")},
        {GOOD_OPERATION, .method = ONCE("Get%43lass"), GOOD_OBJECT},
    };
    struct cimxml_request q;

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        cr_assert(call_with(&good[i], &q), "row %zu: %s", i, q.problem);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        cr_assert(!call_with(&rows[i].headers, &q), "row %zu", i);
        cr_assert_str_eq(q.error, rows[i].error, "row %zu: %s", i, q.error);
        cr_assert_eq(q.status, rows[i].status, "row %zu", i);
        cr_assert_eq(q.namespace.length, 0);
        cr_assert(!q.read && q.method[0] == '\0' && q.object[0] == '\0');
    }
}

Test(header, xml_in_utf8_is_the_only_type)
{
    static const char *const good[] = {
        "application/xml",
        "text/xml",
        "Application/XML; charset=utf-8",
        "application/xml;charset=\"UTF-8\"",
    };
    static const char *const bad[] = {
        "",
        "application/soap+xml",
        "application/xml;charset=UTF-16",
        "application/xml;charset=utf-8;charset=utf-8",
        "application/xml;charset=",
        "application/xml;",
        "application/xml;x=y",
        "application/xml, text/xml",
        "application/xml;charset=\"utf-8",
    };

    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        cr_assert(cimxml_content_type_is_good(span_of(good[i])), "%s",
                  good[i]);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_assert(!cimxml_content_type_is_good(span_of(bad[i])), "%s", bad[i]);
}
