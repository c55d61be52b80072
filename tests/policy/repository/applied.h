#ifndef TESTS_POLICY_REPOSITORY_APPLIED_H
#define TESTS_POLICY_REPOSITORY_APPLIED_H

#include "tests/policy/repository/unit.h"

/*
 * One repository a test, what is put together for it, and what it holds then
 * as text.
 *
 *     APPLIED_TEST(apply, does_this) { unit_class(&applied.unit, ...);
 *                                      applied_store(); assert_classes(...); }
 */
struct applied {
    struct repository *repo;
    struct unit unit;
    struct repository_change change; /* of the last applied_store */
    int64_t last_row;                /* that an instance was found at */
};

extern struct applied applied;

#define APPLIED_TEST(suite, name)                                             \
    Test(suite, name, .init = applied_setup, .fini = applied_teardown)

void applied_setup(void);
void applied_teardown(void);
/* Stores what was put together, or is refused with code, and begins anew. */
void applied_store(void);
void applied_refused(uint32_t code);
/* Class A with key Name in root\\a. */
void applied_class_a(void);
void applied_instance(const char *class, const char *name);

/* Of repository_each_namespace and repository_instances; arg is a buffer. */
bool applied_collect_namespace(void *arg,
                               const struct repository_namespace *ns);
bool applied_collect_instance(void *arg, int64_t row, struct span key,
                              const struct cim_instance *instance);
/* Frees b. */
void applied_text(struct buf *b, const char *expected);
void assert_namespaces(const char *expected);
void assert_classes(const char *ns, const char *expected);
void assert_page(const char *class, int64_t after, size_t limit,
                 const char *expected);
void assert_instances(const char *class, const char *expected);

#endif
