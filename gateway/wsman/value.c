#include "gateway/wsman/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/wsman/names.h"
#include "gateway/wsman/frame.h"

/* Embedded objects within embedded objects. */
#define DEPTH_MAX 32

bool
value_writer_init(struct value_writer *w, struct repository *repo,
                  const struct namespace_path *ns, bool wmi)
{
    *w = (struct value_writer){
        .repo = repo,
        .ns = ns,
        .wmi = wmi,
        .arena = arena_new(),
        .classes = strmap_new(),
    };
    return w->arena != NULL && w->classes != NULL;
}

void
value_writer_fini(struct value_writer *w)
{
    strmap_free(w->classes);
    arena_free(w->arena);
}

struct repository_class_full *
value_class(struct value_writer *w, struct span name)
{
    struct repository_class_full *class = strmap_get(w->classes, name);
    int found;

    if (class != NULL)
        return class;
    found =
        repository_class_full(w->repo, w->ns, name, w->arena, &class, NULL);
    if (found > 0 && strmap_put(w->classes, class->class->name, class))
        return class;
    w->failed = w->failed || found != 0;
    return NULL;
}

/* -- resource URIs ----------------------------------------------------------- */

static void
add_class_uri(struct value_writer *w, struct span class_name)
{
    char path[NAMESPACE_PATH_MAX + 1];

    if (w->wmi) {
        namespace_path_to_url(w->ns, path);
        buf_add_string(w->out, WMI_PREFIX);
        xml_add_text(w->out, span_of(path));
        buf_add_char(w->out, '/');
    } else {
        buf_add_string(w->out, CIM_PREFIX);
    }
    xml_add_text(w->out, class_name);
}

/* -- endpoint references ----------------------------------------------------- */

static void
add_selector(struct buf *out, struct span name, struct span value)
{
    buf_add_string(out, "<w:Selector Name=\"");
    xml_add_text(out, name);
    buf_add_string(out, "\">");
    xml_add_text(out, value);
    buf_add_string(out, "</w:Selector>");
}

/* The value at the start of *rest, and the comma behind it, of a canonical
 * key. */
static struct span
key_value(struct span *rest, struct buf *text)
{
    struct span literal;
    size_t i = 1;

    buf_reset(text);
    if (rest->length == 0 || rest->data[0] != '"') {
        literal = span_cut(*rest, ',', rest);
        return literal;
    }
    while (i < rest->length && rest->data[i] != '"') {
        if (rest->data[i] == '\\' && i + 1 < rest->length)
            i++;
        buf_add_char(text, rest->data[i++]);
    }
    *rest = span_skip(*rest, i < rest->length ? i + 1 : i);
    if (rest->length > 0)
        *rest = span_skip(*rest, 1); /* ',' */
    return buf_span(text);
}

static void
add_selectors(struct value_writer *w,
              const struct repository_class_full *class, struct span key)
{
    struct buf text = BUF_INIT;

    while (key.length > 0 && !span_equal(key, SPAN("@"))) {
        struct span name = span_cut(key, '=', &key), value;
        size_t at = repository_class_full_property(class, name);

        value = key_value(&key, &text);
        if (at != SIZE_MAX) /* as its author spelled it */
            name = class->properties[at].property->name;
        add_selector(w->out, name, value);
    }
    w->failed = w->failed || buf_failed(&text);
    buf_fini(&text);
}

void
value_add_reference(struct value_writer *w,
                    const struct repository_class_full *class, struct span key)
{
    char path[NAMESPACE_PATH_MAX + 1];

    buf_add_string(w->out, "<a:Address>" ADDRESS_ANONYMOUS
                           "</a:Address><a:ReferenceParameters>"
                           "<w:ResourceURI>");
    add_class_uri(w, class->class->name);
    buf_add_string(w->out, "</w:ResourceURI><w:SelectorSet>");
    add_selectors(w, class, key);
    namespace_path_to_url(w->ns, path);
    add_selector(w->out, SPAN("__cimnamespace"), span_of(path));
    buf_add_string(w->out, "</w:SelectorSet></a:ReferenceParameters>");
}

/* [namespace:]Class.keys; false: it is not one of this namespace. */
static bool
add_reference_path(struct value_writer *w, struct span path)
{
    struct namespace_path other;
    struct repository_class_full *class;
    struct span key;
    size_t i = 0, name;

    while (i < path.length && path.data[i] != ':' && path.data[i] != '"')
        i++;
    if (i < path.length && path.data[i] == ':') {
        if (namespace_path_parse(&other, (struct span){path.data, i}, NULL) !=
                NAMESPACE_PATH_OK ||
            !namespace_path_equal(&other, w->ns))
            return false;
        path = span_skip(path, i + 1);
    }
    for (name = 0; name < path.length && path.data[name] != '.' &&
                   path.data[name] != '=';)
        name++;
    class = value_class(w, (struct span){path.data, name});
    if (class == NULL ||
        !repository_key_parse(class, span_skip(path, name), w->arena, &key))
        return false;
    value_add_reference(w, class, key);
    return true;
}

/* -- scalars ------------------------------------------------------------------ */

static void
add_real(struct buf *out, enum cim_type type, double real)
{
    char text[CIM_REAL_TEXT];

    if (isnan(real)) {
        buf_add_string(out, "NaN");
    } else if (isinf(real)) {
        buf_add_string(out, real > 0 ? "INF" : "-INF");
    } else {
        cim_real_format(type, real, text);
        buf_add_string(out, text);
    }
}

/* yyyymmddhhmmss.mmmmmmsutc, or ddddddddhhmmss.mmmmmm:000 (DSP0004 5.2.4);
 * with asterisks it is neither a time nor a duration of XML Schema. */
static void
add_datetime(struct buf *out, struct span t)
{
    const char *d = t.data;

    if (t.length != 25 || memchr(d, '*', t.length) != NULL) {
        buf_add_string(out, "<c:CIM_DateTime>");
        xml_add_text(out, t);
        buf_add_string(out, "</c:CIM_DateTime>");
    } else if (d[21] == ':') {
        buf_addf(out, "<c:Interval>P%ldDT%.2sH%.2sM%.2s.%.6sS</c:Interval>",
                 strtol((char[]){d[0], d[1], d[2], d[3], d[4], d[5], d[6],
                                 d[7], '\0'},
                        NULL, 10),
                 d + 8, d + 10, d + 12, d + 15);
    } else {
        long offset = strtol((char[]){d[22], d[23], d[24], '\0'}, NULL, 10);

        buf_addf(out,
                 "<c:Datetime>%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.6s%c%02ld:%02ld"
                 "</c:Datetime>",
                 d, d + 4, d + 6, d + 8, d + 10, d + 12, d + 15, d[21],
                 offset / 60, offset % 60);
    }
}

static void
add_char16(struct buf *out, uint16_t unit)
{
    char utf8[4];
    size_t length =
        unit >= 0xd800 && unit <= 0xdfff ? 0 : utf8_encode(unit, utf8);

    /* Half a pair is none that XML can carry. */
    xml_add_text(out, length > 0 ? (struct span){utf8, length}
                                 : SPAN("\xef\xbf\xbd"));
}

/* Between an element's tags. */
static void
add_scalar(struct value_writer *w, enum cim_type type,
           const union cim_scalar *s)
{
    if (cim_type_is_signed(type))
        buf_addf(w->out, "%" PRId64, s->sint);
    else if (cim_type_is_unsigned(type))
        buf_addf(w->out, "%" PRIu64, s->uint);
    else if (type == CIM_BOOLEAN)
        buf_add_string(w->out, s->boolean ? "true" : "false");
    else if (type == CIM_CHAR16)
        add_char16(w->out, s->char16);
    else if (type == CIM_REAL32 || type == CIM_REAL64)
        add_real(w->out, type, s->real);
    else if (type == CIM_DATETIME)
        add_datetime(w->out, s->text);
    else if (type != CIM_REFERENCE || !add_reference_path(w, s->text))
        xml_add_text(w->out, s->text);
}

/* -- objects ------------------------------------------------------------------ */

static void add_property(struct value_writer *w, struct span name,
                         const struct cim_value *v, unsigned depth);

static void
add_tag(struct value_writer *w, bool end, unsigned depth, struct span name)
{
    buf_addf(w->out, "<%sp%u:", end ? "/" : "", depth);
    xml_add_name(w->out, name);
}

/* In a start tag: the namespace and type of a class. */
static void
add_type(struct value_writer *w, unsigned depth, struct span class_name)
{
    buf_addf(w->out, " xmlns:p%u=\"", depth);
    add_class_uri(w, class_name);
    buf_addf(w->out, "\" xsi:type=\"p%u:", depth);
    xml_add_name(w->out, class_name);
    buf_add_string(w->out, "_Type\">");
}

/* An embedded instance shows what it was given. */
static void
add_object(struct value_writer *w, struct span name,
           const struct cim_instance *object, unsigned depth)
{
    if (depth >= DEPTH_MAX) {
        w->failed = true;
        return;
    }
    add_tag(w, false, depth, name);
    add_type(w, depth + 1, object->class_name);
    for (size_t i = 0; i < object->property_count; i++) {
        const struct cim_property *p = &object->properties[i];

        add_property(w, p->name, p->has_value ? &p->value : NULL, depth + 1);
    }
    add_tag(w, true, depth, name);
    buf_add_char(w->out, '>');
}

/* s NULL: no value. */
static void
add_one(struct value_writer *w, struct span name, enum cim_type type,
        const union cim_scalar *s, unsigned depth)
{
    if (s != NULL && type == CIM_OBJECT && s->object != NULL) {
        add_object(w, name, s->object, depth);
        return;
    }
    add_tag(w, false, depth, name);
    if (s == NULL || type == CIM_OBJECT) {
        buf_add_string(w->out, " xsi:nil=\"true\"/>");
        return;
    }
    buf_add_char(w->out, '>');
    add_scalar(w, type, s);
    add_tag(w, true, depth, name);
    buf_add_char(w->out, '>');
}

/* v NULL: no value. */
static void
add_property(struct value_writer *w, struct span name,
             const struct cim_value *v, unsigned depth)
{
    if (v == NULL || v->is_null) {
        add_one(w, name, CIM_NONE, NULL, depth);
        return;
    }
    if (!v->is_array) {
        add_one(w, name, v->type, &v->one, depth);
        return;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        bool null = v->null_items != NULL && v->null_items[i];

        add_one(w, name, v->type, null ? NULL : &v->items[i], depth);
    }
}

/* given[i]: the instance's own entry for the class's property i. */
static void
add_properties(struct value_writer *w,
               const struct repository_class_full *class,
               const struct cim_property *const *given)
{
    for (size_t i = 0; i < class->property_count; i++) {
        const struct repository_property *p = &class->properties[i];
        const struct cim_value *v = p->value;

        if (given[i] != NULL)
            v = given[i]->has_value ? &given[i]->value : NULL;
        add_property(w, p->property->name, v, 0);
    }
}

void
value_add_instance(struct value_writer *w, const struct cim_instance *instance)
{
    struct repository_class_full *class = value_class(w, instance->class_name);
    const struct cim_property **given =
        class != NULL ? calloc(class->property_count + 1, sizeof(*given))
                      : NULL;

    if (given == NULL) {
        w->failed = true;
        return;
    }
    for (size_t i = 0; i < instance->property_count; i++) {
        const struct cim_property *p = &instance->properties[i];
        size_t at = repository_class_full_property(class, p->name);

        if (at != SIZE_MAX)
            given[at] = p;
    }
    add_tag(w, false, 0, class->class->name);
    buf_add_string(w->out,
                   " xmlns:xsi=\"" NS_XSI "\" xmlns:c=\"" NS_COMMON "\"");
    add_type(w, 0, class->class->name);
    add_properties(w, class, given);
    add_tag(w, true, 0, class->class->name);
    buf_add_char(w->out, '>');
    free(given);
}
