#include "policy/mofcomp/plan.h"

#include <errno.h>
#include <string.h>

/* Of one class so many instances are named that are treated alike. */
#define ALIKE_MAX 10

struct plan {
    struct buf security, namespaces, qualifiers, classes, instances;
    /* The run of instances that are treated alike. */
    struct buf run; /* namespace:class and how */
    size_t run_count;
};

static char
mark_of(bool was, bool is)
{
    return !was ? '+' : !is ? '-' : '~';
}

/* "  + root\x:Class" */
static void
add_head(struct buf *out, char mark, const char *namespace, struct span name)
{
    buf_addf(out, "  %c ", mark);
    visible_text(out, span_of(namespace));
    if (name.length > 0)
        buf_add_char(out, ':');
    visible_text(out, name);
}

/* -- namespaces ------------------------------------------------------------- */

static const struct {
    enum policy_space before, after;
    const char *text;
} protections[] = {
    {POLICY_SPACE_OPEN, POLICY_SPACE_ENCRYPTED,
     "would require encryption (PktPrivacy), which it does not now"},
    {POLICY_SPACE_ABSENT, POLICY_SPACE_ENCRYPTED,
     "would be new and require encryption (PktPrivacy)"},
    {POLICY_SPACE_ENCRYPTED, POLICY_SPACE_OPEN,
     "would be open: it requires encryption now"},
    {POLICY_SPACE_ABSENT, POLICY_SPACE_OPEN,
     "would be new and open: no encryption required"},
    {POLICY_SPACE_ENCRYPTED, POLICY_SPACE_ABSENT,
     "would be deleted: it requires encryption now"},
};

static void
plan_namespace(struct plan *p, const struct policy_difference *d)
{
    bool was = d->space_before != POLICY_SPACE_ABSENT;
    bool is = d->space_after != POLICY_SPACE_ABSENT;

    for (size_t i = 0; i < ARRAY_COUNT(protections); i++) {
        if (protections[i].before != d->space_before ||
            protections[i].after != d->space_after)
            continue;
        add_head(&p->security,
                 d->space_after == POLICY_SPACE_ENCRYPTED ? '+' : '!',
                 d->namespace, SPAN(""));
        buf_addf(&p->security, " %s\n", protections[i].text);
    }
    if (was == is)
        return;
    add_head(&p->namespaces, mark_of(was, is), d->namespace, SPAN(""));
    buf_add_char(&p->namespaces, '\n');
}

/* -- classes and instances -------------------------------------------------- */

static void
add_difference(struct buf *out, const struct policy_difference *d)
{
    buf_add_char(out, '\n');
    if (d->before != NULL && d->after != NULL)
        lines_compare(out, "      ", d->before, d->after);
}

static void
plan_descriptor(struct plan *p, const struct policy_difference *d)
{
    add_head(&p->security, mark_of(d->before != NULL, d->after != NULL),
             d->namespace, SPAN(""));
    buf_add_string(&p->security, " security descriptor (stored, not in force "
                                 "yet)\n");
    lines_compare(&p->security, "      ", d->before != NULL ? d->before : "",
                  d->after != NULL ? d->after : "");
}

static void
plan_qualifier(struct plan *p, const struct policy_difference *d)
{
    add_head(&p->qualifiers, mark_of(d->before != NULL, d->after != NULL),
             d->namespace, d->name);
    add_difference(&p->qualifiers, d);
}

static void
plan_class(struct plan *p, const struct policy_difference *d)
{
    add_head(&p->classes, mark_of(d->before != NULL, d->after != NULL),
             d->namespace, d->name);
    add_difference(&p->classes, d);
}

static void
run_end(struct plan *p)
{
    if (p->run_count > ALIKE_MAX)
        buf_addf(&p->instances, "%s and %zu more\n", p->run.data,
                 p->run_count - ALIKE_MAX);
    p->run_count = 0;
}

static void
plan_instance(struct plan *p, const struct policy_difference *d)
{
    char mark = mark_of(d->before != NULL, d->after != NULL);
    struct buf head = BUF_INIT;

    add_head(&head, mark, d->namespace, d->name);
    if (buf_failed(&head)) {
        p->instances.failed = true;
        return;
    }
    if (p->run_count == 0 || !span_equal(buf_span(&head), buf_span(&p->run))) {
        run_end(p);
        buf_reset(&p->run);
        buf_add_span(&p->run, buf_span(&head));
        p->instances.failed |= buf_failed(&p->run);
    }
    if (++p->run_count <= ALIKE_MAX) {
        buf_add_span(&p->instances, buf_span(&head));
        if (!span_equal(d->key, SPAN("@")))
            buf_add_char(&p->instances, '.');
        else
            buf_add_char(&p->instances, '=');
        visible_text(&p->instances, d->key);
        add_difference(&p->instances, d);
    }
    buf_fini(&head);
}

static bool
plan_add(void *arg, const struct policy_difference *d)
{
    struct plan *p = arg;

    switch (d->kind) {
    case POLICY_DIFFERENCE_NAMESPACE:
        plan_namespace(p, d);
        break;
    case POLICY_DIFFERENCE_DESCRIPTOR:
        plan_descriptor(p, d);
        break;
    case POLICY_DIFFERENCE_QUALIFIER:
        plan_qualifier(p, d);
        break;
    case POLICY_DIFFERENCE_CLASS:
        plan_class(p, d);
        break;
    case POLICY_DIFFERENCE_INSTANCE:
        plan_instance(p, d);
        break;
    }
    return true;
}

/* -- all -------------------------------------------------------------------- */

static void
add_section(struct buf *out, const char *title, struct buf *section)
{
    if (section->length > 0) {
        buf_addf(out, "%s:\n", title);
        buf_add_span(out, buf_span(section));
    }
    out->failed |= section->failed;
    buf_fini(section);
}

int
plan_print(struct policy_compile *c, struct buf *out, struct error *err)
{
    struct plan p = {.run_count = 0};
    int r = policy_compile_each_difference(c, plan_add, &p, err);

    run_end(&p);
    add_section(out, "Protection", &p.security);
    add_section(out, "Namespaces", &p.namespaces);
    add_section(out, "Qualifiers", &p.qualifiers);
    add_section(out, "Classes", &p.classes);
    add_section(out, "Instances", &p.instances);
    buf_fini(&p.run);
    if (r == 0 && out->length == 0 && !buf_failed(out))
        buf_add_string(out, "Nothing would change.\n");
    return r == 0 && buf_failed(out) ? error_set_errno(err, ENOMEM, "mofcomp")
                                     : r;
}
