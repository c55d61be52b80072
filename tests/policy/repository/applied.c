#include "tests/policy/repository/applied.h"

#include <stdio.h>
#include <string.h>

struct applied applied;

void
applied_setup(void)
{
    applied.repo = repository_new(NULL);
    applied.unit = unit_new();
}

void
applied_teardown(void)
{
    unit_free(&applied.unit);
    repository_close(applied.repo);
    applied.repo = NULL;
}

/* Stores what was put together and begins anew. */
void
applied_store(void)
{
    unit_store(applied.repo, &applied.unit, &applied.change);
    unit_free(&applied.unit);
    applied.unit = unit_new();
}

void
applied_refused(uint32_t code)
{
    unit_refused(applied.repo, &applied.unit, NULL, code);
    unit_free(&applied.unit);
    applied.unit = unit_new();
}

/* Class A with key Name in root\a. */
void
applied_class_a(void)
{
    unit_class(&applied.unit, "root\\a", "A", NULL);
    unit_property(&applied.unit, "Name", CIM_STRING, true);
    applied_store();
}

void
applied_instance(const char *class, const char *name)
{
    char key[64];

    snprintf(key, sizeof(key), "name=\"%s\"", name);
    unit_instance(&applied.unit, "root\\a", class, key, name);
    applied_store();
}

/* -- reading back ---------------------------------------------------------- */

bool
applied_collect_namespace(void *arg, const struct repository_namespace *ns)
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

bool
applied_collect_instance(void *arg, int64_t row, struct span key,
                         const struct cim_instance *instance)
{
    struct span value = instance->properties[0].value.one.text;

    cr_assert(row > applied.last_row);
    applied.last_row = row;
    buf_addf(arg, "%s%.*s(%.*s)=%.*s",
             ((struct buf *)arg)->length > 0 ? " " : "",
             (int)instance->class_name.length, instance->class_name.data,
             (int)key.length, key.data, (int)value.length, value.data);
    return true;
}

void
applied_text(struct buf *b, const char *expected)
{
    cr_assert_str_eq(b->length > 0 ? b->data : "", expected);
    buf_fini(b);
}

void
assert_namespaces(const char *expected)
{
    struct buf b = BUF_INIT;
    struct error err;

    cr_assert(repository_each_namespace(
                  applied.repo, applied_collect_namespace, &b, &err) == 0);
    applied_text(&b, expected);
}

void
assert_classes(const char *ns, const char *expected)
{
    struct namespace_path path = path_of(ns);
    struct buf b = BUF_INIT;
    struct error err;

    cr_assert(repository_each_class(applied.repo, &path, collect_class, &b,
                                    &err) == 0);
    applied_text(&b, expected);
}

void
assert_page(const char *class, int64_t after, size_t limit,
            const char *expected)
{
    struct namespace_path path = path_of("root\\a");
    struct buf b = BUF_INIT;
    struct error err;

    applied.last_row = after;
    cr_assert(repository_instances(applied.repo, &path, span_of(class), after,
                                   limit, applied_collect_instance, &b,
                                   &err) == 0,
              "%s", err.text);
    applied_text(&b, expected);
}

void
assert_instances(const char *class, const char *expected)
{
    assert_page(class, 0, 1000, expected);
}
