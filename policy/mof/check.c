#include "policy/mof/check.h"

#include <string.h>

#include "policy/mof/lexer.h"
#include "policy/mof/names.h"
#include "policy/mof/report.h"
#include "policy/mof/schema.h"
#include "policy/mof/space.h"
#include "policy/mof/suggest.h"

static uint32_t
last_line(const struct syntax_statement *st)
{
    uint32_t line, column, end = st->end;

    source_locate(st->at.source, end > 0 ? end - 1 : 0, &line, &column);
    return line;
}

struct mof_statement
check_result(const struct syntax_statement *st, enum mof_statement_kind kind,
             const struct space *space)
{
    return (struct mof_statement){
        .kind = kind,
        .namespace = space->path,
        .namespace_display = space->display,
        .where = report_location(st->at),
        .last_line = last_line(st),
        .must_exist = st->must_exist,
        .change = st->change,
    };
}

size_t
check_emit(struct mof_compilation *c, const struct syntax_statement *st,
           enum mof_statement_kind kind, const struct space *space)
{
    struct mof_statement result = check_result(st, kind, space);

    if (!vector_add(c, &c->results, &result))
        return SIZE_MAX;
    return c->results.count - 1;
}

static void
space_create(struct mof_compilation *c, const struct syntax_statement *st,
             struct space *s, size_t now)
{
    size_t at = check_emit(c, st, MOF_STATEMENT_NAMESPACE, s);
    bool is_default =
        s == c->start_space && c->options.default_namespace.length == 0;

    s->created = true;
    s->created_at = now;
    if (at == SIZE_MAX)
        return;
    VECTOR_AT(&c->results, struct mof_statement, at).from_pragma =
        st->kind == SYNTAX_NAMESPACE;
    /* An instance of __Namespace says that it creates. */
    if (!c->options.syntax_only && !c->options.standalone && !is_default &&
        !c->is_system && st->kind == SYNTAX_NAMESPACE)
        s->noted_at = st->at;
}

/* A compile with errors creates nothing. */
static void
creations_note(struct mof_compilation *c)
{
    for (size_t i = 0; i < c->space_list.count && c->errors == 0; i++) {
        const struct space *s = VECTOR_AT(&c->space_list, struct space *, i);

        if (s->noted_at.source != NULL)
            report_note(c, s->noted_at,
                        "namespace %s does not exist and is created",
                        s->display);
    }
}

void
check_space(struct mof_compilation *c, const struct syntax_statement *st,
            struct space *s, size_t now)
{
    if (!s->is_named) {
        s->is_named = true;
        s->named_at = st->at;
    }
    if (space_exists(c, s))
        return;
    if (s->parent != NULL)
        check_space(c, st, s->parent, now);
    space_create(c, st, s, now);
}

/* WMI refuses a pragma for a namespace that is not there (0x8004100E). */
static void
check_namespace(struct mof_compilation *c, const struct syntax_statement *st,
                size_t now)
{
    if (c->options.strict && !space_exists(c, st->space)) {
        report_store_error(c, st->at, CODE_INVALID_NAMESPACE,
                           "namespace %s does not exist", st->space->display);
        suggest_namespace(c, st->space);
    }
    check_space(c, st, st->space, now);
}

static void
check_delete_class(struct mof_compilation *c,
                   const struct syntax_statement *st, size_t now)
{
    size_t at;

    if (!lexer_is_identifier(st->text)) {
        report_error(c, st->at, CODE_INVALID_DELETECLASS_SYNTAX,
                     "'%.*s' is not the name of a class", SHOWN(st->text));
        return;
    }
    if (names_is_system(st->text)) {
        report_store_error(c, st->at, CODE_INVALID_OPERATION,
                           "%.*s is the system's and can't be deleted",
                           SHOWN(st->text));
        return;
    }
    check_space(c, st, st->space, now);
    at = check_emit(c, st, MOF_STATEMENT_DELETE_CLASS, st->space);
    if (at != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, at).name = st->text;
    schema_delete(c, st->space, st->text, now);
}

static void
check_statement(struct mof_compilation *c, const struct syntax_statement *st,
                size_t now)
{
    switch (st->kind) {
    case SYNTAX_NAMESPACE:
        check_namespace(c, st, now);
        break;
    case SYNTAX_CLASS:
        check_class(c, st, now);
        break;
    case SYNTAX_INSTANCE:
        check_instance(c, st, now);
        break;
    case SYNTAX_STRETCH:
        check_stretch(c, st, now);
        break;
    case SYNTAX_QUALIFIER:
        check_qualifier(c, st, now);
        break;
    case SYNTAX_DELETE_CLASS:
        check_delete_class(c, st, now);
        break;
    case SYNTAX_DELETE_INSTANCE:
        check_delete_instance(c, st, now);
        break;
    }
}

/* Takes out what turned out to be nothing to do. */
static void
results_finish(struct mof_compilation *c)
{
    struct mof_statement *results = c->results.items;
    size_t count = 0;

    for (size_t i = 0; i < c->results.count; i++) {
        if (results[i].kind == MOF_STATEMENT_NONE)
            continue;
        if (count != i)
            results[count] = results[i];
        count++;
    }
    c->results.count = count;
}

static void
statements_count(struct mof_compilation *c)
{
    for (size_t i = 0; i < c->statements.count; i++) {
        const struct syntax_statement *st =
            &VECTOR_AT(&c->statements, struct syntax_statement, i);

        c->unit.class_count += st->kind == SYNTAX_CLASS;
        c->unit.instance_count += st->kind == SYNTAX_INSTANCE;
        c->unit.instance_count += st->count;
        c->unit.qualifier_count += st->kind == SYNTAX_QUALIFIER;
    }
}

void
check_run(struct mof_compilation *c)
{
    statements_count(c);
    for (size_t i = 0; i < c->statements.count && !compilation_is_over(c); i++)
        check_statement(
            c, &VECTOR_AT(&c->statements, struct syntax_statement, i), i + 1);
    if (!compilation_is_over(c))
        check_classes_finish(c);
    if (!compilation_is_over(c))
        check_instances_finish(c);
    if (!compilation_is_over(c))
        security_finish(c);
    creations_note(c);
    results_finish(c);
}
