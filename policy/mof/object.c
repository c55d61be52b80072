#include "policy/mof/check.h"

static bool
is_behind(uint32_t line, uint32_t column, const struct mof_location *where)
{
    return line != where->line ? line > where->line : column > where->column;
}

/* Of a text places are lines, of a binary offsets. */
static bool
holds(const struct syntax_statement *st, const struct mof_location *where,
      struct mof_object *out)
{
    struct source *source = st->at.source;
    uint32_t last = st->end > 0 ? st->end - 1 : 0, column;

    if (where->kind != MOF_LOCATION_TEXT)
        return where->offset >= st->at.offset && where->offset < st->end;
    source_locate(source, st->at.offset, &out->first_line, &column);
    if (is_behind(out->first_line, column, where))
        return false;
    source_locate(source, last, &out->last_line, &column);
    return out->last_line > where->line ||
           (out->last_line == where->line && column >= where->column);
}

/* The one of a stretch, which its text tells. */
static bool
stretch_holds(struct mof_compilation *c, const struct syntax_statement *st,
              const struct mof_location *where, struct mof_object *out)
{
    struct arena_mark mark = arena_mark(c->trees);
    uint32_t offset = st->at.offset;
    struct syntax_statement item;
    bool found = false;

    while (!found && stretch_next(c, st, &offset, &item)) {
        out->number++;
        found = holds(&item, where, out);
        arena_release(c->trees, mark);
    }
    return found;
}

static bool
is_same_source(const struct source *source, const struct mof_location *where)
{
    return source->name == where->file &&
           (source->kind == SOURCE_TEXT) == (where->kind == MOF_LOCATION_TEXT);
}

static uint32_t
objects_of(const struct syntax_statement *st, const struct mof_location *where)
{
    if (!is_same_source(st->at.source, where))
        return 0;
    if (st->kind == SYNTAX_STRETCH)
        return (uint32_t)st->count;
    return st->kind == SYNTAX_CLASS || st->kind == SYNTAX_INSTANCE;
}

bool
mof_object_at(struct mof_compilation *c, const struct mof_location *where,
              struct mof_object *out)
{
    uint32_t before = 0;

    for (size_t i = 0; i < c->statements.count; i++) {
        const struct syntax_statement *st =
            &VECTOR_AT(&c->statements, struct syntax_statement, i);
        uint32_t n = objects_of(st, where);

        *out = (struct mof_object){.number = before + 1};
        if (n > 0 && holds(st, where, out)) {
            if (st->kind != SYNTAX_STRETCH)
                return true;
            out->number = before;
            if (stretch_holds(c, st, where, out))
                return true;
        }
        before += n;
    }
    *out = (struct mof_object){0, 0, 0};
    return false;
}
