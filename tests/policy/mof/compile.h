#ifndef TESTS_POLICY_MOF_COMPILE_H
#define TESTS_POLICY_MOF_COMPILE_H

#include "policy/mof/mof.h"
#include "tests/support/support.h"

/*
 * A small repository for tests: root, root\cimv2 and root\hardware with the
 * class HW_Disk { [key] string Id; }; root\hardware is near what is two
 * letters off.
 */
extern const struct mof_world test_world;

/* A directory of real files that are not ours: $NSGATE_MOF_CORPUS, or
 * ../shared/mof-corpus beside the source tree.  NULL: there is none. */
const char *corpus(void);

/* Compiles and checks one text named t.mof; free it. */
struct mof_compilation *compile_text(const char *text,
                                     const struct mof_options *options);
/* The same in the world above. */
struct mof_compilation *compile_in_world(const char *text);
/* "line:column 0x8004XXXX" of all errors, joined by ", "; static. */
const char *errors_of(const struct mof_compilation *c);
/* How many diagnostics of that severity there are. */
size_t count_of(const struct mof_compilation *c, enum mof_severity severity);
/* The n-th diagnostic of that severity; fails the test without it. */
const struct mof_diagnostic *diagnostic_of(const struct mof_compilation *c,
                                           enum mof_severity severity,
                                           size_t n);
/* The n-th statement of that kind; fails the test without it.  An instance
 * lives until the next call. */
const struct mof_statement *statement_of(const struct mof_compilation *c,
                                         enum mof_statement_kind kind,
                                         size_t n);
/* What mof_diagnostics_print prints; malloc'ed. */
char *printed(const struct mof_compilation *c);
/* Calls visit for each *.mof of a folder of the source tree, by name; how many
 * there were. */
int each_mof_file(const char *folder,
                  void (*visit)(const char *path, const char *name));
/* A text of n times `part`, between head and tail; malloc'ed. */
char *repeated(const char *head, const char *part, size_t n, const char *tail);

#endif
