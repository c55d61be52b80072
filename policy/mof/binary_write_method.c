#include <string.h>

#include "policy/mof/binary_writer.h"

/*
 * A method's value: what goes in and what comes out, each an object
 * __PARAMETERS; one that would be empty is left out.
 */

static const struct syntax_qualifier *
find(const struct syntax_qualifiers *set, struct span name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (span_equal_nocase(set->items[i].name, name))
            return &set->items[i];
    }
    return NULL;
}

static bool
goes(const struct syntax_property *p, const char *direction)
{
    const struct syntax_qualifier *q =
        find(&p->qualifiers, span_of(direction));

    return q != NULL &&
           (q->value.kind == VALUE_NONE ||
            (q->value.kind == VALUE_BOOLEAN && q->value.u.boolean));
}

/* The place that an author gives is written as he does; another than the
 * parameter's own would move it. */
static bool
has_own_id(struct binary_writer *w, const struct syntax_property *p,
           size_t place)
{
    const struct syntax_qualifier *q = find(&p->qualifiers, SPAN("id"));

    if (q == NULL)
        return false;
    if (q->value.kind != VALUE_INTEGER || q->value.negative || q->value.huge ||
        q->value.u.magnitude != place)
        writer_refuse(w, q->offset, (uint32_t)q->name.length,
                      "an ID other than the place of its parameter, which "
                      "is %zu",
                      place);
    return true;
}

static void
parameter_check(struct binary_writer *w, const struct syntax_property *p)
{
    uint32_t width = (uint32_t)p->name.length;

    if (!goes(p, "in") && !goes(p, "out"))
        writer_refuse(w, p->offset, width,
                      "a parameter that is neither in nor out");
    if (p->value.kind != VALUE_NONE)
        writer_refuse(w, p->value.offset, p->value.width,
                      "the default value of a parameter");
    if (span_equal_nocase(p->name, SPAN("returnvalue")))
        writer_refuse(w, p->offset, width,
                      "a parameter of that name, which is the result's");
}

static void
result_add(struct binary_writer *w, struct writer_list *list,
           const struct syntax_method *m)
{
    struct syntax_property p = {.name = SPAN("ReturnValue"),
                                .offset = m->offset,
                                .type = m->type,
                                .class_name = m->class_name};

    writer_declaration(w, &p, NULL, -1);
    list->count++;
}

/* One that goes both ways is there twice, but has been looked at once. */
static void
parameter_add(struct binary_writer *w, const struct syntax_property *p,
              size_t place, const char *direction, const char *opposite)
{
    struct syntax_property bare = *p;

    bare.value = (struct syntax_value){.kind = VALUE_NONE};
    w->is_told = strcmp(direction, "out") == 0 && goes(p, opposite);
    writer_declaration(w, &bare, opposite,
                       has_own_id(w, p, place) ? -1 : (int64_t)place);
    w->is_told = false;
}

static void
object_add(struct binary_writer *w, const struct syntax_method *m,
           const char *direction, const char *opposite, bool has_result)
{
    size_t start = writer_reserve(w);
    struct writer_list list;

    writer_number(w, BINARY_NONE);
    writer_number(w, 0);
    writer_number(w, 0);
    writer_number(w, 1);
    list = writer_list_begin(w);
    for (size_t i = 0; i < m->parameter_count; i++) {
        const struct syntax_property *p = &m->parameters[i];

        if (!goes(p, direction))
            continue;
        parameter_add(w, p, i, direction, opposite);
        list.count++;
    }
    if (has_result)
        result_add(w, &list, m);
    writer_self(w, &list, "__CLASS", SPAN("__PARAMETERS"));
    writer_list_end(w, &list);
    writer_patch_length(w, start + 12, start + BINARY_OBJECT_HEADER);
    list = writer_list_begin(w);
    writer_list_end(w, &list);
    writer_patch_length(w, start, start);
}

static void
objects_add(struct binary_writer *w, const struct syntax_method *m, bool in,
            bool out)
{
    size_t start = writer_reserve(w), row;

    writer_number(w, 1);
    writer_number(w, (uint32_t)in + (uint32_t)out);
    row = writer_reserve(w);
    if (in)
        object_add(w, m, "in", "out", false);
    if (out)
        object_add(w, m, "out", "in", m->type != CIM_VOID);
    writer_patch_length(w, row, row);
    writer_patch_length(w, start, start);
}

void
writer_method(struct binary_writer *w, const struct syntax_method *m)
{
    bool in = false, out = m->type != CIM_VOID;
    struct writer_record r;
    struct writer_list list;

    for (size_t i = 0; i < m->parameter_count; i++) {
        parameter_check(w, &m->parameters[i]);
        in = in || goes(&m->parameters[i], "in");
        out = out || goes(&m->parameters[i], "out");
    }
    r = writer_record_begin(w, in || out ? BINARY_OBJECTS : 0, m->name);
    if (in || out) {
        writer_record_value(w, &r);
        objects_add(w, m, in, out);
    }
    writer_record_qualifiers(w, &r);
    list = writer_list_begin(w);
    writer_qualifiers(w, &list, &m->qualifiers, NULL);
    writer_list_end(w, &list);
    writer_record_end(w, &r);
}
