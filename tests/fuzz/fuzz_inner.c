/* http_inner_request_parse and http_inner_response_parse: what is read holds
 * no line's end and no length of another kind, and written again it is read
 * the same. */
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

/* NUL-terminated strings of the fields, without those that a writer adds. */
struct copies {
    struct http_header headers[HTTP_FIELDS_MAX];
    size_t count;
};

static char *
string_of(struct span s)
{
    char *copy = calloc(1, s.length + 1);

    REQUIRE(copy != NULL);
    if (s.length > 0)
        memcpy(copy, s.data, s.length);
    REQUIRE(strlen(copy) == s.length);
    return copy;
}

static void
copies_init(struct copies *c, const struct http_inner *m)
{
    c->count = 0;
    for (size_t i = 0; i < m->field_count; i++) {
        const struct http_inner_field *f = &m->fields[i];

        if (span_equal_nocase(f->name, SPAN("Content-Length")) ||
            (m->status == 0 && span_equal_nocase(f->name, SPAN("Host"))))
            continue;
        c->headers[c->count++] =
            (struct http_header){string_of(f->name), string_of(f->value)};
    }
}

static void
copies_fini(struct copies *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free((char *)c->headers[i].name);
        free((char *)c->headers[i].value);
    }
}

static void
check_message(const struct http_inner *m, struct span plain)
{
    static const char *const never[] = {"Transfer-Encoding", "Connection",
                                        "Expect", "Authorization",
                                        "X-HTTP-Method-Override"};

    REQUIRE(m->field_count <= HTTP_FIELDS_MAX);
    REQUIRE(m->body.data + m->body.length == plain.data + plain.length);
    REQUIRE(m->body.data >= plain.data + 4);
    REQUIRE(memcmp(m->body.data - 4, "\r\n\r\n", 4) == 0);
    REQUIRE(http_inner_field_count(m, "Content-Length") <= 1);
    for (size_t i = 0; i < ARRAY_COUNT(never) - (m->status != 0); i++)
        REQUIRE(http_inner_field_count(m, never[i]) == 0);
    for (size_t i = 0; i < m->field_count; i++) {
        const struct http_inner_field *f = &m->fields[i];

        REQUIRE(f->name.length > 0 && f->name.data > plain.data);
        REQUIRE(f->value.data + f->value.length < m->body.data);
        REQUIRE(f->name.data[-1] == '\n' && f->name.data[-2] == '\r');
        for (size_t k = 0; k < f->value.length; k++)
            REQUIRE(strchr("\r\n", f->value.data[k]) == NULL);
    }
}

/* Of the same fields: those of c, and what was added. */
static void
check_same(const struct http_inner *a, const struct http_inner *b,
           const struct copies *c)
{
    REQUIRE(a->status == b->status && strcmp(a->method, b->method) == 0);
    REQUIRE(span_equal(a->target, b->target));
    REQUIRE(span_equal(a->body, b->body));
    for (size_t i = 0; i < c->count; i++) {
        unsigned count = http_inner_field_count(b, c->headers[i].name);

        REQUIRE(count <= http_inner_field_count(a, c->headers[i].name));
        REQUIRE(c->headers[i].value[0] == '\0' || count > 0);
    }
}

static void
check_request(struct span plain)
{
    static struct http_inner m, again;
    struct buf out = BUF_INIT;
    struct copies copies;
    const char *reason = NULL;
    char *target, *host;
    int status = 0;

    if (!http_inner_request_parse(plain, plain.length, &m, &status, &reason)) {
        REQUIRE(status >= 400 && status <= 505 && reason != NULL);
        REQUIRE(m.method[0] == '\0' && m.field_count == 0);
        return;
    }
    check_message(&m, plain);
    REQUIRE(m.status == 0 && m.target.data[0] == '/');
    REQUIRE(http_inner_field_count(&m, "Host") == 1);
    copies_init(&copies, &m);
    target = string_of(m.target);
    host = string_of(http_inner_field(&m, "Host"));
    /* It may add a Content-Length to as many fields as there can be. */
    if (http_inner_request_format(m.method, target, host, copies.headers,
                                  copies.count, m.body, &out))
    {
        REQUIRE(http_inner_request_parse(buf_span(&out), out.length, &again,
                                         &status, &reason));
        check_same(&m, &again, &copies);
    } else {
        REQUIRE(m.field_count == HTTP_FIELDS_MAX && out.length == 0);
    }
    free(target);
    free(host);
    copies_fini(&copies);
    buf_fini(&out);
}

static void
check_response(struct span plain)
{
    static struct http_inner m, again;
    struct buf out = BUF_INIT;
    struct copies copies;
    struct http_response response;
    const char *reason = NULL;

    if (!http_inner_response_parse(plain, &m, &reason)) {
        REQUIRE(reason != NULL && m.status == 0 && m.field_count == 0);
        return;
    }
    check_message(&m, plain);
    copies_init(&copies, &m);
    response = (struct http_response){.status = m.status,
                                      .headers = copies.headers,
                                      .header_count = copies.count,
                                      .body = m.body};
    if (http_inner_response_format(&response, &out)) {
        REQUIRE(http_inner_response_parse(buf_span(&out), &again, &reason));
        check_same(&m, &again, &copies);
    } else {
        REQUIRE(m.field_count == HTTP_FIELDS_MAX && out.length == 0);
    }
    copies_fini(&copies);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0));

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    check_request((struct span){copy, size});
    check_response((struct span){copy, size});
    free(copy);
    return 0;
}
