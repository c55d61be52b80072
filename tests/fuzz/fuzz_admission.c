/*
 * admission_check and admission_covers: the input is a request's head.  It is
 * taken apart as forgivingly as the HTTP library does, in place; what is then
 * admitted and covered must have been a strict head all along, which is
 * looked up in the bytes as they came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/admission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MAX 128
#define BODY_MAX   4096

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

/* Ends the line at *at with NULs and steps behind it; NULL: there is none. */
static char *
take_line(char **at, const char *end)
{
    char *line = *at;
    char *lf = memchr(line, '\n', (size_t)(end - line));

    if (lf == NULL)
        return NULL;
    *lf = '\0';
    if (lf > line && lf[-1] == '\r')
        lf[-1] = '\0';
    *at = lf + 1;
    return line;
}

static bool
split_request_line(char *line, struct admission_wire *wire)
{
    char *first = strchr(line, ' ');
    char *last = strrchr(line, ' ');

    if (first == NULL || first == last)
        return false;
    *first = *last = '\0';
    wire->method = line;
    wire->target = first + 1;
    wire->target_length = strlen(first + 1);
    wire->version = last + 1;
    return true;
}

static bool
split_field(char *line, struct http_field *out)
{
    char *colon = strchr(line, ':');
    char *value = colon;

    if (colon == NULL)
        return false;
    *colon = '\0';
    do
        value++;
    while (*value == ' ' || *value == '\t');
    out->name = span_of(line);
    out->value = span_of(value);
    return true;
}

/* The head is what was read, up to the empty line. */
static bool
split_head(char *text, size_t size, struct http_field *fields,
           struct admission_wire *wire)
{
    char *at = text, *line = take_line(&at, text + size);

    if (line == NULL || !split_request_line(line, wire))
        return false;
    wire->fields = fields;
    wire->count = 0;
    while ((line = take_line(&at, text + size)) != NULL && line[0] != '\0') {
        if (wire->count == FIELDS_MAX ||
            !split_field(line, &fields[wire->count++]))
            return false;
    }
    wire->header_size = (size_t)(at - text);
    return line != NULL;
}

/* Separators come in pairs, and nothing folds.  (That NUL, CR and LF of one
 * pair may have changed places cannot be seen afterwards.) */
static void
check_bytes(const char *raw, size_t size)
{
    size_t run = 0;

    for (size_t i = 0; i < size; i++) {
        if (raw[i] == '\0' || raw[i] == '\r' || raw[i] == '\n') {
            run++;
            continue;
        }
        REQUIRE(run == 0 || run == 2);
        REQUIRE(run == 0 || (raw[i] != ' ' && raw[i] != '\t'));
        run = 0;
    }
    REQUIRE(run == 4);
}

static unsigned
count_fields(const struct admission_wire *wire, struct span name)
{
    unsigned count = 0;

    for (size_t i = 0; i < wire->count; i++)
        count += span_equal_nocase(wire->fields[i].name, name);
    return count;
}

static void
check_fields(const struct admission_wire *wire, const struct admission *a)
{
    unsigned lengths = count_fields(wire, SPAN("Content-Length"));
    unsigned codings = count_fields(wire, SPAN("Transfer-Encoding"));
    unsigned hosts = count_fields(wire, SPAN("Host"));

    REQUIRE(lengths + codings <= 1);
    REQUIRE(a->chunked == (codings == 1));
    REQUIRE(lengths == 1 || a->content_length == 0);
    REQUIRE(a->content_length <= BODY_MAX);
    REQUIRE(hosts == 1 ||
            (hosts == 0 && strcmp(wire->version, "HTTP/1.0") == 0));
    REQUIRE(count_fields(wire, SPAN("Authorization")) <= 1);
    REQUIRE(wire->target[0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_field fields[FIELDS_MAX];
    struct admission_wire wire;
    struct admission admission;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (split_head(text, size, fields, &wire)) {
        const struct admission_request q = {
            .method = span_of(wire.method),
            .target = {wire.target, wire.target_length},
            .version = span_of(wire.version),
            .fields = fields,
            .count = wire.count,
            .body_max = BODY_MAX,
        };

        admission_check(&q, &admission);
        REQUIRE(admission.admitted || admission.status >= 400);
        if (admission_covers(&wire) && admission.admitted) {
            check_bytes((const char *)data, wire.header_size);
            check_fields(&wire, &admission);
        }
    }
    free(text);
    return 0;
}
