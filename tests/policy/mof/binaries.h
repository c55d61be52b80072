#ifndef TESTS_POLICY_MOF_BINARIES_H
#define TESTS_POLICY_MOF_BINARIES_H

#include "tests/policy/mof/compile.h"

extern const struct mof_options standalone, syntax_only;

/* Compiles and checks a file; fails the test when there are errors. */
struct mof_compilation *compile_path(const char *path,
                                     const struct mof_options *options);
/* The same of bytes, as t.bmf; errors are the caller's. */
struct mof_compilation *compile_bytes(struct span bytes,
                                      const struct mof_options *options);
/* Those of a binary whose packed data are these. */
struct mof_compilation *compile_unpacked(struct span data,
                                         const struct mof_options *options);

/* The binary of a text, and the data that are packed in it. */
struct buf binary_of(const char *text);
struct buf unpacked_of(const char *text);

/* Calls visit with the path of each of the corpus without its ".bmf"; how
 * many. */
int each_binary(void (*visit)(const char *stem));

#endif
