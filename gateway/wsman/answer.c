/* Get, Enumerate, Pull and Release from the repository (DSP0226 7 and 8). */
#include "gateway/wsman/wsman.h"

#include <string.h>

#include "gateway/wsman/body.h"
#include "gateway/wsman/names.h"
#include "gateway/wsman/value.h"
#include "gateway/wsman/frame.h"

struct answer {
    const struct wsman_request *q;
    const struct wsman_answer_options *options;
    struct value_writer writer;
    struct buf *out;
    size_t begin; /* out->length before */
    size_t bytes_max;
    struct wsman_refusal *refusal;
};

static enum wsman_answer
refuse(struct answer *a, enum wsman_fault_kind fault, const char *problem)
{
    *a->refusal = (struct wsman_refusal){fault, problem};
    return WSMAN_ANSWER_REFUSED;
}

static enum wsman_answer
refuse_size(struct answer *a)
{
    return refuse(a, WSMAN_FAULT_ENCODING,
                  "the answer is larger than an envelope may be");
}

static size_t
answer_bytes(const struct answer *a)
{
    return a->out->length - a->begin;
}

/* NULL: refused, or failed. */
static struct repository_class_full *
find_class(struct answer *a, enum wsman_answer *result_out)
{
    struct repository_class_full *class;

    *result_out = WSMAN_ANSWER_FAILED;
    if (strcmp(a->q->class_name, "*") == 0) {
        *result_out = refuse(a, WSMAN_FAULT_RESOURCE,
                             "the ResourceURI has to name a class");
        return NULL;
    }
    class = value_class(&a->writer, span_of(a->q->class_name));
    if (class == NULL && !a->writer.failed)
        *result_out = refuse(a, WSMAN_FAULT_RESOURCE,
                             "there is no such class in this namespace");
    return class;
}

/* -- Get ----------------------------------------------------------------------- */

static void
add_quoted(struct buf *out, struct span text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.data[i]);
    }
    buf_add_char(out, '"');
}

/* A number or a truth value, and nothing that could be more of a path. */
static bool
add_literal(struct buf *out, enum cim_type type, struct span text)
{
    if (type == CIM_CHAR16 && text.length > 0 &&
        utf8_sequence_length(text) == text.length && utf8_decode(text) < 65536)
    {
        buf_addf(out, "%u", (unsigned)utf8_decode(text));
        return true;
    }
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '+')
            return false;
    }
    buf_add_span(out, text);
    return text.length > 0;
}

static bool
add_key(struct buf *out, const struct repository_property *p,
        struct span value)
{
    enum cim_type type = p->property->type;

    buf_add_char(out, out->length == 0 ? '.' : ',');
    buf_add_span(out, p->property->name);
    buf_add_char(out, '=');
    if (type != CIM_STRING && type != CIM_DATETIME && type != CIM_REFERENCE)
        return add_literal(out, type, value);
    add_quoted(out, value);
    return true;
}

/* The selectors are the keys, all of them and nothing else (DSP0227 7.2).
 * NULL, or what is wrong. */
static const char *
make_path(const struct wsman_selectors *set,
          const struct repository_class_full *class, struct buf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        struct span name = span_of(set->text + set->items[i].name);
        size_t at = repository_class_full_property(class, name);

        if (at == SIZE_MAX || !class->properties[at].key)
            return "a selector is not a key of the class";
        if (!add_key(out, &class->properties[at],
                     span_of(set->text + set->items[i].value)))
            return "a selector's value is not one of the key's type";
    }
    if (set->count < class->key_count)
        return "a key of the class has no selector";
    if (set->count == 0)
        buf_add_string(out, "=@");
    return NULL;
}

static enum wsman_answer
answer_instance(struct answer *a, const struct cim_instance *instance)
{
    frame_begin(a->out, NS_TRANSFER "/GetResponse", a->options->answer_id,
                a->q->message_id);
    value_add_instance(&a->writer, instance);
    frame_end(a->out);
    if (answer_bytes(a) > a->bytes_max)
        return refuse_size(a);
    return WSMAN_ANSWER_OK;
}

static enum wsman_answer
answer_get(struct answer *a)
{
    struct buf path = BUF_INIT;
    struct cim_instance *instance = NULL;
    enum wsman_answer result;
    struct repository_class_full *class = find_class(a, &result);
    const char *problem;
    struct span key;
    bool parsed;
    int found;

    if (class == NULL)
        return result;
    problem = make_path(&a->q->selectors, class, &path);
    parsed =
        problem == NULL && !buf_failed(&path) &&
        repository_key_parse(class, buf_span(&path), a->writer.arena, &key);
    if (problem == NULL && !parsed && !buf_failed(&path))
        problem = "a selector's value is not one of the key's type";
    buf_fini(&path);
    if (problem != NULL)
        return refuse(a, WSMAN_FAULT_INVALID_SELECTORS, problem);
    if (!parsed)
        return WSMAN_ANSWER_FAILED;
    found =
        repository_instance(a->writer.repo, a->writer.ns, class->class->name,
                            key, a->writer.arena, &instance, NULL);
    if (found == 0)
        return refuse(a, WSMAN_FAULT_NOT_FOUND, "there is no such instance");
    return found > 0 ? answer_instance(a, instance) : WSMAN_ANSWER_FAILED;
}

/* -- Enumerate, Pull ------------------------------------------------------------ */

/* Behind the items: the largest of what may follow. */
#define ITEMS_END_BYTES 256

struct items {
    struct answer *answer;
    struct buf *out;
    size_t count, count_max, bytes_max;
    int64_t after;
    bool more, too_large;
};

static void
add_epr(struct value_writer *w, const struct cim_instance *instance,
        struct span key)
{
    struct repository_class_full *class = value_class(w, instance->class_name);

    if (class == NULL) {
        w->failed = true;
        return;
    }
    buf_add_string(w->out, "<a:EndpointReference>");
    value_add_reference(w, class, key);
    buf_add_string(w->out, "</a:EndpointReference>");
}

static void
add_item(struct value_writer *w, enum wsman_items kind,
         const struct cim_instance *instance, struct span key)
{
    if (kind == WSMAN_ITEMS_BOTH)
        buf_add_string(w->out, "<w:Item>");
    if (kind != WSMAN_ITEMS_EPR)
        value_add_instance(w, instance);
    if (kind != WSMAN_ITEMS_OBJECT)
        add_epr(w, instance, key);
    if (kind == WSMAN_ITEMS_BOTH)
        buf_add_string(w->out, "</w:Item>");
}

static bool
items_visit(void *arg, int64_t row, struct span key,
            const struct cim_instance *instance)
{
    struct items *items = arg;
    struct answer *a = items->answer;
    size_t before = items->out->length;

    items->more = true;
    if (items->count == items->count_max)
        return false;
    add_item(&a->writer, a->q->enumeration.items, instance, key);
    if (items->out->length > items->bytes_max) {
        items->too_large = items->count == 0;
        items->out->length = before;
        return false;
    }
    items->more = false;
    items->after = row;
    items->count++;
    return !a->writer.failed && !buf_failed(items->out);
}

/* Items into out, to be put into their envelope. */
static enum wsman_answer
collect(struct answer *a, const struct repository_class_full *class,
        struct items *items)
{
    const struct wsman_enumeration *e = &a->q->enumeration;
    size_t count = e->max_elements, bytes = a->bytes_max;
    int result;

    if (count > a->options->items_max)
        count = a->options->items_max;
    if (e->max_characters > 0 && e->max_characters < bytes)
        bytes = e->max_characters;
    items->answer = a;
    items->count_max = count;
    items->bytes_max = bytes;
    items->after = e->after;
    a->writer.out = items->out;
    result =
        repository_instances(a->writer.repo, a->writer.ns, class->class->name,
                             e->after, count + 1, items_visit, items, NULL);
    a->writer.out = a->out;
    if (result < 0 || buf_failed(items->out) || a->writer.failed)
        return WSMAN_ANSWER_FAILED;
    return items->too_large ? refuse_size(a) : WSMAN_ANSWER_OK;
}

static void
add_context(struct answer *a, int64_t after)
{
    char context[BODY_CONTEXT_MAX + 1];

    body_context_format(a->q->enumeration.items, after, context);
    xml_add_element(a->out, "n:EnumerationContext", context);
}

/* prefix: of Items and EndOfSequence, which are the one protocol's in Pull
 * and the other's in Enumerate (DSP0226 8.2.3). */
static void
add_items(struct answer *a, const struct items *items, const char *prefix)
{
    if (items->more)
        add_context(a, items->after);
    else if (a->q->operation == WSMAN_ENUMERATE)
        buf_add_string(a->out, "<n:EnumerationContext/>");
    buf_addf(a->out, "<%s:Items>", prefix);
    buf_add_span(a->out, buf_span(items->out));
    buf_addf(a->out, "</%s:Items>", prefix);
    if (!items->more)
        buf_addf(a->out, "<%s:EndOfSequence/>", prefix);
}

static enum wsman_answer
answer_items(struct answer *a)
{
    bool pull = a->q->operation == WSMAN_PULL;
    bool first = !pull && !a->q->enumeration.optimize;
    const char *name = pull ? "n:PullResponse" : "n:EnumerateResponse";
    struct buf text = BUF_INIT;
    struct items items = {.out = &text};
    enum wsman_answer result;
    struct repository_class_full *class = find_class(a, &result);

    if (class == NULL)
        return result;
    frame_begin(a->out,
                pull ? NS_ENUMERATION "/PullResponse"
                     : NS_ENUMERATION "/EnumerateResponse",
                a->options->answer_id, a->q->message_id);
    if (answer_bytes(a) + ITEMS_END_BYTES >= a->bytes_max)
        return refuse_size(a);
    a->bytes_max -= answer_bytes(a) + ITEMS_END_BYTES;
    result = first ? WSMAN_ANSWER_OK : collect(a, class, &items);
    buf_addf(a->out, "<%s>", name);
    if (first)
        add_context(a, 0);
    else
        add_items(a, &items, pull ? "n" : "w");
    buf_addf(a->out, "</%s>", name);
    frame_end(a->out);
    buf_fini(&text);
    return result;
}

static enum wsman_answer
answer_release(struct answer *a)
{
    frame_begin(a->out, NS_ENUMERATION "/ReleaseResponse",
                a->options->answer_id, a->q->message_id);
    frame_end(a->out);
    return WSMAN_ANSWER_OK;
}

/* -- together ------------------------------------------------------------------- */

static const struct answer_row {
    enum wsman_operation operation;
    enum wsman_answer (*make)(struct answer *a);
} rows[] = {
    {WSMAN_GET, answer_get},
    {WSMAN_ENUMERATE, answer_items},
    {WSMAN_PULL, answer_items},
    {WSMAN_RELEASE, answer_release},
};

static enum wsman_answer
answer_make(struct answer *a)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].operation != a->q->operation)
            continue;
        if (a->q->later.problem == NULL)
            return rows[i].make(a);
        *a->refusal = a->q->later;
        return WSMAN_ANSWER_REFUSED;
    }
    return refuse(a, WSMAN_FAULT_ACTION, NULL);
}

enum wsman_answer
wsman_answer(struct repository *repo, const struct wsman_request *q,
             const struct wsman_answer_options *options, struct buf *out,
             struct wsman_refusal *refusal_out)
{
    struct answer a = {
        .q = q,
        .options = options,
        .out = out,
        .begin = out->length,
        .bytes_max = options->bytes_max,
        .refusal = refusal_out,
    };
    enum wsman_answer result = WSMAN_ANSWER_FAILED;

    *refusal_out = (struct wsman_refusal){WSMAN_FAULT_INTERNAL, NULL};
    if (q->envelope_max > 0 && q->envelope_max < a.bytes_max)
        a.bytes_max = q->envelope_max;
    /* At most two bytes for one of UTF-8, and the mark. */
    if (q->charset == XML_CHARSET_UTF16)
        a.bytes_max = a.bytes_max > 2 ? a.bytes_max / 2 - 1 : 0;
    if (value_writer_init(&a.writer, repo, &q->namespace, q->wmi)) {
        a.writer.out = out;
        result = answer_make(&a);
    }
    if (result == WSMAN_ANSWER_OK && (a.writer.failed || buf_failed(out)))
        result = WSMAN_ANSWER_FAILED;
    if (result != WSMAN_ANSWER_OK && out->length > a.begin) {
        out->length = a.begin;
        out->data[a.begin] = '\0';
    }
    value_writer_fini(&a.writer);
    return result;
}
