/*
 * Any bytes through the whole front end.  The first byte chooses the
 * options.  Beside not crashing: a unit without errors is complete, and the
 * key of an instance is what its own text reads back as.
 */
#include <stdlib.h>

#include "policy/mof/mof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition)
        abort();
}

static void
key_check(struct span key)
{
    struct arena *arena = arena_new();
    struct buf path = BUF_INIT;
    struct span again;

    require(arena != NULL);
    if (span_equal(key, SPAN("@"))) {
        buf_add_string(&path, "=@");
    } else {
        buf_add_char(&path, '.');
        buf_add_span(&path, key);
    }
    require(mof_key_from_path(arena, buf_span(&path), SPAN(""), &again));
    require(span_equal(again, key));
    buf_fini(&path);
    arena_free(arena);
}

static void
statement_check(const struct mof_statement *s)
{
    require(s->kind != MOF_STATEMENT_NONE);
    require(s->namespace.length > 0 && s->namespace_display != NULL);
    if (s->where.kind == MOF_LOCATION_TEXT) {
        require(s->where.line > 0 && s->where.column > 0);
        require(s->last_line > 0);
    }
    if (s->kind == MOF_STATEMENT_CLASS)
        require(s->class != NULL && s->class->name.length > 0);
    if (s->kind == MOF_STATEMENT_INSTANCE) {
        require(s->instance != NULL);
        key_check(s->key);
    }
    if (s->kind == MOF_STATEMENT_QUALIFIER_DECLARATION)
        require(s->qualifier != NULL);
}

static void
unit_check(const struct mof_unit *unit)
{
    struct mof_cursor cursor = {0};
    const struct mof_statement *st;
    size_t instances = 0;

    while ((st = mof_unit_next(unit, &cursor)) != NULL) {
        statement_check(st);
        instances += st->kind == MOF_STATEMENT_INSTANCE;
    }
    /* Instances of system classes may be statements of another kind. */
    require(!cursor.failed && instances <= unit->instance_count);
}

/* What is printed of a unit compiles to what prints the same. */
static void
print_check(const struct mof_options *options, const struct mof_unit *unit)
{
    struct mof_compilation *c = mof_compilation_new(options);
    struct buf text = BUF_INIT, again = BUF_INIT;

    mof_print_unit(&text, unit);
    require(c != NULL && !buf_failed(&text));
    mof_compile_buffer(c, "again.mof", text.data, text.length);
    mof_check(c);
    if (mof_error_count(c) > 0)
        mof_diagnostics_print(c, stderr);
    require(mof_error_count(c) == 0);
    mof_print_unit(&again, mof_unit(c));
    require(span_equal(buf_span(&text), buf_span(&again)));
    buf_fini(&text);
    buf_fini(&again);
    mof_compilation_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct mof_options options = {.max_errors = 0};
    struct mof_compilation *c;

    if (size == 0)
        return 0;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    options.syntax_only = data[0] & 1;
    options.strict = data[0] & 2;
    options.create = data[0] & 4;
    c = mof_compilation_new(&options);
    require(nowhere != NULL && c != NULL);
    mof_compile_buffer(c, "fuzz.mof", data + 1, size - 1);
    mof_check(c);
    mof_diagnostics_print(c, nowhere);
    if (mof_error_count(c) == 0 && !options.syntax_only) {
        unit_check(mof_unit(c));
        print_check(&options, mof_unit(c));
    }
    mof_compilation_free(c);
    return 0;
}
