#include "tests/policy/repository/applied.h"

#include <string.h>

SUITE(apply_class);

/* -- classes --------------------------------------------------------------- */

APPLIED_TEST(apply_class, creates_and_updates_classes_by_name_in_any_case)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_class *class;
    struct error err;

    applied_class_a();
    cr_assert(applied.change.classes_created == 1 &&
              applied.change.classes_updated == 0);
    unit_class(&applied.unit, "root\\a", "a", NULL);
    unit_property(&applied.unit, "NAME", CIM_STRING, true);
    unit_property(&applied.unit, "More", CIM_UINT8, false);
    applied_store();
    cr_assert(applied.change.classes_created == 0 &&
              applied.change.classes_updated == 1);
    assert_classes("root\\a", "a:");
    cr_assert(repository_class(applied.repo, &path, SPAN("A"), arena, &class,
                               &err) == 1);
    cr_assert(class->property_count == 2);
    cr_assert(repository_class(applied.repo, &path, SPAN("B"), arena, &class,
                               &err) == 0);
    path = path_of("root\\nowhere");
    cr_assert(repository_class(applied.repo, &path, SPAN("A"), arena, &class,
                               &err) == 0);
    arena_free(arena);
}

APPLIED_TEST(apply_class, the_same_name_elsewhere_is_another_class)
{
    applied_class_a();
    unit_class(&applied.unit, "root\\b", "A", NULL);
    applied_store();
    cr_assert(applied.change.classes_created == 1);
}

APPLIED_TEST(apply_class, a_superclass_must_be_there)
{
    unit_class(&applied.unit, "root\\a", "B", "A");
    applied_refused(0x8004100D);
    unit_class(&applied.unit, "root\\a", "B", "B");
    applied_refused(0x8004100D);
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_class(&applied.unit, "root\\a", "B", "A");
    applied_store();
    assert_classes("root\\a", "A: B:A");
    /* No circle, however long. */
    unit_class(&applied.unit, "root\\a", "C", "B");
    applied_store();
    unit_class(&applied.unit, "root\\a", "A", "C");
    applied_refused(0x8004100D);
    assert_classes("root\\a", "A: B:A C:B");
}

APPLIED_TEST(apply_class, keys_stay_while_there_are_instances)
{
    applied_class_a();
    applied_instance("A", "x");
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_STRING, false);
    applied_refused(0x80041026);
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_STRING, true);
    unit_property(&applied.unit, "Second", CIM_STRING, true);
    applied_refused(0x80041026);
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_UINT32, true);
    applied_refused(0x80041026);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", true);
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_UINT32, true);
    applied_store();
}

APPLIED_TEST(apply_class,
             keys_stay_while_subclasses_or_their_instances_need_them)
{
    applied_class_a();
    unit_class(&applied.unit, "root\\a", "B", "A");
    applied_store();
    unit_class(&applied.unit, "root\\a", "A", NULL);
    applied_refused(0x80041025);
    applied_instance("B", "x");
    unit_class(&applied.unit, "root\\a", "A", NULL);
    applied_refused(0x80041026);
    unit_class(&applied.unit, "root\\a", "C", NULL);
    applied_store();
    unit_class(&applied.unit, "root\\a", "B", "C");
    applied_refused(0x80041026);
    /* The same again is always fine. */
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_STRING, true);
    unit_class(&applied.unit, "root\\a", "B", "A");
    applied_store();
}

APPLIED_TEST(apply_class, create_only_and_update_only_are_kept)
{
    const struct repository_apply_options
        create = {.class_change = MOF_CHANGE_CREATE_ONLY},
        update = {.class_change = MOF_CHANGE_UPDATE_ONLY};

    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_refused(applied.repo, &applied.unit, &update, 0x80041002);
    unit_store(applied.repo, &applied.unit, NULL);
    unit_refused(applied.repo, &applied.unit, &create, 0x80041019);
}

APPLIED_TEST(apply_class, deletes_a_class_with_subclasses_and_instances)
{
    applied_class_a();
    unit_class(&applied.unit, "root\\a", "B", "A");
    unit_class(&applied.unit, "root\\a", "C", "b");
    unit_class(&applied.unit, "root\\a", "D", NULL);
    applied_store();
    applied_instance("C", "x");
    applied_instance("A", "y");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "a",
                true);
    applied_store();
    cr_assert(applied.change.classes_deleted == 3 &&
              applied.change.instances_deleted == 2);
    assert_classes("root\\a", "D:");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A",
                false);
    applied_store();
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A",
                true);
    applied_refused(0x80041002);
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\none", "A",
                true);
    applied_refused(0x80041002);
}

APPLIED_TEST(apply_class, a_class_may_be_deleted_and_made_again_in_one_unit)
{
    applied_class_a();
    applied_instance("A", "x");
    unit_delete(&applied.unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A",
                true);
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_STRING, true);
    unit_instance(&applied.unit, "root\\a", "A", "name=\"y\"", "y");
    applied_store();
    assert_instances("A", "A(name=\"y\")=y");
}
