#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"
#include "tests/support/support.h"

SUITE(sealed);

#define SPNEGO   "application/HTTP-SPNEGO-session-encrypted"
#define KERBEROS "application/HTTP-Kerberos-session-encrypted"

/* -- the body ------------------------------------------------------------- */

#define OPEN  "--Encrypted Boundary\r\n"
#define CLOSE "--Encrypted Boundary--\r\n"
#define PART  OPEN "\tContent-Type: " SPNEGO "\r\n"
#define TEXT(type, length)                                                    \
    "\tOriginalContent: type=" type ";charset=UTF-8;Length=" length "\r\n"
#define HTTP  TEXT("application/http", "3")
#define OCTET OPEN "\tContent-Type: application/octet-stream\r\n"
#define FIRST PART HTTP
#define N4    "\4\0\0\0"
#define DATA  N4 "hhhhabc"

static bool
parses(struct span body, struct http_sealed *out)
{
    const char *reason = NULL;
    /* Of exactly its size, so that a sanitizer sees a byte too far. */
    char *copy = malloc(body.length + (body.length == 0));
    struct span given = {copy, body.length};
    bool parsed;

    cr_assert_not_null(copy);
    memcpy(copy, body.data, body.length);
    parsed = http_sealed_parse(given, HTTP_SEALED_SPNEGO, out, &reason);
    if (parsed) {
        cr_assert_null(reason);
        cr_assert(out->sealed.data >= copy &&
                  out->sealed.data + out->sealed.length <= copy + body.length);
        /* It lives as long as what was given. */
        out->sealed.data = body.data + (out->sealed.data - copy);
    } else {
        cr_assert_not_null(reason);
        cr_assert_eq(out->protocol, HTTP_SEALED_NONE);
        cr_assert_null(out->sealed.data);
    }
    free(copy);
    return parsed;
}

Test(sealed, reads_the_framing_that_clients_write)
{
    static const struct {
        struct span body;
        const char *type;
    } rows[] = {
        {SPAN(FIRST OCTET DATA CLOSE), "application/http"},
        {SPAN(FIRST OCTET DATA CLOSE "\r\n"), "application/http"},
        {SPAN(PART TEXT("application/soap+xml", "3") OCTET DATA CLOSE),
         "application/soap+xml"},
        {SPAN(PART TEXT("Application/HTTP", "3") OCTET DATA CLOSE),
         "application/http"},
        {SPAN(PART TEXT("application/http", "003") OCTET DATA CLOSE),
         "application/http"},
        {SPAN(OPEN "Content-Type: " SPNEGO "\r\n"
                   "OriginalContent: type=application/http;charset=UTF-8;"
                   "Length=3\r\n" OPEN
                   "Content-Type: application/octet-stream\r\n" DATA CLOSE),
         "application/http"},
        {SPAN(OPEN "\tcontent-type:" SPNEGO " \r\n"
                   "\tORIGINALCONTENT:  TYPE=application/http;"
                   "Charset=utf-8;length=3\r\n" OPEN
                   "\tContent-type:\tApplication/Octet-Stream\r\n" DATA CLOSE),
         "application/http"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_sealed s;

        cr_assert(parses(rows[i].body, &s), "row %zu", i);
        cr_expect_eq(s.protocol, HTTP_SEALED_SPNEGO);
        assert_span(s.type, rows[i].type);
        cr_expect_eq(s.length, 3);
        cr_expect_eq(s.header_length, 4);
        assert_span(s.sealed, "hhhhabc");
    }
}

static const struct span other_framings[] = {
    SPAN(""),
    SPAN(CLOSE),
    SPAN(OPEN CLOSE),
    SPAN(FIRST CLOSE),
    SPAN(FIRST OCTET CLOSE),
    /* N */
    SPAN(FIRST OCTET "\4\0\0" CLOSE),
    SPAN(FIRST OCTET N4 CLOSE),
    SPAN(FIRST OCTET "\10\0\0\0hhhhabc" CLOSE),
    SPAN(FIRST OCTET "\377\377\377\377hhhhabc" CLOSE),
    SPAN(FIRST OCTET "\0\0\0\4hhhhabc" CLOSE),
    SPAN(FIRST OCTET "\0\0\0\0hhhhabc" CLOSE),
    /* Length */
    SPAN(PART TEXT("application/http", "") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "-3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "+3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "3 3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "0x3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "3;") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "3;Length=3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "\"3\"") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "7") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "999999999999999999") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "18446744073709551619")
             OCTET DATA CLOSE),
    SPAN(PART TEXT("application/http", "99999999999999999999999999999999999")
             OCTET DATA CLOSE),
    /* OriginalContent */
    SPAN(PART OCTET DATA CLOSE),
    SPAN(PART HTTP HTTP OCTET DATA CLOSE),
    SPAN(PART TEXT("text/plain", "3") OCTET DATA CLOSE),
    SPAN(PART TEXT("application/httpx", "3") OCTET DATA CLOSE),
    SPAN(PART TEXT("", "3") OCTET DATA CLOSE),
    SPAN(PART
         "\tOriginalContent: type=application/http;Length=3\r\n" OCTET DATA
             CLOSE),
    SPAN(PART "\tOriginalContent: type=application/http;charset=UTF-16;"
              "Length=3\r\n" OCTET DATA CLOSE),
    SPAN(PART "\tOriginalContent: type=application/http;Length=3;"
              "charset=UTF-8\r\n" OCTET DATA CLOSE),
    SPAN(PART "\tOriginalContent: charset=UTF-8;type=application/http;"
              "Length=3\r\n" OCTET DATA CLOSE),
    SPAN(
        PART
        "\tOriginalContent: type=application/http;charset=UTF-8\r\n" OCTET DATA
            CLOSE),
    SPAN(PART "\tOriginalContent:\r\n" OCTET DATA CLOSE),
    SPAN(PART "\tOriginalContent\r\n" OCTET DATA CLOSE),
    /* Headers in another order, twice, or others. */
    SPAN(OPEN HTTP "\tContent-Type: " SPNEGO "\r\n" OCTET DATA CLOSE),
    SPAN(PART "\tContent-Type: " SPNEGO "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(PART "\tX: y\r\n" HTTP OCTET DATA CLOSE),
    SPAN(FIRST "\tX: y\r\n" OCTET DATA CLOSE),
    SPAN(FIRST "\r\n" OCTET DATA CLOSE),
    SPAN(FIRST OCTET "\r\n" DATA CLOSE),
    SPAN(OPEN "\t\tContent-Type: " SPNEGO "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN " Content-Type: " SPNEGO "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN "\tContent-Type : " SPNEGO "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN "\tContent-Type: " SPNEGO "\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN "\tContent-Type: " SPNEGO "x\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN "\tContent-Type: " SPNEGO "\r" HTTP OCTET DATA CLOSE),
    SPAN(FIRST OPEN "\tContent-Type: application/octet-stream\0\n" DATA CLOSE),
    /* Of another protocol. */
    SPAN(OPEN "\tContent-Type: " KERBEROS "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(OPEN "\tContent-Type: " SPNEGO ";a=b\r\n" HTTP OCTET DATA CLOSE),
    SPAN(FIRST OPEN "\tContent-Type: " SPNEGO "\r\n" DATA CLOSE),
    SPAN(FIRST OPEN
         "\tContent-Type: application/octet-stream;a=b\r\n" DATA CLOSE),
    SPAN(FIRST OPEN DATA CLOSE),
    /* Delimiters */
    SPAN("\r\n" FIRST OCTET DATA CLOSE),
    SPAN("a\r\n" FIRST OCTET DATA CLOSE),
    SPAN("--encrypted boundary\r\n\tContent-Type: " SPNEGO
         "\r\n" HTTP OCTET DATA CLOSE),
    SPAN("--Encrypted Boundary\n\tContent-Type: " SPNEGO
         "\r\n" HTTP OCTET DATA CLOSE),
    SPAN("--Encrypted Boundary--\r\n\tContent-Type: " SPNEGO
         "\r\n" HTTP OCTET DATA CLOSE),
    SPAN(FIRST OCTET DATA),
    SPAN(FIRST OCTET DATA OPEN),
    SPAN(FIRST OCTET DATA "--Encrypted Boundary--"),
    SPAN(FIRST OCTET DATA "--Encrypted Boundary--\r"),
    SPAN(FIRST OCTET DATA "--Encrypted Boundary--\n"),
    SPAN(FIRST OCTET DATA "--encrypted boundary--\r\n"),
    SPAN(FIRST OCTET DATA "-- Encrypted Boundary--\r\n"),
    /* Bytes behind the end. */
    SPAN(FIRST OCTET DATA CLOSE "\n"),
    SPAN(FIRST OCTET DATA CLOSE "\r"),
    SPAN(FIRST OCTET DATA CLOSE "\r\n\r\n"),
    SPAN(FIRST OCTET DATA CLOSE "x"),
    SPAN(FIRST OCTET DATA CLOSE "\0"),
    /* More parts. */
    SPAN(FIRST FIRST OCTET DATA CLOSE),
    SPAN(FIRST OCTET OCTET DATA CLOSE),
    SPAN(FIRST OCTET DATA OCTET DATA CLOSE),
    SPAN(FIRST OCTET DATA FIRST OCTET DATA CLOSE),
};

Test(sealed, refuses_every_other_framing)
{
    for (size_t i = 0; i < ARRAY_COUNT(other_framings); i++) {
        struct http_sealed s;

        cr_expect_not(parses(other_framings[i], &s), "row %zu: %s", i,
                      other_framings[i].data);
    }
}

Test(sealed, says_why_it_refuses)
{
    static const struct {
        struct span body;
        const char *reason;
    } rows[] = {
        {SPAN(FIRST OCTET DATA), "no closing delimiter at the end"},
        {SPAN(FIRST DATA CLOSE), "no delimiter before a part"},
        {SPAN(OPEN CLOSE), "line of a part does not end"},
        {SPAN(OPEN HTTP OCTET DATA CLOSE), "other header in a part"},
        {SPAN(OPEN "\tContent-Type: " KERBEROS "\r\n" HTTP OCTET DATA CLOSE),
         "part of another protocol"},
        {SPAN(PART "\tOriginalContent: a=b\r\n" OCTET DATA CLOSE),
         "original content without type"},
        {SPAN(PART TEXT("text/plain", "3") OCTET DATA CLOSE),
         "original content of another type"},
        {SPAN(PART "\tOriginalContent: type=application/http;"
                   "charset=UTF-16;Length=3\r\n" OCTET DATA CLOSE),
         "original content in another charset"},
        {SPAN(PART TEXT("application/http", "x") OCTET DATA CLOSE),
         "original content without length"},
        {SPAN(FIRST OPEN "\tContent-Type: a/b\r\n" DATA CLOSE),
         "sealed part of another type"},
        {SPAN(FIRST OCTET "abc" CLOSE), "no length of the header"},
        {SPAN(FIRST OCTET "\10\0\0\0hhhhabc" CLOSE),
         "header longer than what is there"},
        {SPAN(PART TEXT("application/http", "7") OCTET DATA CLOSE),
         "original content longer than what is sealed"},
        {SPAN(FIRST OCTET DATA OCTET DATA CLOSE),
         "more than the original content"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *reason = "";
        struct http_sealed s;

        cr_expect_not(
            http_sealed_parse(rows[i].body, HTTP_SEALED_SPNEGO, &s, &reason));
        cr_expect_str_eq(reason, rows[i].reason, "row %zu: %s", i, reason);
    }
}

Test(sealed, reads_only_the_protocol_that_was_agreed_on)
{
    static const struct {
        const char *vector;
        enum http_sealed_protocol protocol;
        bool parsed;
    } rows[] = {
        {"spnego", HTTP_SEALED_SPNEGO, true},
        {"spnego", HTTP_SEALED_KERBEROS, false},
        {"spnego", HTTP_SEALED_NONE, false},
        {"kerberos", HTTP_SEALED_KERBEROS, true},
        {"kerberos", HTTP_SEALED_SPNEGO, false},
        {"kerberos", HTTP_SEALED_NONE, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_sealed s;
        const char *reason;
        char path[128];
        size_t length;
        char *body;

        snprintf(path, sizeof(path), "tests/gateway/http/vectors/%s.request",
                 rows[i].vector);
        body = test_read_file(test_source_path(path), &length);
        cr_expect_eq(http_sealed_parse((struct span){body, length},
                                       rows[i].protocol, &s, &reason),
                     rows[i].parsed, "row %zu", i);
        free(body);
    }
}

/* -- recorded exchanges --------------------------------------------------- */

static const struct vector {
    const char *name;
    enum http_sealed_protocol protocol;
    /* Of the request, of the response. */
    size_t header_length[2], plain_length[2], trailer[2];
} vectors[] = {
    {"spnego", HTTP_SEALED_SPNEGO, {60, 60}, {113, 118}, {0, 0}},
    {"kerberos", HTTP_SEALED_KERBEROS, {60, 60}, {111, 116}, {0, 0}},
    {"integrity-only", HTTP_SEALED_SPNEGO, {28, 60}, {119, 124}, {0, 0}},
    {"no-flags", HTTP_SEALED_SPNEGO, {60, 60}, {125, 130}, {0, 0}},
    {"no-replay", HTTP_SEALED_SPNEGO, {60, 60}, {115, 120}, {0, 0}},
    {"no-tab-extra-crlf", HTTP_SEALED_SPNEGO, {60, 60}, {128, 133}, {0, 0}},
    {"trailer", HTTP_SEALED_SPNEGO, {32, 60}, {110, 115}, {28, 0}},
};

static void
check_vector(const struct vector *v, unsigned which)
{
    static const char *const ways[] = {"request", "response"};
    struct buf again = BUF_INIT;
    struct http_sealed s;
    const char *reason = "";
    char path[128];
    size_t length;
    char *body;

    snprintf(path, sizeof(path), "tests/gateway/http/vectors/%s.%s", v->name,
             ways[which]);
    body = test_read_file(test_source_path(path), &length);
    cr_assert(http_sealed_parse((struct span){body, length}, v->protocol, &s,
                                &reason),
              "%s: %s", path, reason);
    cr_expect_eq(s.protocol, v->protocol);
    assert_span(s.type, "application/soap+xml");
    cr_expect_eq(s.length, v->plain_length[which], "%s", path);
    cr_expect_eq(s.header_length, v->header_length[which], "%s", path);
    cr_expect_eq(s.sealed.length,
                 s.header_length + s.length + v->trailer[which], "%s: %zu",
                 path, s.sealed.length);
    http_sealed_format(s.protocol, "application/soap+xml", "UTF-8",
                       (size_t)s.length, s.sealed, s.header_length, &again);
    if (strcmp(v->name, "no-tab-extra-crlf") != 0 || which == 1)
        cr_expect(span_equal(buf_span(&again), (struct span){body, length}),
                  "%s", path);
    buf_fini(&again);
    free(body);
}

Test(sealed, reads_recorded_exchanges_and_writes_them_again)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        check_vector(&vectors[i], 0);
        check_vector(&vectors[i], 1);
    }
}

/* -- ciphertext is anything ----------------------------------------------- */

Test(sealed, takes_what_looks_like_a_boundary_for_data)
{
    static const struct span sealed[] = {
        SPAN("hhhh" CLOSE),
        SPAN("hhhh" CLOSE "abc"),
        SPAN("hhhh" CLOSE "\r\n"),
        SPAN(CLOSE "abc"),
        SPAN("hhhh" OPEN "abc"),
        SPAN("hhhh" FIRST OCTET),
        SPAN("hhhh\r\n\r\n"),
        SPAN("hhhh\0\0\0\0"),
        SPAN("hhhh--Encrypted Boundary"),
    };

    for (size_t i = 0; i < ARRAY_COUNT(sealed); i++) {
        struct buf body = BUF_INIT;
        struct http_sealed s;

        http_sealed_format(HTTP_SEALED_SPNEGO, "application/http", "UTF-8",
                           sealed[i].length - 4, sealed[i], 4, &body);
        cr_assert_not(buf_failed(&body));
        cr_assert(parses(buf_span(&body), &s), "row %zu", i);
        cr_expect_eq(s.header_length, 4);
        cr_expect_eq(s.length, sealed[i].length - 4);
        cr_expect(span_equal(s.sealed, sealed[i]), "row %zu", i);
        buf_fini(&body);
    }
}

Test(sealed, reads_what_it_writes)
{
    static const size_t lengths[] = {0, 1, 3, 23, 24, 255, 65536, 1 << 20};
    struct buf sealed = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct buf body = BUF_INIT;
        struct http_sealed s;

        buf_reset(&sealed);
        for (size_t k = 0; k < lengths[i] + 60; k++)
            buf_add_char(&sealed, (char)(k * 131 >> 3));
        http_sealed_format(HTTP_SEALED_SPNEGO, "application/soap+xml",
                           i % 2 ? "UTF-16" : "UTF-8", lengths[i],
                           buf_span(&sealed), 60, &body);
        cr_assert(parses(buf_span(&body), &s), "%zu", lengths[i]);
        cr_expect_eq(s.header_length, 60);
        cr_expect_eq(s.length, lengths[i]);
        assert_span(s.type, "application/soap+xml");
        assert_span(s.charset, i % 2 ? "UTF-16" : "UTF-8");
        cr_expect(span_equal(s.sealed, buf_span(&sealed)));
        buf_fini(&body);
    }
    buf_fini(&sealed);
}

/* -- damaged -------------------------------------------------------------- */

static const struct span small = SPAN(FIRST OCTET DATA CLOSE);
#define LENGTH_AT (sizeof(PART HTTP) - sizeof("3\r\n"))
#define N_AT      (sizeof(FIRST OCTET) - 1)

Test(sealed, refuses_every_piece_of_a_body)
{
    struct http_sealed s;

    for (size_t n = 0; n < small.length; n++) {
        cr_expect_not(parses((struct span){small.data, n}, &s), "%zu", n);
        if (n > 0)
            cr_expect_not(parses(span_skip(small, n), &s), "from %zu", n);
    }
}

/* A body that differs in a byte is refused, or it is the same but for what
 * stands there: N and Length have their bytes, ciphertext has its own. */
Test(sealed, reads_no_other_structure_from_a_changed_byte)
{
    char *body = malloc(small.length);
    size_t read = 0;

    cr_assert_not_null(body);
    for (size_t i = 0; i < small.length; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            const struct span changed = {body, small.length};
            struct http_sealed s;

            memcpy(body, small.data, small.length);
            body[i] = (char)byte;
            if (!parses(changed, &s))
                continue;
            read++;
            assert_span(s.type, "application/http");
            cr_assert_eq(s.sealed.data, body + N_AT + 4, "%zu %u", i, byte);
            cr_assert_eq(s.sealed.length, 7, "%zu %u", i, byte);
            cr_assert(s.length == 3 || i == LENGTH_AT, "%zu %u", i, byte);
            cr_assert(s.length < 7);
            cr_assert(s.header_length == 4 || i == N_AT, "%zu %u", i, byte);
            cr_assert(s.header_length >= 1 && s.header_length <= 7);
        }
    }
    free(body);
    /* All of ciphertext, Length, N, letters in another case, and blanks. */
    cr_assert_geq(read, 7 * 256 + small.length, "%zu", read);
}
