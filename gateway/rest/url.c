#include "gateway/rest/url.h"

#include <string.h>

#include "gateway/rest/rest.h"

static bool
is_plain(char c)
{
    /* RFC 3986 2.3, and the delimiters an object path is made of. */
    return ascii_is_alpha(c) || ascii_is_digit(c) ||
           (c != '\0' && strchr("-._~=,@", c) != NULL);
}

static void
add_encoded(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (is_plain(text.data[i]))
            buf_add_char(out, text.data[i]);
        else
            buf_addf(out, "%%%02X", (unsigned char)text.data[i]);
    }
}

void
url_add_namespace(struct buf *out, const struct namespace_path *ns)
{
    struct span rest = namespace_path_span(ns), part;

    buf_add_string(out, "/cim");
    while (rest.data != NULL) {
        part = span_cut(rest, '\\', &rest);
        buf_add_char(out, '/');
        add_encoded(out, part);
    }
}

void
url_add_class(struct buf *out, const struct namespace_path *ns,
              struct span class_name)
{
    url_add_namespace(out, ns);
    buf_add_char(out, ':');
    add_encoded(out, class_name);
}

static bool
can_be_asked_for(struct span class_name, struct span key)
{
    if (class_name.length >= REST_NAME_MAX || key.length >= REST_KEY_MAX - 1 ||
        !utf8_is_valid(key))
        return false;
    for (size_t i = 0; i < key.length; i++) {
        unsigned char c = (unsigned char)key.data[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

bool
url_add_instance(struct buf *out, const struct namespace_path *ns,
                 struct span class_name, struct span key)
{
    struct buf url = BUF_INIT;
    bool ok;

    if (!can_be_asked_for(class_name, key))
        return false;
    url_add_class(&url, ns, class_name);
    buf_add_char(&url, span_equal(key, SPAN("@")) ? '=' : '.');
    add_encoded(&url, key);
    ok = url.length <= URL_MAX;
    if (ok)
        buf_add_span(out, buf_span(&url));
    out->failed = out->failed || buf_failed(&url);
    buf_fini(&url);
    return ok;
}
