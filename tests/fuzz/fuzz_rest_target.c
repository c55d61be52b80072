/* rest_target_parse: the first line is the path, the rest the query. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rest/rest.h"
#include "gateway/rest/url.h"

#define PAGE_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
decode(struct span url)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < url.length; i++) {
        char c = url.data[i];

        if (c == '%') {
            c = (char)(ascii_hex_value(url.data[i + 1]) * 16 +
                       ascii_hex_value(url.data[i + 2]));
            i += 2;
        }
        buf_add_char(&out, c);
    }
    return buf_take(&out);
}

static void
check(bool ok)
{
    if (!ok)
        abort();
}

/* What was accepted is canonical: its own URL parses to the same target. */
static void
check_round_trip(const struct rest_target *t)
{
    struct span name = span_of(t->class_name);
    struct span key = span_of(t->key_text);
    struct rest_target again;
    struct buf url = BUF_INIT;
    char *path;

    if (t->kind == REST_NAMESPACE) {
        url_add_namespace(&url, &t->namespace);
    } else if (t->kind != REST_INSTANCE) {
        url_add_class(&url, &t->namespace, name);
        if (t->kind == REST_INSTANCES)
            buf_add_string(&url, "/instances");
    } else if (t->key_text[0] != '.' ||
               !url_add_instance(&url, &t->namespace, name, span_skip(key, 1)))
    {
        return;
    }
    /* "C.@" would be the key of a singleton, whose path is "C=@". */
    path = decode(buf_span(&url));
    check(path != NULL);
    check(rest_target_parse(span_of(path), (struct span){NULL, 0}, PAGE_MAX,
                            &again) == REST_PARSE_OK);
    check(again.kind == t->kind);
    check(namespace_path_equal(&again.namespace, &t->namespace));
    check(strcmp(again.class_name, t->class_name) == 0);
    check(strcmp(again.key_text, t->key_text) == 0 ||
          strcmp(t->key_text, ".@") == 0);
    free(path);
    buf_fini(&url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span query;
    struct span path =
        span_cut((struct span){(const char *)data, size}, '\n', &query);
    struct rest_target t;

    if (rest_target_parse(path, query, PAGE_MAX, &t) != REST_PARSE_OK) {
        check(t.kind == REST_NONE && t.namespace.length == 0);
        return 0;
    }
    check(t.kind != REST_NONE && t.namespace.length >= 4);
    check(t.limit >= 1 && t.limit <= PAGE_MAX && t.after >= 0);
    check((t.kind == REST_NAMESPACE) == (t.class_name[0] == '\0'));
    check((t.kind == REST_INSTANCE) == (t.key_text[0] != '\0'));
    check_round_trip(&t);
    return 0;
}
