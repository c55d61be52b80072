#include <string.h>

#include "policy/mof/check.h"
#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/sddl.h"
#include "policy/mof/space.h"

/*
 * NamespaceSecuritySDDL, and RequiresEncryption (MS-WMI 2.2.30.3, 3.1.4.18): on an instance of
 * __SystemSecurity for the namespace it is in, on an instance of __Namespace
 * for the child it names.  Such a statement is never dropped, guessed or half
 * read: what is not exactly understood is an error.
 */

#define NEAR_QUALIFIER 3
#define NEAR_CLASS     4
#define NEAR_NAMESPACE 2
#define PAIRS_MAX      ((size_t)1000 * 1000)

static const struct span encryption = {"RequiresEncryption", 18};
static const struct span sddl = {"NamespaceSecuritySDDL", 21};

static struct at
qualifier_at(struct source *source, const struct syntax_qualifier *q)
{
    return (struct at){source, q->offset, (uint32_t)q->name.length};
}

static bool
is_security_qualifier(struct span name)
{
    return span_equal_nocase(name, encryption) ||
           span_equal_nocase(name, sddl);
}

static void
refuse(struct mof_compilation *c, struct source *source,
       const struct syntax_qualifiers *quals, const char *meant)
{
    for (size_t i = 0; i < quals->count; i++) {
        const struct syntax_qualifier *q = &quals->items[i];

        if (!is_security_qualifier(q->name))
            continue;
        if (meant != NULL)
            report_error(c, qualifier_at(source, q),
                         CODE_QUALIFIER_USED_OUTSIDE_SCOPE,
                         "%.*s protects nothing here; did you mean instance "
                         "of %s?",
                         SHOWN(q->name), meant);
        else
            report_error(c, qualifier_at(source, q),
                         CODE_QUALIFIER_USED_OUTSIDE_SCOPE,
                         "%.*s protects nothing here; it belongs on "
                         "instance of __SystemSecurity or instance of "
                         "__Namespace",
                         SHOWN(q->name));
    }
}

void
security_refuse(struct mof_compilation *c, struct source *source,
                const struct syntax_qualifiers *quals)
{
    refuse(c, source, quals, NULL);
}

void
security_refuse_instance(struct mof_compilation *c,
                         const struct syntax_statement *st)
{
    static const struct span classes[] = {{"__SystemSecurity", 16},
                                          {"__Namespace", 11}};
    const struct syntax_instance *i = st->u.instance;
    const char *meant = NULL;

    for (size_t n = 0; n < ARRAY_COUNT(classes) && i->qualifiers.count > 0;
         n++) {
        if (nearest_distance(i->class_name, classes[n], NEAR_CLASS) <=
            NEAR_CLASS)
            meant = classes[n].data;
    }
    refuse(c, st->at.source, &i->qualifiers, meant);
}

static bool
contains_nocase(struct span s, struct span part)
{
    for (; s.length >= part.length; s = span_skip(s, 1)) {
        if (span_starts_nocase(s, part))
            return true;
    }
    return false;
}

/* Does it look like an attempt at RequiresEncryption or the other one? */
static const char *
qualifier_meant(struct span name)
{
    if (nearest_distance(name, encryption, NEAR_QUALIFIER) <= NEAR_QUALIFIER ||
        contains_nocase(name, SPAN("encrypt")))
        return encryption.data;
    if (nearest_distance(name, sddl, NEAR_QUALIFIER) <= NEAR_QUALIFIER ||
        contains_nocase(name, SPAN("sddl")))
        return sddl.data;
    return NULL;
}

static void
report_value(struct mof_compilation *c, struct source *source,
             const struct syntax_qualifier *q)
{
    const struct syntax_value *v = &q->value;
    struct at at = qualifier_at(source, q);
    const char *why = "it is a boolean";

    if (v->kind != VALUE_NONE)
        at = (struct at){source, v->offset, v->width ? v->width : 1};
    if (v->kind == VALUE_NONE)
        why = "without a value DSP0004 says TRUE and Windows FALSE";
    else if (v->kind == VALUE_ARRAY)
        why = "it is not an array";
    else if (v->kind == VALUE_STRING)
        why = "it is a boolean, without quotes";
    report_error(c, at, CODE_TYPE_MISMATCH,
                 "write RequiresEncryption(TRUE) or "
                 "RequiresEncryption(FALSE): %s",
                 why);
}

/* Both in one compile contradict; between compiles the newer wins. */
static void
encryption_set(struct mof_compilation *c, const struct syntax_statement *st,
               struct space *target, struct at at, bool value)
{
    size_t result;

    if (target->path.length == 0)
        return;
    if (target->is_secured && target->requires_encryption != value) {
        report_error(c, at, CODE_DUPLICATE_QUALIFIER,
                     "RequiresEncryption is both TRUE and FALSE for %s",
                     target->display);
        report_detail(c, target->secured_at, "%s was said here",
                      value ? "FALSE" : "TRUE");
        return;
    }
    if (!target->is_secured)
        target->secured_at = at;
    target->is_secured = true;
    target->requires_encryption = value;
    result = check_emit(c, st, MOF_STATEMENT_ENCRYPTION, target);
    if (result != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, result)
            .requires_encryption = value;
}

/* Two descriptors for one namespace contradict as TRUE and FALSE do. */
static void
descriptor_set(struct mof_compilation *c, const struct syntax_statement *st,
               struct space *target, struct at at, struct span text)
{
    size_t result;

    if (target->path.length == 0)
        return;
    if (target->descriptor.data != NULL &&
        !span_equal(target->descriptor, text)) {
        report_error(c, at, CODE_DUPLICATE_QUALIFIER,
                     "%s has another security descriptor in this compile",
                     target->display);
        report_detail(c, target->descriptor_at, "the other one is here");
        return;
    }
    if (target->descriptor.data == NULL)
        target->descriptor_at = at;
    target->descriptor = text;
    result = check_emit(c, st, MOF_STATEMENT_DESCRIPTOR, target);
    if (result != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, result).descriptor = text;
}

static void
descriptor_read(struct mof_compilation *c, const struct syntax_statement *st,
                struct space *target, const struct syntax_qualifier *q)
{
    const struct syntax_value *v = &q->value;
    struct at at = qualifier_at(st->at.source, q);
    const char *problem;
    size_t where;

    if (v->kind != VALUE_NONE)
        at = (struct at){st->at.source, v->offset, v->width ? v->width : 1};
    if (v->kind != VALUE_STRING) {
        report_error(c, at, CODE_TYPE_MISMATCH,
                     "NamespaceSecuritySDDL takes one string");
        return;
    }
    problem = sddl_check(v->u.text, &where);
    if (problem != NULL)
        report_store_error(
            c, at, CODE_INVALID_PARAMETER,
            "no security descriptor, at its character %zu: %s",
            utf8_count((struct span){v->u.text.data, where}) + 1, problem);
    else
        descriptor_set(c, st, target, at, v->u.text);
}

void
security_statement(struct mof_compilation *c,
                   const struct syntax_statement *st, struct space *target)
{
    const struct syntax_qualifiers *quals = &st->u.instance->qualifiers;
    struct source *source = st->at.source;
    bool said = false;

    for (size_t i = 0; i < quals->count; i++) {
        const struct syntax_qualifier *q = &quals->items[i];
        const char *meant;

        if (span_equal_nocase(q->name, encryption)) {
            if (said)
                continue; /* given twice: reported already */
            said = true;
            if (q->value.kind == VALUE_BOOLEAN)
                encryption_set(c, st, target, qualifier_at(source, q),
                               q->value.u.boolean);
            else
                report_value(c, source, q);
        } else if (span_equal_nocase(q->name, sddl)) {
            descriptor_read(c, st, target, q);
        } else if ((meant = qualifier_meant(q->name)) != NULL) {
            report_error(c, qualifier_at(source, q),
                         CODE_QUALIFIER_USED_OUTSIDE_SCOPE,
                         "unknown qualifier '%.*s'", SHOWN(q->name));
            report_meant(c, span_of(meant));
        }
    }
}

/* root is within two letters of root\u, and not what was meant by it. */
static bool
is_above(const struct namespace_path *above, const struct space *s)
{
    for (s = s->parent; s != NULL; s = s->parent) {
        if (namespace_path_equal(above, &s->path))
            return true;
    }
    return false;
}

/* Something of this compile with content, within two letters of s. */
static const struct space *
near_in_compile(const struct mof_compilation *c, const struct space *s,
                size_t *pairs)
{
    for (size_t i = 0; i < c->space_list.count && *pairs < PAIRS_MAX; i++) {
        const struct space *other =
            VECTOR_AT(&c->space_list, struct space *, i);

        ++*pairs;
        if (other->has_content && !is_above(&other->path, s) &&
            nearest_distance(namespace_path_span(&other->path),
                             namespace_path_span(&s->path),
                             NEAR_NAMESPACE) <= NEAR_NAMESPACE)
            return other;
    }
    return NULL;
}

/* A typo must not protect nothing. */
static void
typo_check(struct mof_compilation *c, struct space *s, struct at at,
           size_t *pairs)
{
    const struct mof_world *world = &c->options.world;
    const struct space *other;
    struct namespace_path near;
    const char *meant = NULL;

    if (!s->created || s->has_content ||
        (world->namespace_served != NULL &&
         world->namespace_served(world->context, &s->path)))
        return;
    if (world->namespace_near != NULL &&
        world->namespace_near(world->context, &s->path, &near) &&
        !is_above(&near, s))
        meant = near.text;
    else if ((other = near_in_compile(c, s, pairs)) != NULL)
        meant = other->display;
    if (meant != NULL && !c->options.create) {
        report_store_error(c, at, CODE_INVALID_NAMESPACE,
                           "%s does not exist (--create makes it all the "
                           "same)",
                           s->display);
        report_meant(c, span_of(meant));
    } else {
        report_warning(c, MOF_WARNING_EMPTY_NAMESPACE, at,
                       "%s is new and nothing is in it: this statement "
                       "protects nothing yet",
                       s->display);
    }
}

static bool
world_encrypts(const struct mof_compilation *c, struct space *s)
{
    const struct mof_world *world = &c->options.world;

    return s->in_world && s->deleted_at == 0 &&
           world->namespace_encrypted != NULL &&
           world->namespace_encrypted(world->context, &s->path);
}

/* RequiresEncryption is not inherited (MS-WMI 3.1.4.18), which a reader of the
 * parent's statement may not expect. */
static void
child_check(struct mof_compilation *c, struct space *s)
{
    bool parent_encrypted;

    if (s->parent == NULL || s->is_secured || !s->is_named)
        return;
    parent_encrypted = s->parent->is_secured ? s->parent->requires_encryption
                                             : world_encrypts(c, s->parent);
    if (!parent_encrypted || world_encrypts(c, s))
        return;
    if (!s->created && c->options.world.namespace_encrypted == NULL)
        return;
    report_warning(c, MOF_WARNING_UNENCRYPTED_CHILD, s->named_at,
                   "%s requires encryption, its child %s does not: "
                   "RequiresEncryption is not inherited",
                   s->parent->display, s->display);
}

void
security_finish(struct mof_compilation *c)
{
    size_t pairs = 0;

    if (!report_wants_store(c))
        return;
    for (size_t i = 0; i < c->space_list.count; i++) {
        struct space *s = VECTOR_AT(&c->space_list, struct space *, i);

        if (s->is_secured || s->descriptor.data != NULL)
            typo_check(c, s, s->is_secured ? s->secured_at : s->descriptor_at,
                       &pairs);
        if (s->descriptor.data != NULL)
            report_warning(c, MOF_WARNING_DESCRIPTOR, s->descriptor_at,
                           "the security descriptor of %s is stored, but "
                           "access is decided by the [access/...] sections "
                           "of the configuration",
                           s->display);
        child_check(c, s);
    }
}
