#include "gateway/rest/url.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"
#include "gateway/rest/rest.h"
#include "tests/gateway/rest/build.h"

SUITE(url);

static struct namespace_path
namespace_of(const char *text)
{
    struct namespace_path ns;

    cr_assert_eq(namespace_path_parse(&ns, span_of(text), NULL),
                 NAMESPACE_PATH_OK);
    return ns;
}

Test(url, writes_each_resource)
{
    struct namespace_path ns = namespace_of("\\\\.\\Root\\Caf\xc3\xa9");
    struct buf out = BUF_INIT;

    url_add_namespace(&out, &ns);
    assert_span(buf_span(&out), "/cim/root/caf%C3%A9");
    buf_reset(&out);
    url_add_class(&out, &ns, SPAN("My_Disk"));
    assert_span(buf_span(&out), "/cim/root/caf%C3%A9:My_Disk");
    buf_reset(&out);
    cr_assert(url_add_instance(&out, &ns, SPAN("C"), SPAN("k=\"a b/c\",l=2")));
    assert_span(buf_span(&out), "/cim/root/caf%C3%A9:C.k=%22a%20b%2Fc%22,l=2");
    buf_reset(&out);
    cr_assert(url_add_instance(&out, &ns, SPAN("C"), SPAN("@")));
    assert_span(buf_span(&out), "/cim/root/caf%C3%A9:C=@");
    buf_fini(&out);
}

Test(url, an_instance_is_found_again_under_its_url)
{
    static const char *const keys[] = {
        "k=\"v\"",
        "k=\"\"",
        "k=1,l=\"x\"",
        "k=\"\\\\\\\\host\\\\share \\\"q\\\"\"",
        "k=\"a/../b//c/\"",
        "k=\"%2f%00\"",
        "k=\"..\"",
        "k=\"/\"",
        "k=\"?limit=1#x\"",
        "k=\"C:\\\\\"",
        "k=\"\xc3\xa4\xf0\x9f\x98\x80\"",
        "k=\"other.k=\\\"v\\\"\"",
    };
    struct namespace_path ns = namespace_of("root\\a");

    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct buf out = BUF_INIT;
        struct http_target http;
        struct rest_target t;

        cr_assert(url_add_instance(&out, &ns, SPAN("C"), span_of(keys[i])));
        cr_assert(http_target_parse(buf_span(&out), &http), "%s", out.data);
        cr_assert_eq(
            rest_target_parse((struct span){http.path, http.path_length},
                              http.query, 1, &t),
            REST_PARSE_OK, "%s", http.path);
        cr_assert_eq(t.kind, REST_INSTANCE);
        cr_assert_str_eq(t.key_text + 1, keys[i]);
        buf_fini(&out);
    }
}

Test(url, says_when_no_url_can_name_an_instance)
{
    struct namespace_path ns = namespace_of("root\\a");
    struct buf out = BUF_INIT, key = BUF_INIT;

    cr_assert_not(url_add_instance(&out, &ns, SPAN("C"), SPAN("k=\"a\nb\"")));
    cr_assert_not(url_add_instance(&out, &ns, SPAN("C"), SPAN("k=\"a\0b\"")));
    cr_assert_not(url_add_instance(&out, &ns, SPAN("C"), SPAN("k=\"\xff\"")));
    while (key.length < REST_KEY_MAX - 2)
        buf_add_char(&key, 'x');
    cr_assert(url_add_instance(&out, &ns, SPAN("C"), buf_span(&key)));
    buf_reset(&out);
    buf_add_char(&key, 'x');
    cr_assert_not(url_add_instance(&out, &ns, SPAN("C"), buf_span(&key)));
    cr_assert_eq(out.length, 0);
    buf_reset(&key);
    while (key.length < URL_MAX / 3)
        buf_add_char(&key, '"');
    cr_assert_not(url_add_instance(&out, &ns, SPAN("C"), buf_span(&key)));
    cr_assert_eq(out.length, 0);
    cr_assert_eq(URL_MAX, HTTP_TARGET_MAX - 1);
    buf_fini(&key);
    buf_fini(&out);
}
