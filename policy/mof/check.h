#ifndef POLICY_MOF_CHECK_H
#define POLICY_MOF_CHECK_H

#include "policy/mof/compilation.h"

/*
 * From the syntax tree to the unit.  The statements are gone through once in
 * their order, because classes and namespaces come and go with it; instances
 * get their values behind that, because their aliases may point forward.
 */
void check_init(struct mof_compilation *c);
void check_run(struct mof_compilation *c);

/* check.c: what a result of st has in any case. */
struct mof_statement check_result(const struct syntax_statement *st,
                                  enum mof_statement_kind kind,
                                  const struct space *space);
/* One result; its index, SIZE_MAX when out of memory. */
size_t check_emit(struct mof_compilation *c, const struct syntax_statement *st,
                  enum mof_statement_kind kind, const struct space *space);
/* Makes s and what is above it exist, with a statement and a note each. */
void check_space(struct mof_compilation *c, const struct syntax_statement *st,
                 struct space *s, size_t now);

/* check_class.c */
void check_class(struct mof_compilation *c, const struct syntax_statement *st,
                 size_t now);
void check_qualifier(struct mof_compilation *c,
                     const struct syntax_statement *st, size_t now);
void check_classes_finish(struct mof_compilation *c);

/* check_inherit.c: what a class may change of those above it, and keys. */
void check_inheritance(struct mof_compilation *c,
                       const struct syntax_statement *st,
                       const struct cim_class *class,
                       const struct class_info *super);

/* constraint.c: qualifiers against their own rules. */
/* Those that limit values, on a type they do not fit: warnings. */
void constraints_check(struct mof_compilation *c, struct source *source,
                       const struct syntax_property *in);
/* [key] on what is no property. */
void key_refuse(struct mof_compilation *c, struct source *source,
                const struct syntax_qualifiers *quals);
/* A value beyond the MinValue, MaxValue or MaxLen of its property: a
 * warning. */
void constraint_value_check(struct mof_compilation *c, struct at at,
                            const struct class_info *info,
                            const struct cim_property *declared,
                            const struct cim_value *v);

/* check_instance.c */
void check_instance(struct mof_compilation *c,
                    const struct syntax_statement *st, size_t now);
void check_delete_instance(struct mof_compilation *c,
                           const struct syntax_statement *st, size_t now);
void check_instances_finish(struct mof_compilation *c);

/* stretch.c */
/* The instance of st behind *offset, which moves on; false at the end. */
bool stretch_next(struct mof_compilation *c, const struct syntax_statement *st,
                  uint32_t *offset, struct syntax_statement *out);
void check_stretch(struct mof_compilation *c,
                   const struct syntax_statement *st, size_t now);
/* What the text alone shows of an instance. */
void check_instance_text(struct mof_compilation *c,
                         const struct syntax_instance *i);
/* Values and key; false if it is not one to be stored. */
bool check_instance_build(struct mof_compilation *c,
                          struct syntax_instance *i);

/* security.c: RequiresEncryption and NamespaceSecuritySDDL */
/* Refuses both on anything that is no namespace's security object. */
void security_refuse(struct mof_compilation *c, struct source *source,
                     const struct syntax_qualifiers *quals);
/* The same on an instance, whose class may be misspelt. */
void security_refuse_instance(struct mof_compilation *c,
                              const struct syntax_statement *st);
/* Reads those of an instance for the namespace target. */
void security_statement(struct mof_compilation *c,
                        const struct syntax_statement *st,
                        struct space *target);
/* Warnings that need the whole compile. */
void security_finish(struct mof_compilation *c);

#endif
