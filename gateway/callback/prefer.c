/*
 * The Prefer header (RFC 7240 2):
 *
 *     Prefer     = 1#preference
 *     preference = token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] )
 *     parameter  = token [ BWS "=" BWS word ]
 *     word       = token / quoted-string
 *
 * What does not follow it is skipped up to the next comma outside quotes, as
 * an unknown preference would be: a preference is no command.  But a callback
 * that cannot be read is not ignored, because its client waits at the sink.
 */
#include "gateway/callback/callback.h"

#include <string.h>

struct reader {
    const char *at, *end;
};

struct word {
    size_t length; /* of the whole word, of which text has what fits */
    char text[SINK_URL_MAX];
};

struct preference {
    struct span name;
    size_t value_length; /* 0 as well: no value (RFC 7240 2) */
    bool has_url;        /* the first one of its parameters counts */
    struct word url;
};

static bool
reader_sees(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool
reader_take(struct reader *r, char c)
{
    if (!reader_sees(r, c))
        return false;
    r->at++;
    return true;
}

static void
reader_skip_space(struct reader *r)
{
    while (reader_sees(r, ' ') || reader_sees(r, '\t'))
        r->at++;
}

/* tchar of RFC 9110 5.6.2. */
static bool
is_token_char(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static struct span
reader_token(struct reader *r)
{
    const char *begin = r->at;

    while (r->at < r->end && is_token_char(*r->at))
        r->at++;
    return (struct span){begin, (size_t)(r->at - begin)};
}

static void
word_add(struct word *w, char c)
{
    if (w->length < sizeof(w->text))
        w->text[w->length] = c;
    w->length++;
}

/* What follows the opening quote.  Control characters are no text; they are
 * read over all the same, so that the end of the string is found. */
static bool
reader_quoted(struct reader *r, struct word *out)
{
    bool clean = true;

    while (r->at < r->end && *r->at != '"') {
        char c = *r->at++;

        if (c == '\\') {
            if (r->at == r->end)
                return false;
            c = *r->at++;
        }
        if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
            clean = false;
        word_add(out, c);
    }
    return reader_take(r, '"') && clean;
}

static bool
reader_word(struct reader *r, struct word *out)
{
    struct span token;

    if (reader_take(r, '"'))
        return reader_quoted(r, out);
    token = reader_token(r);
    for (size_t i = 0; i < token.length; i++)
        word_add(out, token.data[i]);
    return token.length > 0;
}

/* token [ BWS "=" BWS word ] */
static bool
reader_pair(struct reader *r, struct span *name_out, struct word *out)
{
    bool read = true;

    out->length = 0;
    *name_out = reader_token(r);
    if (name_out->length == 0)
        return false;
    reader_skip_space(r);
    if (reader_take(r, '=')) {
        reader_skip_space(r);
        read = reader_word(r, out);
        reader_skip_space(r);
    }
    return read;
}

/* False: not read to its end; p has what came before. */
static bool
reader_preference(struct reader *r, struct preference *p)
{
    struct span name;
    struct word word;

    p->has_url = false;
    if (!reader_pair(r, &p->name, &word))
        return false;
    p->value_length = word.length;
    while (reader_take(r, ';')) {
        reader_skip_space(r);
        if (r->at == r->end || reader_sees(r, ';') || reader_sees(r, ','))
            continue;
        if (!reader_pair(r, &name, &word))
            return false;
        if (!p->has_url && span_equal_nocase(name, SPAN("url"))) {
            p->has_url = true;
            p->url = word;
        }
    }
    return r->at == r->end || reader_sees(r, ',');
}

static void
reader_skip_preference(struct reader *r)
{
    struct word skipped = {.length = 0};

    while (r->at < r->end && !reader_sees(r, ',')) {
        if (reader_take(r, '"'))
            reader_quoted(r, &skipped);
        else
            r->at++;
    }
}

/* OData 4.0 called it odata.callback. */
static bool
is_callback(const struct preference *p)
{
    return span_equal_nocase(p->name, SPAN("callback")) ||
           span_equal_nocase(p->name, SPAN("odata.callback"));
}

static enum prefer_parse
read_callback(const struct preference *p, char url_out[SINK_URL_MAX + 1])
{
    if (!p->has_url || p->url.length == 0 || p->url.length > SINK_URL_MAX)
        return PREFER_MALFORMED;
    memcpy(url_out, p->url.text, p->url.length);
    url_out[p->url.length] = '\0';
    return PREFER_CALLBACK;
}

/* Of a preference that stands there twice the first one counts (RFC 7240
 * 2). */
enum prefer_parse
prefer_parse(struct span value, char url_out[SINK_URL_MAX + 1])
{
    enum prefer_parse async = PREFER_NONE, callback = PREFER_NONE;
    struct reader r = {value.data, NULL};
    bool async_seen = false;

    url_out[0] = '\0';
    if (value.length == 0)
        return PREFER_NONE;
    r.end = value.data + value.length;
    while (r.at < r.end) {
        struct preference p;
        bool whole;

        reader_skip_space(&r);
        if (r.at == r.end || reader_take(&r, ','))
            continue;
        whole = reader_preference(&r, &p);
        if (!whole)
            reader_skip_preference(&r);
        if (is_callback(&p) && callback == PREFER_NONE)
            callback = whole ? read_callback(&p, url_out) : PREFER_MALFORMED;
        if (!span_equal_nocase(p.name, SPAN("respond-async")) || async_seen)
            continue;
        async_seen = true;
        if (whole && p.value_length == 0)
            async = PREFER_ASYNC;
    }
    if (async == PREFER_ASYNC && callback != PREFER_NONE)
        async = callback;
    if (async != PREFER_CALLBACK)
        url_out[0] = '\0';
    return async;
}
