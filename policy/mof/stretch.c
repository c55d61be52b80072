#include <string.h>

#include "policy/mof/check.h"
#include "policy/mof/names.h"
#include "policy/mof/parser.h"
#include "policy/mof/report.h"

/*
 * Stretches: instances that follow one another and stand alone, since no
 * alias leads to or from them.  Their trees are let go of as soon as they are
 * read; the check and whoever stores them read the text again, one at a time.
 * So a million of them take no more memory than their text does.
 */

/* System classes are about namespaces, which the check must know of.
 * Flavors that a statement of the file gave are not read again. */
static bool
stands_alone(const struct parser *p, const struct syntax_instance *i)
{
    return p->aliases == 0 && p->scope->flavors == NULL &&
           !names_is_system(i->class_name);
}

static bool
can_join(const struct syntax_statement *stretch,
         const struct syntax_statement *st)
{
    return stretch->kind == SYNTAX_STRETCH && stretch->space == st->space &&
           stretch->change == st->change;
}

bool
stretch_add(struct parser *p, const struct syntax_statement *st, bool may_join)
{
    struct mof_compilation *c = p->c;
    struct syntax_statement *last, stretch = *st;

    if (!stands_alone(p, st->u.instance))
        return vector_add(c, &c->statements, st);
    p->in_stretch = true;
    arena_release(c->trees, p->mark);
    c->tokens = p->tokens;
    if (may_join) {
        last = &VECTOR_AT(&c->statements, struct syntax_statement,
                          c->statements.count - 1);
        if (can_join(last, st)) {
            last->end = st->end;
            last->count++;
            return true;
        }
    }
    stretch.kind = SYNTAX_STRETCH;
    stretch.count = 1;
    stretch.u.instance = NULL;
    return vector_add(c, &c->statements, &stretch);
}

/* [ quals ] "instance" ..., which was read without an error before */
static bool
instance_read_again(struct parser *p, struct syntax_statement *out)
{
    struct syntax_qualifiers quals = {0, NULL};
    uint32_t start = p->token.offset;

    return (!parser_is(p, '[') || qualifier_parse_list(p, &quals)) &&
           parser_is_word(p, "instance") &&
           instance_read(p, quals, start, out);
}

bool
stretch_next(struct mof_compilation *c, const struct syntax_statement *st,
             uint32_t *offset, struct syntax_statement *out)
{
    struct scope scope = {.space = st->space, .instance_change = st->change};
    struct parser p = {.c = c, .source = st->at.source, .scope = &scope};
    bool muted = c->muted, found;
    size_t tokens = c->tokens;

    c->muted = true;
    parser_start(&p, *offset);
    while (parser_take(&p, ';'))
        continue;
    found = p.token.offset < st->end && instance_read_again(&p, out);
    *offset = p.previous_end;
    c->muted = muted;
    c->tokens = tokens;
    return found;
}

void
check_stretch(struct mof_compilation *c, const struct syntax_statement *st,
              size_t now)
{
    struct arena_mark mark = arena_mark(c->trees);
    uint32_t offset = st->at.offset;
    struct syntax_statement item;
    size_t at;

    check_space(c, st, st->space, now);
    st->space->has_content = true;
    at = check_emit(c, st, MOF_STATEMENT_INSTANCES, st->space);
    if (at != SIZE_MAX)
        VECTOR_AT(&c->results, struct mof_statement, at).stretch = st;
    while (!compilation_is_over(c) && stretch_next(c, st, &offset, &item)) {
        check_instance_text(c, item.u.instance);
        security_refuse_instance(c, &item);
        check_instance_build(c, item.u.instance);
        arena_release(c->trees, mark);
    }
}

/* -- the unit --------------------------------------------------------------- */

static void
cursor_fill(struct mof_cursor *cursor, const struct syntax_statement *item)
{
    const struct syntax_instance *i = item->u.instance;

    cursor->statement =
        check_result(item, MOF_STATEMENT_INSTANCE, item->space);
    cursor->statement.instance = i->built;
    cursor->statement.name = i->built->class_name;
    cursor->statement.key = i->key;
}

static bool
instance_replay(struct mof_compilation *c, const struct syntax_statement *st,
                struct mof_cursor *cursor)
{
    struct syntax_statement item;

    if (cursor->offset == 0)
        cursor->offset = st->at.offset;
    for (;;) {
        arena_release(c->trees, c->mark);
        if (!stretch_next(c, st, &cursor->offset, &item))
            return false;
        /* One that is not to be stored brought an error. */
        if (check_instance_build(c, item.u.instance))
            break;
    }
    cursor_fill(cursor, &item);
    return true;
}

const struct mof_statement *
mof_unit_next(const struct mof_unit *unit, struct mof_cursor *cursor)
{
    struct mof_compilation *c = unit->compilation;

    while (cursor->index < unit->count) {
        const struct mof_statement *st = &unit->statements[cursor->index];
        bool found;

        if (st->kind != MOF_STATEMENT_INSTANCES) {
            cursor->index++;
            return st;
        }
        c->muted = true;
        c->replayed_at =
            1 + (size_t)(st->stretch -
                         (const struct syntax_statement *)c->statements.items);
        found = instance_replay(c, st->stretch, cursor);
        c->muted = false;
        c->replayed_at = 0;
        if (c->failed) {
            cursor->failed = true;
            return NULL;
        }
        if (found)
            return &cursor->statement;
        cursor->index++;
        cursor->offset = 0;
    }
    return NULL;
}
