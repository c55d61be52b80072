#include "gateway/xml/shape.h"

#include <string.h>

struct shape_reader {
    const char *at, *end;
    size_t depth, elements, namespaces;
    enum shape result;
    const char *problem;
};

static bool
shape_refuse(struct shape_reader *r, enum shape result, const char *problem)
{
    r->result = result;
    r->problem = problem;
    return false;
}

static bool
shape_malformed(struct shape_reader *r)
{
    return shape_refuse(r, SHAPE_MALFORMED, "the XML is not well-formed");
}

static bool
shape_starts(const struct shape_reader *r, const char *literal)
{
    size_t length = strlen(literal);

    return (size_t)(r->end - r->at) >= length &&
           memcmp(r->at, literal, length) == 0;
}

/* Behind the next `literal`. */
static bool
shape_skip_past(struct shape_reader *r, const char *literal)
{
    const char *found =
        memmem(r->at, (size_t)(r->end - r->at), literal, strlen(literal));

    if (found == NULL)
        return shape_malformed(r);
    r->at = found + strlen(literal);
    return true;
}

/* &amp; and its like, or a character's number. */
static bool
shape_reference(struct shape_reader *r)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;",
                                        "&apos;"};

    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (shape_starts(r, known[i])) {
            r->at += strlen(known[i]);
            return true;
        }
    }
    if (!shape_starts(r, "&#"))
        return shape_refuse(r, SHAPE_MALFORMED, "an entity is not allowed");
    return shape_skip_past(r, ";");
}

static bool
shape_value(struct shape_reader *r)
{
    char quote = *r->at++;

    while (r->at < r->end && *r->at != quote) {
        if (*r->at == '<')
            return shape_malformed(r);
        if (*r->at != '&')
            r->at++;
        else if (!shape_reference(r))
            return false;
    }
    if (r->at == r->end)
        return shape_malformed(r);
    r->at++;
    return true;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The inside of a start tag, to its '>'; a value is an attribute. */
static bool
shape_attributes(struct shape_reader *r)
{
    size_t attributes = 0;

    while (r->at < r->end && *r->at != '>') {
        if (*r->at == '<')
            return shape_malformed(r);
        if (*r->at == '"' || *r->at == '\'') {
            if (++attributes > SHAPE_ATTRIBUTES_MAX)
                return shape_refuse(r, SHAPE_TOO_MUCH,
                                    "an element has too many attributes");
            if (!shape_value(r))
                return false;
        } else if (is_space(*r->at++) && shape_starts(r, "xmlns") &&
                   ++r->namespaces > SHAPE_NAMESPACES_MAX)
        {
            return shape_refuse(r, SHAPE_TOO_MUCH,
                                "too many namespaces are declared");
        }
    }
    return r->at < r->end || shape_malformed(r);
}

static bool
shape_start_tag(struct shape_reader *r)
{
    bool empty;

    if (++r->elements > SHAPE_ELEMENTS_MAX)
        return shape_refuse(r, SHAPE_TOO_MUCH,
                            "the document has too many elements");
    if (r->depth >= SHAPE_DEPTH_MAX)
        return shape_refuse(r, SHAPE_TOO_MUCH, "elements nest too deeply");
    r->at++;
    if (!shape_attributes(r))
        return false;
    empty = r->at[-1] == '/';
    r->at++;
    if (!empty)
        r->depth++;
    return true;
}

static bool
shape_markup(struct shape_reader *r)
{
    if (shape_starts(r, "<!--")) {
        r->at += 4;
        return shape_skip_past(r, "-->");
    }
    if (shape_starts(r, "<![CDATA["))
        return shape_skip_past(r, "]]>");
    if (shape_starts(r, "<!"))
        return shape_refuse(r, SHAPE_MALFORMED,
                            "a document type is not allowed");
    if (shape_starts(r, "<?"))
        return shape_refuse(r, SHAPE_MALFORMED,
                            "a processing instruction is not allowed");
    if (!shape_starts(r, "</"))
        return shape_start_tag(r);
    if (r->depth == 0)
        return shape_malformed(r);
    r->depth--;
    return shape_skip_past(r, ">");
}

static bool
shape_next(struct shape_reader *r)
{
    if (*r->at == '<')
        return shape_markup(r);
    if (r->depth == 0 && !is_space(*r->at))
        return shape_malformed(r);
    if (*r->at == '&')
        return shape_reference(r);
    r->at++;
    return true;
}

bool
xml_is_blank(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_space(text.data[i]))
            return false;
    }
    return true;
}

enum shape
shape_check(struct span xml, const char **problem_out)
{
    struct shape_reader r = {
        .at = xml.data, .end = xml.data + xml.length, .result = SHAPE_OK};

    while (r.at < r.end && shape_next(&r))
        continue;
    if (r.result == SHAPE_OK && (r.depth != 0 || r.elements == 0))
        shape_malformed(&r);
    *problem_out = r.problem;
    return r.result;
}
