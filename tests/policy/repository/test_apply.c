#include "tests/policy/repository/applied.h"

#include <string.h>

SUITE(apply);

/* -- namespaces ----------------------------------------------------------- */

static void
note_created(void *arg, const char *display)
{
    buf_addf(arg, "[%s]", display);
}

APPLIED_TEST(apply, makes_parents_first_and_keeps_the_spelling)
{
    struct mof_unit u = {.count = 1, .statements = applied.unit.statements};
    struct buf b = BUF_INIT;
    struct error err;

    unit_namespace(&applied.unit, "Root\\One\\TWO");
    cr_assert(repository_begin(applied.repo, 0, NULL, NULL, &err) == 0);
    cr_assert(repository_apply(applied.repo, &u, NULL, note_created, &b,
                               &applied.change, &err) == 0);
    cr_assert(repository_commit(applied.repo, &err) == 0);
    applied_text(&b, "[Root\\One][Root\\One\\TWO]");
    cr_assert(applied.change.namespaces_created == 2);
    assert_namespaces("root Root\\One Root\\One\\TWO");
}

APPLIED_TEST(apply, creates_a_namespace_once_whatever_its_spelling)
{
    unit_namespace(&applied.unit, "root\\One");
    unit_namespace(&applied.unit, "ROOT\\ONE");
    applied_store();
    cr_assert(applied.change.namespaces_created == 1);
    unit_namespace(&applied.unit, "root\\oNe");
    applied_store();
    cr_assert(applied.change.namespaces_created == 0);
    assert_namespaces("root root\\One");
}

APPLIED_TEST(apply, lists_the_children_of_a_namespace_only)
{
    struct namespace_path path = path_of("root\\a");
    struct buf b = BUF_INIT;
    struct error err;

    unit_namespace(&applied.unit, "root\\a\\b\\c");
    unit_namespace(&applied.unit, "root\\a\\d");
    unit_namespace(&applied.unit, "root\\ab");
    applied_store();
    cr_assert(repository_each_child(applied.repo, &path,
                                    applied_collect_namespace, &b, &err) == 0);
    applied_text(&b, "root\\a\\b root\\a\\d");
}

APPLIED_TEST(apply, turns_encryption_on_and_off)
{
    struct namespace_path path = path_of("root\\a");
    struct repository_namespace found;
    struct error err;

    unit_encryption(&applied.unit, "root\\A", true);
    applied_store();
    cr_assert(applied.change.encryption_on == 1 &&
              applied.change.encryption_off == 0);
    cr_assert(repository_namespace_find(applied.repo, &path, &found, &err) ==
              1);
    cr_assert(found.requires_encryption);
    assert_span(found.display, "root\\A");
    unit_encryption(&applied.unit, "root\\a", true);
    applied_store();
    cr_assert(applied.change.encryption_on == 0);
    unit_encryption(&applied.unit, "root\\a", false);
    applied_store();
    cr_assert(applied.change.encryption_off == 1);
    assert_namespaces("root root\\A");
}

APPLIED_TEST(apply, encryption_is_not_inherited)
{
    unit_namespace(&applied.unit, "root\\a\\b");
    unit_encryption(&applied.unit, "root\\a", true);
    applied_store();
    assert_namespaces("root root\\a! root\\a\\b");
}

APPLIED_TEST(apply, deletes_a_namespace_with_all_below)
{
    applied_class_a();
    applied_instance("A", "x");
    unit_namespace(&applied.unit, "root\\a\\b\\c");
    unit_namespace(&applied.unit, "root\\ab");
    applied_store();
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "",
                true);
    applied_store();
    cr_assert(applied.change.namespaces_deleted == 3);
    assert_namespaces("root root\\ab");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "",
                false);
    applied_store();
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "",
                true);
    applied_refused(0x8004100E);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_NAMESPACE, "root", "",
                false);
    applied_refused(0x80041016);
    unit_namespace(&applied.unit, "root\\a");
    applied_store();
    assert_classes("root\\a", "");
}

/* -- a slip of the pen ------------------------------------------------------ */

APPLIED_TEST(apply, finds_a_namespace_that_is_nearly_this_one)
{
    static const struct {
        const char *asked;
        bool near;
    } cases[] = {
        {"root\\mynamespac", true},      {"root\\mynamespaces", true},
        {"root\\mynamesapce", true},     {"root\\mynamespa", true},
        {"root\\mynamesp", false},       {"root\\mynamespace", false},
        {"root\\namespace", true},       {"root\\ynamespace", true},
        {"root\\xmynamespacex", true},   {"root\\xxmynamespace", true},
        {"root\\xxmynamespacex", false}, {"root\\other", false},
        {"root\\mynamespace\\b", true},  {"root\\mynamespace\\bc", false},
    };
    struct namespace_path near;
    struct error err;

    unit_namespace(&applied.unit, "root\\MyNamespace");
    for (int i = 0; i < 40; i++) {
        static char names[40][32];

        snprintf(names[i], sizeof(names[i]), "root\\filler%04d", i * 111);
        unit_namespace(&applied.unit, names[i]);
    }
    applied_store();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct namespace_path asked = path_of(cases[i].asked);
        int r = repository_namespace_near(applied.repo, &asked, &near, &err);

        cr_assert(r == cases[i].near, "%s: %d", cases[i].asked, r);
        if (r == 1)
            cr_assert_str_eq(near.text, "root\\mynamespace");
    }
}

/* -- beside classes and instances ------------------------------------------ */

static struct span
descriptor_of(const char *ns, struct arena *arena)
{
    struct namespace_path path = path_of(ns);
    uint64_t generation;
    struct error err;
    struct span sddl;

    cr_assert(repository_read_begin(applied.repo, &generation, &err) == 0);
    cr_assert(repository_descriptor(applied.repo, &path, arena, &sddl, &err) >=
              0);
    repository_read_end(applied.repo);
    return sddl;
}

APPLIED_TEST(apply, keeps_a_security_descriptor_until_the_namespace_goes)
{
    struct arena *arena = arena_new();

    unit_descriptor(&applied.unit, "root\\a", "D:(A;;GA;;;BA)");
    applied_store();
    assert_span(descriptor_of("root\\a", arena), "D:(A;;GA;;;BA)");
    unit_descriptor(&applied.unit, "root\\a", "D:");
    applied_store();
    assert_span(descriptor_of("root\\a", arena), "D:");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", NULL,
                true);
    applied_store();
    unit_namespace(&applied.unit, "root\\a");
    applied_store();
    cr_expect(descriptor_of("root\\a", arena).data == NULL);
    arena_free(arena);
}

static bool
count_qualifiers(void *arg, const struct cim_qualifier_declaration *q)
{
    cr_assert(q->name.length > 0);
    ++*(int *)arg;
    return true;
}

APPLIED_TEST(apply, keeps_declarations_of_qualifiers_by_namespace)
{
    struct cim_qualifier_declaration q = {.name = {"Weight", 6},
                                          .type = CIM_UINT32,
                                          .has_value = true,
                                          .value = {.type = CIM_UINT32,
                                                    .one.uint = 7},
                                          .scopes = CIM_SCOPE_PROPERTY |
                                                    CIM_SCOPE_REFERENCE,
                                          .flavors =
                                              CIM_FLAVOR_DISABLE_OVERRIDE},
                                     *found;
    struct namespace_path a = path_of("root\\a"), b = path_of("root\\b");
    struct arena *arena = arena_new();
    uint64_t generation;
    struct error err;
    int count = 0;

    unit_namespace(&applied.unit, "root\\b");
    unit_qualifier(&applied.unit, "root\\a", &q);
    applied_store();
    q.value.one.uint = 8;
    unit_qualifier(&applied.unit, "root\\a", &q);
    applied_store();
    cr_assert(repository_read_begin(applied.repo, &generation, &err) == 0);
    cr_assert(repository_qualifier(applied.repo, &a, SPAN("WEIGHT"), arena,
                                   &found, &err) == 1);
    assert_span(found->name, "Weight");
    cr_expect(found->type == CIM_UINT32 && found->value.one.uint == 8 &&
              found->scopes == q.scopes && found->flavors == q.flavors);
    cr_expect(repository_qualifier(applied.repo, &b, SPAN("Weight"), arena,
                                   &found, &err) == 0);
    cr_expect(repository_each_qualifier(applied.repo, &a, arena,
                                        count_qualifiers, &count, &err) == 0);
    cr_expect(count == 1);
    repository_read_end(applied.repo);
    arena_free(arena);
}
