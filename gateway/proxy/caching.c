/* Who may store an answer: the client, nobody between (RFC 9111 3.5). */
#include <string.h>

#include "gateway/proxy/transfer.h"

/* What lets caches that are shared store it, or is said anew; must-understand
 * takes no-store back (RFC 9111 5.2.2.3). */
static const char *const shared[] = {"public", "private", "s-maxage",
                                     "proxy-revalidate", "must-understand"};

static bool
is_shared(struct span name)
{
    for (size_t i = 0; i < ARRAY_COUNT(shared); i++) {
        if (span_equal_nocase(name, span_of(shared[i])))
            return true;
    }
    return false;
}

/* Up to a comma that is not in a quoted string (RFC 9110 5.6.4).  False: a
 * string has no end. */
static bool
directive_next(struct span *rest, struct span *out)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < rest->length && (quoted || rest->data[n] != ','); n++) {
        if (rest->data[n] == '"')
            quoted = !quoted;
        else if (quoted && rest->data[n] == '\\')
            n++;
    }
    if (quoted || n > rest->length)
        return false;
    *out = span_trim((struct span){rest->data, n});
    *rest = span_skip(*rest, n < rest->length ? n + 1 : n);
    return true;
}

/* False: it cannot be read. */
static bool
directives_add(struct span rest, struct buf *out, bool *no_store)
{
    while (rest.length > 0) {
        struct span one, value, name;

        if (!directive_next(&rest, &one))
            return false;
        name = span_trim(span_cut(one, '=', &value));
        if (name.length == 0 || is_shared(name))
            continue;
        *no_store |= span_equal_nocase(one, SPAN("no-store"));
        if (out->length > 0)
            buf_add_string(out, ", ");
        buf_add_span(out, one);
    }
    return true;
}

void
caching_restrict(const struct proxy_field *fields, size_t count,
                 struct buf *out)
{
    bool no_store = false;

    for (size_t i = 0; i < count; i++) {
        if (!span_equal_nocase(fields[i].name, SPAN("Cache-Control")))
            continue;
        if (!directives_add(fields[i].value, out, &no_store)) {
            buf_reset(out);
            buf_add_string(out, "no-store");
            return;
        }
    }
    if (!no_store)
        buf_add_string(out, out->length > 0 ? ", private" : "private");
}
