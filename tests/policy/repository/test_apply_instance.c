#include "tests/policy/repository/applied.h"

#include <string.h>

SUITE(apply_instance);

/* -- instances -------------------------------------------------------------- */

APPLIED_TEST(apply_instance, creates_and_updates_instances_by_key)
{
    applied_class_a();
    applied_instance("A", "x");
    cr_assert(applied.change.instances_created == 1);
    unit_instance(&applied.unit, "root\\a", "a", "name=\"x\"", "new");
    unit_instance(&applied.unit, "root\\a", "A", "name=\"y\"", "y");
    applied_store();
    cr_assert(applied.change.instances_created == 1 &&
              applied.change.instances_updated == 1);
    assert_instances("A", "a(name=\"x\")=new A(name=\"y\")=y");
}

APPLIED_TEST(apply_instance, an_instance_needs_its_class)
{
    unit_instance(&applied.unit, "root\\a", "A", "k", "v");
    applied_refused(0x80041010);
    assert_namespaces("root");
}

APPLIED_TEST(apply_instance, instances_can_be_created_only_or_updated_only)
{
    const struct repository_apply_options
        create = {.instance_change = MOF_CHANGE_CREATE_ONLY},
        update = {.instance_change = MOF_CHANGE_UPDATE_ONLY};

    applied_class_a();
    unit_instance(&applied.unit, "root\\a", "A", "name=\"x\"", "x");
    unit_refused(applied.repo, &applied.unit, &update, 0x80041002);
    unit_store(applied.repo, &applied.unit, NULL);
    unit_refused(applied.repo, &applied.unit, &create, 0x80041019);
}

APPLIED_TEST(apply_instance, a_singleton_is_found_by_either_of_its_keys)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_instance *instance;
    struct error err;

    unit_class(&applied.unit, "root\\a", "S", NULL);
    unit_instance(&applied.unit, "root\\a", "S", "", "one");
    unit_instance(&applied.unit, "root\\a", "S", "@", "two");
    applied_store();
    cr_assert(applied.change.instances_created == 1 &&
              applied.change.instances_updated == 1);
    assert_instances("S", "S(@)=two");
    cr_assert(repository_instance(applied.repo, &path, SPAN("s"), SPAN(""),
                                  arena, &instance, &err) == 1);
    cr_assert(repository_instance(applied.repo, &path, SPAN("s"), SPAN("@"),
                                  arena, &instance, &err) == 1);
    arena_free(arena);
}

APPLIED_TEST(apply_instance, instances_of_subclasses_are_among_them)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_instance *instance;
    struct error err;

    applied_class_a();
    unit_class(&applied.unit, "root\\a", "B", "a");
    unit_class(&applied.unit, "root\\a", "C", "B");
    applied_store();
    applied_instance("C", "3");
    applied_instance("A", "1");
    applied_instance("B", "2");
    applied_instance("C", "4");
    assert_instances("A", "C(name=\"3\")=3 A(name=\"1\")=1 B(name=\"2\")=2 "
                          "C(name=\"4\")=4");
    assert_instances("b", "C(name=\"3\")=3 B(name=\"2\")=2 C(name=\"4\")=4");
    assert_instances("C", "C(name=\"3\")=3 C(name=\"4\")=4");
    assert_instances("Nothing", "");
    cr_assert(repository_instance(applied.repo, &path, SPAN("A"),
                                  SPAN("name=\"4\""), arena, &instance,
                                  &err) == 1);
    assert_span(instance->class_name, "C");
    cr_assert(repository_instance(applied.repo, &path, SPAN("B"),
                                  SPAN("name=\"1\""), arena, &instance,
                                  &err) == 0);
    arena_free(arena);
}

APPLIED_TEST(apply_instance, pages_follow_one_another_without_gap_or_overlap)
{
    struct namespace_path path = path_of("root\\a");
    size_t pages = 0;
    struct error err;
    struct buf b = BUF_INIT;

    applied_class_a();
    unit_class(&applied.unit, "root\\a", "B", "A");
    for (int i = 0; i < 10; i++) {
        static char keys[10][16];

        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        unit_instance(&applied.unit, "root\\a", i % 3 ? "A" : "B", keys[i],
                      keys[i]);
    }
    applied_store();
    applied.last_row = 0;
    for (;;) {
        size_t before = b.length;

        cr_assert(repository_instances(
                      applied.repo, &path, SPAN("A"), applied.last_row, 3,
                      applied_collect_instance, &b, &err) == 0);
        if (b.length == before)
            break;
        pages++;
    }
    cr_assert(pages == 4);
    applied_text(&b, "B(0)=0 A(1)=1 A(2)=2 B(3)=3 A(4)=4 A(5)=5 B(6)=6 "
                     "A(7)=7 A(8)=8 B(9)=9");
    assert_page("A", 0, 0, "");
}

static bool
stop_at_once(void *arg, int64_t row, struct span key,
             const struct cim_instance *instance)
{
    (void)row;
    (void)key;
    (void)instance;
    ++*(int *)arg;
    return false;
}

APPLIED_TEST(apply_instance, a_visitor_may_stop)
{
    struct namespace_path path = path_of("root\\a");
    struct error err;
    int visits = 0;

    applied_class_a();
    applied_instance("A", "x");
    applied_instance("A", "y");
    cr_assert(repository_instances(applied.repo, &path, SPAN("A"), 0, 10,
                                   stop_at_once, &visits, &err) == 0);
    cr_assert(visits == 1);
}

/* A visitor that asks the repository again. */
static bool
visit_deeper(void *arg, const struct repository_namespace *ns)
{
    struct error err;

    cr_assert(repository_each_child(applied.repo, &ns->path, visit_deeper, arg,
                                    &err) == 0);
    return applied_collect_namespace(arg, ns);
}

APPLIED_TEST(apply_instance, a_visitor_may_ask_the_repository_again)
{
    struct buf b = BUF_INIT;
    struct namespace_path root = path_of("root");
    struct error err;

    unit_namespace(&applied.unit, "root\\a\\b");
    unit_namespace(&applied.unit, "root\\c");
    applied_store();
    cr_assert(repository_each_child(applied.repo, &root, visit_deeper, &b,
                                    &err) == 0);
    applied_text(&b, "root\\a\\b root\\a root\\c");
}

APPLIED_TEST(apply_instance, deletes_an_instance_by_its_path)
{
    applied_class_a();
    applied_instance("A", "x");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "a.NAME=\"x\"", true);
    applied_store();
    cr_assert(applied.change.instances_deleted == 1);
    assert_instances("A", "");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", false);
    applied_store();
    cr_assert(applied.change.instances_deleted == 0);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", true);
    applied_refused(0x80041002);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name", false);
    applied_refused(0x8004103A);
}

APPLIED_TEST(apply_instance, system_classes_have_instances_and_are_not_listed)
{
    unit_instance(&applied.unit, "root\\a", "__systemSecurity", "", "s");
    applied_store();
    cr_assert(applied.change.instances_created == 1);
    assert_classes("root\\a", "");
    assert_instances("__SystemSecurity", "__systemSecurity(@)=s");
    unit_class(&applied.unit, "root\\a", "__SystemSecurity", NULL);
    applied_refused(0x80041016);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\a",
                "__SystemSecurity", false);
    applied_refused(0x80041016);
}

APPLIED_TEST(apply_instance, instances_below_a_system_class_are_found_there)
{
    unit_class(&applied.unit, "root\\a", "MyConsumer", "__EventConsumer");
    unit_instance(&applied.unit, "root\\a", "MyConsumer", "name=\"x\"", "x");
    applied_store();
    assert_classes("root\\a", "MyConsumer:__EventConsumer");
    assert_instances("__EventConsumer", "MyConsumer(name=\"x\")=x");
}

APPLIED_TEST(apply_instance, half_a_unit_is_never_stored)
{
    unit_namespace(&applied.unit, "root\\a");
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_encryption(&applied.unit, "root\\a", true);
    unit_instance(&applied.unit, "root\\a", "Missing", "k", "v");
    applied_refused(0x80041010);
    assert_namespaces("root");
}

APPLIED_TEST(apply_instance, tells_which_statement_failed)
{
    struct error err;

    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_instance(&applied.unit, "root\\a", "Missing", "k", "v");
    applied.unit.statements[1].where.line = 7;
    cr_assert(repository_begin(applied.repo, 0, NULL, NULL, &err) == 0);
    cr_assert(unit_apply(applied.repo, &applied.unit, NULL, &applied.change) ==
              0x80041010);
    cr_assert(applied.change.failed != NULL &&
              applied.change.failed_number == 2);
    cr_assert(applied.change.failed->kind == MOF_STATEMENT_INSTANCE &&
              applied.change.failed->where.line == 7);
    repository_rollback(applied.repo);
}
