#include "tests/policy/repository/unit.h"

#include <string.h>

SUITE(apply);

static struct repository *repo;
static struct unit unit;
static struct repository_change change;

static void
setup(void)
{
    repo = repository_new(NULL);
    unit = unit_new();
}

static void
teardown(void)
{
    unit_free(&unit);
    repository_close(repo);
    repo = NULL;
}

#define APPLY_TEST(name) Test(apply, name, .init = setup, .fini = teardown)

/* Stores what was put together and begins anew. */
static void
store(void)
{
    unit_store(repo, &unit, &change);
    unit_free(&unit);
    unit = unit_new();
}

static void
refused(uint32_t code)
{
    unit_refused(repo, &unit, NULL, code);
    unit_free(&unit);
    unit = unit_new();
}

/* Class A with key Name in root\a. */
static void
store_class_a(void)
{
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_STRING, true);
    store();
}

static void
store_instance(const char *class, const char *name)
{
    char key[64];

    snprintf(key, sizeof(key), "name=\"%s\"", name);
    unit_instance(&unit, "root\\a", class, key, name);
    store();
}

/* -- reading back ---------------------------------------------------------- */

static bool
collect_namespace(void *arg, const struct repository_namespace *ns)
{
    buf_addf(arg, "%s%.*s%s", ((struct buf *)arg)->length > 0 ? " " : "",
             (int)ns->display.length, ns->display.data,
             ns->requires_encryption ? "!" : "");
    return true;
}

static bool
collect_class(void *arg, struct span name, struct span superclass)
{
    buf_addf(arg, "%s%.*s:%.*s", ((struct buf *)arg)->length > 0 ? " " : "",
             (int)name.length, name.data, (int)superclass.length,
             superclass.length > 0 ? superclass.data : "");
    return true;
}

static int64_t last_row;

static bool
collect_instance(void *arg, int64_t row, struct span key,
                 const struct cim_instance *instance)
{
    struct span value = instance->properties[0].value.one.text;

    cr_assert(row > last_row);
    last_row = row;
    buf_addf(arg, "%s%.*s(%.*s)=%.*s",
             ((struct buf *)arg)->length > 0 ? " " : "",
             (int)instance->class_name.length, instance->class_name.data,
             (int)key.length, key.data, (int)value.length, value.data);
    return true;
}

static void
assert_text(struct buf *b, const char *expected)
{
    cr_assert_str_eq(b->length > 0 ? b->data : "", expected);
    buf_fini(b);
}

static void
assert_namespaces(const char *expected)
{
    struct buf b = BUF_INIT;
    struct error err;

    cr_assert(repository_each_namespace(repo, collect_namespace, &b, &err) ==
              0);
    assert_text(&b, expected);
}

static void
assert_classes(const char *ns, const char *expected)
{
    struct namespace_path path = path_of(ns);
    struct buf b = BUF_INIT;
    struct error err;

    cr_assert(repository_each_class(repo, &path, collect_class, &b, &err) ==
              0);
    assert_text(&b, expected);
}

static void
assert_page(const char *class, int64_t after, size_t limit,
            const char *expected)
{
    struct namespace_path path = path_of("root\\a");
    struct buf b = BUF_INIT;
    struct error err;

    last_row = after;
    cr_assert(repository_instances(repo, &path, span_of(class), after, limit,
                                   collect_instance, &b, &err) == 0,
              "%s", err.text);
    assert_text(&b, expected);
}

static void
assert_instances(const char *class, const char *expected)
{
    assert_page(class, 0, 1000, expected);
}

/* -- namespaces ----------------------------------------------------------- */

static void
note_created(void *arg, const char *display)
{
    buf_addf(arg, "[%s]", display);
}

APPLY_TEST(makes_parents_first_and_keeps_the_spelling)
{
    struct mof_unit u = {.count = 1, .statements = unit.statements};
    struct buf b = BUF_INIT;
    struct error err;

    unit_namespace(&unit, "Root\\One\\TWO");
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0);
    cr_assert(repository_apply(repo, &u, NULL, note_created, &b, &change,
                               &err) == 0);
    cr_assert(repository_commit(repo, &err) == 0);
    assert_text(&b, "[Root\\One][Root\\One\\TWO]");
    cr_assert(change.namespaces_created == 2);
    assert_namespaces("root Root\\One Root\\One\\TWO");
}

APPLY_TEST(creates_a_namespace_once_whatever_its_spelling)
{
    unit_namespace(&unit, "root\\One");
    unit_namespace(&unit, "ROOT\\ONE");
    store();
    cr_assert(change.namespaces_created == 1);
    unit_namespace(&unit, "root\\oNe");
    store();
    cr_assert(change.namespaces_created == 0);
    assert_namespaces("root root\\One");
}

APPLY_TEST(lists_the_children_of_a_namespace_only)
{
    struct namespace_path path = path_of("root\\a");
    struct buf b = BUF_INIT;
    struct error err;

    unit_namespace(&unit, "root\\a\\b\\c");
    unit_namespace(&unit, "root\\a\\d");
    unit_namespace(&unit, "root\\ab");
    store();
    cr_assert(
        repository_each_child(repo, &path, collect_namespace, &b, &err) == 0);
    assert_text(&b, "root\\a\\b root\\a\\d");
}

APPLY_TEST(turns_encryption_on_and_off)
{
    struct namespace_path path = path_of("root\\a");
    struct repository_namespace found;
    struct error err;

    unit_encryption(&unit, "root\\A", true);
    store();
    cr_assert(change.encryption_on == 1 && change.encryption_off == 0);
    cr_assert(repository_namespace_find(repo, &path, &found, &err) == 1);
    cr_assert(found.requires_encryption);
    assert_span(found.display, "root\\A");
    unit_encryption(&unit, "root\\a", true);
    store();
    cr_assert(change.encryption_on == 0);
    unit_encryption(&unit, "root\\a", false);
    store();
    cr_assert(change.encryption_off == 1);
    assert_namespaces("root root\\A");
}

APPLY_TEST(encryption_is_not_inherited)
{
    unit_namespace(&unit, "root\\a\\b");
    unit_encryption(&unit, "root\\a", true);
    store();
    assert_namespaces("root root\\a! root\\a\\b");
}

APPLY_TEST(deletes_a_namespace_with_all_below)
{
    store_class_a();
    store_instance("A", "x");
    unit_namespace(&unit, "root\\a\\b\\c");
    unit_namespace(&unit, "root\\ab");
    store();
    unit_delete(&unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "", true);
    store();
    cr_assert(change.namespaces_deleted == 3);
    assert_namespaces("root root\\ab");
    unit_delete(&unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "", false);
    store();
    unit_delete(&unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", "", true);
    refused(0x8004100E);
    unit_delete(&unit, MOF_STATEMENT_DELETE_NAMESPACE, "root", "", false);
    refused(0x80041016);
    unit_namespace(&unit, "root\\a");
    store();
    assert_classes("root\\a", "");
}

/* -- a slip of the pen ------------------------------------------------------ */

APPLY_TEST(finds_a_namespace_that_is_nearly_this_one)
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

    unit_namespace(&unit, "root\\MyNamespace");
    for (int i = 0; i < 40; i++) {
        static char names[40][32];

        snprintf(names[i], sizeof(names[i]), "root\\filler%04d", i * 111);
        unit_namespace(&unit, names[i]);
    }
    store();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct namespace_path asked = path_of(cases[i].asked);
        int r = repository_namespace_near(repo, &asked, &near, &err);

        cr_assert(r == cases[i].near, "%s: %d", cases[i].asked, r);
        if (r == 1)
            cr_assert_str_eq(near.text, "root\\mynamespace");
    }
}

/* -- classes --------------------------------------------------------------- */

APPLY_TEST(creates_and_updates_classes_by_name_in_any_case)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_class *class;
    struct error err;

    store_class_a();
    cr_assert(change.classes_created == 1 && change.classes_updated == 0);
    unit_class(&unit, "root\\a", "a", NULL);
    unit_property(&unit, "NAME", CIM_STRING, true);
    unit_property(&unit, "More", CIM_UINT8, false);
    store();
    cr_assert(change.classes_created == 0 && change.classes_updated == 1);
    assert_classes("root\\a", "a:");
    cr_assert(repository_class(repo, &path, SPAN("A"), arena, &class, &err) ==
              1);
    cr_assert(class->property_count == 2);
    cr_assert(repository_class(repo, &path, SPAN("B"), arena, &class, &err) ==
              0);
    path = path_of("root\\nowhere");
    cr_assert(repository_class(repo, &path, SPAN("A"), arena, &class, &err) ==
              0);
    arena_free(arena);
}

APPLY_TEST(the_same_name_elsewhere_is_another_class)
{
    store_class_a();
    unit_class(&unit, "root\\b", "A", NULL);
    store();
    cr_assert(change.classes_created == 1);
}

APPLY_TEST(a_superclass_must_be_there)
{
    unit_class(&unit, "root\\a", "B", "A");
    refused(0x8004100D);
    unit_class(&unit, "root\\a", "B", "B");
    refused(0x8004100D);
    unit_class(&unit, "root\\a", "A", NULL);
    unit_class(&unit, "root\\a", "B", "A");
    store();
    assert_classes("root\\a", "A: B:A");
    /* No circle, however long. */
    unit_class(&unit, "root\\a", "C", "B");
    store();
    unit_class(&unit, "root\\a", "A", "C");
    refused(0x8004100D);
    assert_classes("root\\a", "A: B:A C:B");
}

APPLY_TEST(keys_stay_while_there_are_instances)
{
    store_class_a();
    store_instance("A", "x");
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_STRING, false);
    refused(0x80041026);
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_STRING, true);
    unit_property(&unit, "Second", CIM_STRING, true);
    refused(0x80041026);
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_UINT32, true);
    refused(0x80041026);
    unit_delete(&unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", true);
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_UINT32, true);
    store();
}

APPLY_TEST(keys_stay_while_subclasses_or_their_instances_need_them)
{
    store_class_a();
    unit_class(&unit, "root\\a", "B", "A");
    store();
    unit_class(&unit, "root\\a", "A", NULL);
    refused(0x80041025);
    store_instance("B", "x");
    unit_class(&unit, "root\\a", "A", NULL);
    refused(0x80041026);
    unit_class(&unit, "root\\a", "C", NULL);
    store();
    unit_class(&unit, "root\\a", "B", "C");
    refused(0x80041026);
    /* The same again is always fine. */
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_STRING, true);
    unit_class(&unit, "root\\a", "B", "A");
    store();
}

APPLY_TEST(create_only_and_update_only_are_kept)
{
    const struct repository_apply_options
        create = {.class_change = MOF_CHANGE_CREATE_ONLY},
        update = {.class_change = MOF_CHANGE_UPDATE_ONLY};

    unit_class(&unit, "root\\a", "A", NULL);
    unit_refused(repo, &unit, &update, 0x80041002);
    unit_store(repo, &unit, NULL);
    unit_refused(repo, &unit, &create, 0x80041019);
}

APPLY_TEST(deletes_a_class_with_subclasses_and_instances)
{
    store_class_a();
    unit_class(&unit, "root\\a", "B", "A");
    unit_class(&unit, "root\\a", "C", "b");
    unit_class(&unit, "root\\a", "D", NULL);
    store();
    store_instance("C", "x");
    store_instance("A", "y");
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "a", true);
    store();
    cr_assert(change.classes_deleted == 3 && change.instances_deleted == 2);
    assert_classes("root\\a", "D:");
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A", false);
    store();
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A", true);
    refused(0x80041002);
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\none", "A", true);
    refused(0x80041002);
}

APPLY_TEST(a_class_may_be_deleted_and_made_again_in_one_unit)
{
    store_class_a();
    store_instance("A", "x");
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\a", "A", true);
    unit_class(&unit, "root\\a", "A", NULL);
    unit_property(&unit, "Name", CIM_STRING, true);
    unit_instance(&unit, "root\\a", "A", "name=\"y\"", "y");
    store();
    assert_instances("A", "A(name=\"y\")=y");
}

/* -- instances -------------------------------------------------------------- */

APPLY_TEST(creates_and_updates_instances_by_key)
{
    store_class_a();
    store_instance("A", "x");
    cr_assert(change.instances_created == 1);
    unit_instance(&unit, "root\\a", "a", "name=\"x\"", "new");
    unit_instance(&unit, "root\\a", "A", "name=\"y\"", "y");
    store();
    cr_assert(change.instances_created == 1 && change.instances_updated == 1);
    assert_instances("A", "a(name=\"x\")=new A(name=\"y\")=y");
}

APPLY_TEST(an_instance_needs_its_class)
{
    unit_instance(&unit, "root\\a", "A", "k", "v");
    refused(0x80041010);
    assert_namespaces("root");
}

APPLY_TEST(instances_can_be_created_only_or_updated_only)
{
    const struct repository_apply_options
        create = {.instance_change = MOF_CHANGE_CREATE_ONLY},
        update = {.instance_change = MOF_CHANGE_UPDATE_ONLY};

    store_class_a();
    unit_instance(&unit, "root\\a", "A", "name=\"x\"", "x");
    unit_refused(repo, &unit, &update, 0x80041002);
    unit_store(repo, &unit, NULL);
    unit_refused(repo, &unit, &create, 0x80041019);
}

APPLY_TEST(a_singleton_is_found_by_either_of_its_keys)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_instance *instance;
    struct error err;

    unit_class(&unit, "root\\a", "S", NULL);
    unit_instance(&unit, "root\\a", "S", "", "one");
    unit_instance(&unit, "root\\a", "S", "@", "two");
    store();
    cr_assert(change.instances_created == 1 && change.instances_updated == 1);
    assert_instances("S", "S(@)=two");
    cr_assert(repository_instance(repo, &path, SPAN("s"), SPAN(""), arena,
                                  &instance, &err) == 1);
    cr_assert(repository_instance(repo, &path, SPAN("s"), SPAN("@"), arena,
                                  &instance, &err) == 1);
    arena_free(arena);
}

APPLY_TEST(instances_of_subclasses_are_among_them)
{
    struct namespace_path path = path_of("root\\a");
    struct arena *arena = arena_new();
    struct cim_instance *instance;
    struct error err;

    store_class_a();
    unit_class(&unit, "root\\a", "B", "a");
    unit_class(&unit, "root\\a", "C", "B");
    store();
    store_instance("C", "3");
    store_instance("A", "1");
    store_instance("B", "2");
    store_instance("C", "4");
    assert_instances("A", "C(name=\"3\")=3 A(name=\"1\")=1 B(name=\"2\")=2 "
                          "C(name=\"4\")=4");
    assert_instances("b", "C(name=\"3\")=3 B(name=\"2\")=2 C(name=\"4\")=4");
    assert_instances("C", "C(name=\"3\")=3 C(name=\"4\")=4");
    assert_instances("Nothing", "");
    cr_assert(repository_instance(repo, &path, SPAN("A"), SPAN("name=\"4\""),
                                  arena, &instance, &err) == 1);
    assert_span(instance->class_name, "C");
    cr_assert(repository_instance(repo, &path, SPAN("B"), SPAN("name=\"1\""),
                                  arena, &instance, &err) == 0);
    arena_free(arena);
}

APPLY_TEST(pages_follow_one_another_without_gap_or_overlap)
{
    struct namespace_path path = path_of("root\\a");
    size_t pages = 0;
    struct error err;
    struct buf b = BUF_INIT;

    store_class_a();
    unit_class(&unit, "root\\a", "B", "A");
    for (int i = 0; i < 10; i++) {
        static char keys[10][16];

        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        unit_instance(&unit, "root\\a", i % 3 ? "A" : "B", keys[i], keys[i]);
    }
    store();
    last_row = 0;
    for (;;) {
        size_t before = b.length;

        cr_assert(repository_instances(repo, &path, SPAN("A"), last_row, 3,
                                       collect_instance, &b, &err) == 0);
        if (b.length == before)
            break;
        pages++;
    }
    cr_assert(pages == 4);
    assert_text(&b, "B(0)=0 A(1)=1 A(2)=2 B(3)=3 A(4)=4 A(5)=5 B(6)=6 "
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

APPLY_TEST(a_visitor_may_stop)
{
    struct namespace_path path = path_of("root\\a");
    struct error err;
    int visits = 0;

    store_class_a();
    store_instance("A", "x");
    store_instance("A", "y");
    cr_assert(repository_instances(repo, &path, SPAN("A"), 0, 10, stop_at_once,
                                   &visits, &err) == 0);
    cr_assert(visits == 1);
}

/* A visitor that asks the repository again. */
static bool
visit_deeper(void *arg, const struct repository_namespace *ns)
{
    struct error err;

    cr_assert(
        repository_each_child(repo, &ns->path, visit_deeper, arg, &err) == 0);
    return collect_namespace(arg, ns);
}

APPLY_TEST(a_visitor_may_ask_the_repository_again)
{
    struct buf b = BUF_INIT;
    struct namespace_path root = path_of("root");
    struct error err;

    unit_namespace(&unit, "root\\a\\b");
    unit_namespace(&unit, "root\\c");
    store();
    cr_assert(repository_each_child(repo, &root, visit_deeper, &b, &err) == 0);
    assert_text(&b, "root\\a\\b root\\a root\\c");
}

APPLY_TEST(deletes_an_instance_by_its_path)
{
    store_class_a();
    store_instance("A", "x");
    unit_delete(&unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "a.NAME=\"x\"", true);
    store();
    cr_assert(change.instances_deleted == 1);
    assert_instances("A", "");
    unit_delete(&unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", false);
    store();
    cr_assert(change.instances_deleted == 0);
    unit_delete(&unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a",
                "A.Name=\"x\"", true);
    refused(0x80041002);
    unit_delete(&unit, MOF_STATEMENT_DELETE_INSTANCE, "root\\a", "A.Name",
                false);
    refused(0x8004103A);
}

APPLY_TEST(system_classes_have_instances_and_are_not_listed)
{
    unit_instance(&unit, "root\\a", "__systemSecurity", "", "s");
    store();
    cr_assert(change.instances_created == 1);
    assert_classes("root\\a", "");
    assert_instances("__SystemSecurity", "__systemSecurity(@)=s");
    unit_class(&unit, "root\\a", "__SystemSecurity", NULL);
    refused(0x80041016);
    unit_delete(&unit, MOF_STATEMENT_DELETE_CLASS, "root\\a",
                "__SystemSecurity", false);
    refused(0x80041016);
}

APPLY_TEST(instances_below_a_system_class_are_found_there)
{
    unit_class(&unit, "root\\a", "MyConsumer", "__EventConsumer");
    unit_instance(&unit, "root\\a", "MyConsumer", "name=\"x\"", "x");
    store();
    assert_classes("root\\a", "MyConsumer:__EventConsumer");
    assert_instances("__EventConsumer", "MyConsumer(name=\"x\")=x");
}

APPLY_TEST(half_a_unit_is_never_stored)
{
    unit_namespace(&unit, "root\\a");
    unit_class(&unit, "root\\a", "A", NULL);
    unit_encryption(&unit, "root\\a", true);
    unit_instance(&unit, "root\\a", "Missing", "k", "v");
    refused(0x80041010);
    assert_namespaces("root");
}

APPLY_TEST(tells_which_statement_failed)
{
    struct error err;

    unit_class(&unit, "root\\a", "A", NULL);
    unit_instance(&unit, "root\\a", "Missing", "k", "v");
    unit.statements[1].where.line = 7;
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0);
    cr_assert(unit_apply(repo, &unit, NULL, &change) == 0x80041010);
    cr_assert(change.failed != NULL && change.failed_number == 2);
    cr_assert(change.failed->kind == MOF_STATEMENT_INSTANCE &&
              change.failed->where.line == 7);
    repository_rollback(repo);
}

/* -- beside classes and instances ------------------------------------------ */

static struct span
descriptor_of(const char *ns, struct arena *arena)
{
    struct namespace_path path = path_of(ns);
    uint64_t generation;
    struct error err;
    struct span sddl;

    cr_assert(repository_read_begin(repo, &generation, &err) == 0);
    cr_assert(repository_descriptor(repo, &path, arena, &sddl, &err) >= 0);
    repository_read_end(repo);
    return sddl;
}

APPLY_TEST(keeps_a_security_descriptor_until_the_namespace_goes)
{
    struct arena *arena = arena_new();

    unit_descriptor(&unit, "root\\a", "D:(A;;GA;;;BA)");
    store();
    assert_span(descriptor_of("root\\a", arena), "D:(A;;GA;;;BA)");
    unit_descriptor(&unit, "root\\a", "D:");
    store();
    assert_span(descriptor_of("root\\a", arena), "D:");
    unit_delete(&unit, MOF_STATEMENT_DELETE_NAMESPACE, "root\\a", NULL, true);
    store();
    unit_namespace(&unit, "root\\a");
    store();
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

APPLY_TEST(keeps_declarations_of_qualifiers_by_namespace)
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

    unit_namespace(&unit, "root\\b");
    unit_qualifier(&unit, "root\\a", &q);
    store();
    q.value.one.uint = 8;
    unit_qualifier(&unit, "root\\a", &q);
    store();
    cr_assert(repository_read_begin(repo, &generation, &err) == 0);
    cr_assert(repository_qualifier(repo, &a, SPAN("WEIGHT"), arena, &found,
                                   &err) == 1);
    assert_span(found->name, "Weight");
    cr_expect(found->type == CIM_UINT32 && found->value.one.uint == 8 &&
              found->scopes == q.scopes && found->flavors == q.flavors);
    cr_expect(repository_qualifier(repo, &b, SPAN("Weight"), arena, &found,
                                   &err) == 0);
    cr_expect(repository_each_qualifier(repo, &a, arena, count_qualifiers,
                                        &count, &err) == 0);
    cr_expect(count == 1);
    repository_read_end(repo);
    arena_free(arena);
}
