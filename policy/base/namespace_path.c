#include "policy/base/namespace_path.h"

#include <string.h>

#include "policy/base/utf8.h"

#define COMPONENT_MAX 255

static bool
component_char(struct span rest, size_t *length, bool first)
{
    unsigned char c = (unsigned char)rest.data[0];
    uint32_t cp;

    *length = utf8_sequence_length(rest);
    if (*length == 0)
        return false;
    if (c < 0x80)
        return ascii_is_alpha((char)c) || c == '_' ||
               (!first && (ascii_is_digit((char)c) || c == '-'));
    cp = utf8_decode(rest);
    return cp >= 0xa0 && cp <= 0xffef && cp != 0xfeff;
}

static bool
component_is_valid(struct span name)
{
    struct span rest = name;
    size_t n;

    if (name.length == 0 || name.length > COMPONENT_MAX)
        return false;
    while (rest.length > 0) {
        if (!component_char(rest, &n, rest.data == name.data))
            return false;
        rest = span_skip(rest, n);
    }
    return true;
}

/* Is there something between the separators that is text at all? */
static enum namespace_path_problem
component_problem(struct span name)
{
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.data[i] < 0x20)
            return NAMESPACE_PATH_MALFORMED;
    }
    return name.length > 0 ? NAMESPACE_PATH_BAD_NAME
                           : NAMESPACE_PATH_MALFORMED;
}

static bool
append(struct namespace_path *path, struct span name)
{
    size_t more = name.length + (path->length > 0);

    if (path->length + more > NAMESPACE_PATH_MAX)
        return false;
    if (path->length > 0)
        path->text[path->length++] = '\\';
    for (size_t i = 0; i < name.length; i++)
        path->text[path->length++] = ascii_lower(name.data[i]);
    path->text[path->length] = '\0';
    return true;
}

/* Takes the "\\machine\" or leading separator off; false if another machine
 * is meant. */
static bool
strip_machine(struct span *text, char separator)
{
    struct span machine, rest;

    /* DSP0004 7.11.3 writes another machine's as a URL. */
    if (span_starts_nocase(*text, SPAN("http://")) ||
        span_starts_nocase(*text, SPAN("https://")))
        return false;
    if (text->length >= 2 && text->data[0] == separator &&
        text->data[1] == separator)
    {
        machine = span_cut(span_skip(*text, 2), separator, &rest);
        *text = rest;
        return span_equal(machine, SPAN(".")) ||
               span_equal_nocase(machine, SPAN("localhost"));
    }
    if (text->length >= 1 && text->data[0] == separator)
        *text = span_skip(*text, 1);
    return true;
}

static void
malformed_explain(struct span text, struct error *err)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20) {
            error_set(err, "a namespace can't hold a control character; "
                           "write each backslash twice: "
                           "\"\\\\\\\\.\\\\root\\\\name\"");
            return;
        }
    }
    error_set(err,
              "'%.*s' is not a namespace; write root\\name, with letters,"
              " digits, '_' and '-' in each part",
              (int)(text.length > 200 ? 200 : text.length), text.data);
}

static enum namespace_path_problem
join(struct namespace_path *out, struct span rest, char separator)
{
    while (rest.data != NULL) {
        struct span name = span_cut(rest, separator, &rest);

        if (!component_is_valid(name))
            return component_problem(name);
        if (!append(out, name))
            return NAMESPACE_PATH_TOO_LONG;
    }
    if (out->length == 0)
        return NAMESPACE_PATH_MALFORMED;
    if (strcmp(out->text, "root") != 0 && strncmp(out->text, "root\\", 5) != 0)
        return NAMESPACE_PATH_NOT_ROOT;
    return NAMESPACE_PATH_OK;
}

enum namespace_path_problem
namespace_path_parse(struct namespace_path *out, struct span text,
                     struct error *err)
{
    char separator =
        text.length > 0 && memchr(text.data, '\\', text.length) ? '\\' : '/';
    int shown = (int)(text.length > 200 ? 200 : text.length);
    enum namespace_path_problem problem;
    struct span rest = text;

    memset(out, 0, sizeof(*out));
    if (!strip_machine(&rest, separator)) {
        error_set(err, "'%.*s' names another machine; compile it there", shown,
                  text.data);
        return NAMESPACE_PATH_REMOTE;
    }
    problem = join(out, rest, separator);
    if (problem == NAMESPACE_PATH_OK)
        return problem;
    memset(out, 0, sizeof(*out));
    if (problem == NAMESPACE_PATH_NOT_ROOT)
        error_set(err, "'%.*s' does not begin with root", shown, text.data);
    else if (problem == NAMESPACE_PATH_TOO_LONG)
        error_set(err, "a namespace has at most %d bytes", NAMESPACE_PATH_MAX);
    else
        malformed_explain(text, err);
    return problem;
}

bool
namespace_path_from_url(struct namespace_path *out, struct span text)
{
    memset(out, 0, sizeof(*out));
    if (text.data != NULL && join(out, text, '/') == NAMESPACE_PATH_OK)
        return true;
    memset(out, 0, sizeof(*out));
    return false;
}

void
namespace_path_to_url(const struct namespace_path *path,
                      char out[NAMESPACE_PATH_MAX + 1])
{
    for (size_t i = 0; i <= path->length; i++)
        out[i] = path->text[i] == '\\' ? '/' : path->text[i];
}

void
namespace_path_display(struct span text, char out[NAMESPACE_PATH_MAX + 1])
{
    char separator =
        text.length > 0 && memchr(text.data, '\\', text.length) ? '\\' : '/';
    size_t n;

    strip_machine(&text, separator);
    n = text.length > NAMESPACE_PATH_MAX ? NAMESPACE_PATH_MAX : text.length;
    for (size_t i = 0; i < n; i++)
        out[i] = text.data[i] == '/' ? '\\' : text.data[i];
    out[n] = '\0';
}

bool
namespace_path_parent(const struct namespace_path *path,
                      struct namespace_path *parent_out)
{
    struct namespace_path parent = *path;

    memset(parent_out, 0, sizeof(*parent_out));
    while (parent.length > 0 && parent.text[parent.length - 1] != '\\')
        parent.length--;
    if (parent.length == 0)
        return false;
    parent.length--;
    memcpy(parent_out->text, path->text, parent.length);
    parent_out->length = parent.length;
    return true;
}

struct span
namespace_path_name(const struct namespace_path *path)
{
    const char *last = strrchr(path->text, '\\');

    return span_of(last != NULL ? last + 1 : path->text);
}

bool
namespace_path_child(const struct namespace_path *path, struct span name,
                     struct namespace_path *child_out)
{
    *child_out = *path;
    if (path->length > 0 && component_is_valid(name) &&
        append(child_out, name))
        return true;
    memset(child_out, 0, sizeof(*child_out));
    return false;
}

bool
namespace_path_equal(const struct namespace_path *a,
                     const struct namespace_path *b)
{
    return span_equal(namespace_path_span(a), namespace_path_span(b));
}

struct span
namespace_path_span(const struct namespace_path *path)
{
    return (struct span){path->text, path->length};
}
