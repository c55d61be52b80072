#ifndef TESTS_POLICY_REPOSITORY_UNIT_H
#define TESTS_POLICY_REPOSITORY_UNIT_H

#include "policy/mof/mof.h"
#include "policy/repository/repository.h"
#include "tests/support/support.h"

/*
 * Units put together by hand, so that these tests depend on no parser.
 *
 *     struct unit u = unit_new();
 *     unit_class(&u, "root\\a", "A", NULL);
 *     unit_property(&u, "Name", CIM_STRING, true);
 *     unit_instance(&u, "root\\a", "A", "Name=\"x\"", "x");
 *     assert_applies(repo, &u);
 *     unit_free(&u);
 */
struct unit {
    struct arena *arena;
    struct mof_statement statements[64];
    size_t count;
};

struct unit unit_new(void);
void unit_free(struct unit *u);

void unit_namespace(struct unit *u, const char *ns);
void unit_encryption(struct unit *u, const char *ns, bool required);
/* superclass NULL: none.  Properties are added to the class named last. */
void unit_descriptor(struct unit *u, const char *ns, const char *sddl);
/* q must live as long as the unit. */
void unit_qualifier(struct unit *u, const char *ns,
                    const struct cim_qualifier_declaration *q);
void unit_class(struct unit *u, const char *ns, const char *name,
                const char *superclass);
void unit_property(struct unit *u, const char *name, enum cim_type type,
                   bool key);
/* With one string property Name = value. */
void unit_instance(struct unit *u, const char *ns, const char *class,
                   const char *key, const char *value);
void unit_delete(struct unit *u, enum mof_statement_kind kind, const char *ns,
                 const char *name, bool must_exist);

/* Within the open transaction.  The code of the failure, 0: none. */
uint32_t unit_apply(struct repository *repo, const struct unit *u,
                    const struct repository_apply_options *options,
                    struct repository_change *change_out);
/* begin, apply, commit. */
void unit_store(struct repository *repo, const struct unit *u,
                struct repository_change *change_out);
/* The same must fail with this code and change nothing. */
void unit_refused(struct repository *repo, const struct unit *u,
                  const struct repository_apply_options *options,
                  uint32_t code);

struct namespace_path path_of(const char *text);
/* A repository open for writing in a fresh directory. */
struct repository *repository_new(const char **dir_out);

#endif
