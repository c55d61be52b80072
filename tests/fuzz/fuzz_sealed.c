/* http_sealed_parse and http_sealed_protocol: what is read lies in what was
 * given, and written again it is read the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static void
check_again(const struct http_sealed *first)
{
    struct buf out = BUF_INIT;
    struct http_sealed s;
    const char *reason;

    http_sealed_format(first->protocol, first->type.data, first->charset.data,
                       (size_t)first->length, first->sealed,
                       first->header_length, &out);
    if (!buf_failed(&out)) {
        REQUIRE(
            http_sealed_parse(buf_span(&out), first->protocol, &s, &reason));
        REQUIRE(s.protocol == first->protocol && s.length == first->length &&
                s.header_length == first->header_length);
        REQUIRE(span_equal(s.type, first->type));
        REQUIRE(span_equal(s.charset, first->charset));
        REQUIRE(span_equal(s.sealed, first->sealed));
    }
    buf_fini(&out);
}

static void
check_body(struct span body, enum http_sealed_protocol protocol)
{
    struct http_sealed s;
    const char *reason = NULL;

    if (!http_sealed_parse(body, protocol, &s, &reason)) {
        REQUIRE(reason != NULL);
        REQUIRE(s.protocol == HTTP_SEALED_NONE && s.sealed.data == NULL);
        return;
    }
    REQUIRE(s.protocol == protocol && protocol != HTTP_SEALED_NONE);
    REQUIRE(s.sealed.data > body.data &&
            s.sealed.data + s.sealed.length < body.data + body.length);
    REQUIRE(s.header_length > 0 && s.header_length <= s.sealed.length);
    REQUIRE(s.length < s.sealed.length);
    check_again(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0));
    const struct span given = {copy, size};

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    if (http_sealed_protocol(given) != HTTP_SEALED_NONE) {
        REQUIRE(size >= 90);
        REQUIRE(memchr(copy, '\r', size) == NULL);
        REQUIRE(memchr(copy, '\n', size) == NULL);
        REQUIRE(memchr(copy, '\0', size) == NULL);
    }
    check_body(given, HTTP_SEALED_NONE);
    check_body(given, HTTP_SEALED_SPNEGO);
    check_body(given, HTTP_SEALED_KERBEROS);
    free(copy);
    return 0;
}
