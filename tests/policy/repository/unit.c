#include "tests/policy/repository/unit.h"

#include <string.h>

#define PROPERTIES_MAX 8

struct namespace_path
path_of(const char *text)
{
    struct namespace_path path;
    struct error err;

    cr_assert(namespace_path_parse(&path, span_of(text), &err) ==
                  NAMESPACE_PATH_OK,
              "%s", err.text);
    return path;
}

struct repository *
repository_new(const char **dir_out)
{
    static char dir[256];
    struct repository *repo;
    struct error err;

    snprintf(dir, sizeof(dir), "%s", test_directory());
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &repo, &err) == 0, "%s",
              err.text);
    if (dir_out != NULL)
        *dir_out = dir;
    return repo;
}

struct unit
unit_new(void)
{
    return (struct unit){.arena = arena_new()};
}

void
unit_free(struct unit *u)
{
    arena_free(u->arena);
}

static struct mof_statement *
add(struct unit *u, enum mof_statement_kind kind, const char *ns)
{
    struct mof_statement *st = &u->statements[u->count++];

    cr_assert(u->count <= ARRAY_COUNT(u->statements));
    st->kind = kind;
    st->namespace = path_of(ns);
    st->namespace_display = arena_copy(u->arena, span_of(ns));
    st->where = (struct mof_location){
        .file = "test.mof", .line = (uint32_t)u->count, .column = 1};
    return st;
}

void
unit_namespace(struct unit *u, const char *ns)
{
    add(u, MOF_STATEMENT_NAMESPACE, ns);
}

void
unit_encryption(struct unit *u, const char *ns, bool required)
{
    add(u, MOF_STATEMENT_ENCRYPTION, ns)->requires_encryption = required;
}

void
unit_descriptor(struct unit *u, const char *ns, const char *sddl)
{
    add(u, MOF_STATEMENT_DESCRIPTOR, ns)->descriptor = span_of(sddl);
}

void
unit_qualifier(struct unit *u, const char *ns,
               const struct cim_qualifier_declaration *q)
{
    add(u, MOF_STATEMENT_QUALIFIER_DECLARATION, ns)->qualifier = q;
}

void
unit_class(struct unit *u, const char *ns, const char *name,
           const char *superclass)
{
    struct mof_statement *st = add(u, MOF_STATEMENT_CLASS, ns);
    struct cim_class *c = arena_alloc(u->arena, sizeof(*c));

    c->name = span_of(name);
    c->superclass = span_of(superclass);
    c->properties =
        arena_array(u->arena, PROPERTIES_MAX, sizeof(*c->properties));
    st->class = c;
}

void
unit_property(struct unit *u, const char *name, enum cim_type type, bool key)
{
    struct cim_class *c =
        (struct cim_class *)u->statements[u->count - 1].class;
    struct cim_property *p = &c->properties[c->property_count++];

    cr_assert(c->property_count <= PROPERTIES_MAX);
    p->name = span_of(name);
    p->type = type;
    if (!key)
        return;
    p->qualifiers.count = 1;
    p->qualifiers.items = arena_alloc(u->arena, sizeof(struct cim_qualifier));
    p->qualifiers.items[0].name = SPAN("Key");
    p->qualifiers.items[0].value.type = CIM_BOOLEAN;
    p->qualifiers.items[0].value.one.boolean = true;
}

void
unit_instance(struct unit *u, const char *ns, const char *class,
              const char *key, const char *value)
{
    struct mof_statement *st = add(u, MOF_STATEMENT_INSTANCE, ns);
    struct cim_instance *i = arena_alloc(u->arena, sizeof(*i));

    i->class_name = span_of(class);
    i->property_count = 1;
    i->properties = arena_alloc(u->arena, sizeof(*i->properties));
    i->properties[0].name = SPAN("Name");
    i->properties[0].type = CIM_STRING;
    i->properties[0].has_value = true;
    i->properties[0].value.type = CIM_STRING;
    i->properties[0].value.one.text = span_of(value);
    st->instance = i;
    st->key = span_of(key);
}

void
unit_delete(struct unit *u, enum mof_statement_kind kind, const char *ns,
            const char *name, bool must_exist)
{
    struct mof_statement *st = add(u, kind, ns);

    st->name = span_of(name);
    st->must_exist = must_exist;
}

uint32_t
unit_apply(struct repository *repo, const struct unit *u,
           const struct repository_apply_options *options,
           struct repository_change *change_out)
{
    struct mof_unit unit = {.count = u->count, .statements = u->statements};
    struct repository_change change;
    struct error err = {0};

    if (change_out == NULL)
        change_out = &change;
    if (repository_apply(repo, &unit, options, NULL, NULL, change_out, &err) ==
        0)
        return 0;
    cr_assert(err.text[0] != '\0');
    cr_assert(change_out->failed_code != 0, "%s", err.text);
    return change_out->failed_code;
}

void
unit_store(struct repository *repo, const struct unit *u,
           struct repository_change *change_out)
{
    struct error err;
    uint32_t code;

    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0, "%s",
              err.text);
    code = unit_apply(repo, u, NULL, change_out);
    cr_assert(code == 0, "0x%08X", code);
    cr_assert(repository_commit(repo, &err) == 0, "%s", err.text);
}

void
unit_refused(struct repository *repo, const struct unit *u,
             const struct repository_apply_options *options, uint32_t code)
{
    struct error err;
    uint64_t before, after;
    uint32_t got;

    cr_assert(repository_read_begin(repo, &before, &err) == 0);
    repository_read_end(repo);
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0, "%s",
              err.text);
    got = unit_apply(repo, u, options, NULL);
    cr_assert(got == code, "0x%08X", got);
    cr_assert(repository_commit(repo, &err) < 0);
    cr_assert(repository_read_begin(repo, &after, &err) == 0);
    repository_read_end(repo);
    cr_assert(before == after);
}
