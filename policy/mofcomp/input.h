#ifndef POLICY_MOFCOMP_INPUT_H
#define POLICY_MOFCOMP_INPUT_H

#include "policy/mof/mof.h"
#include "policy/mofcomp/options.h"

/* Standard input is read before the repository is locked: nobody waits for a
 * person who types. */
struct input {
    struct buf standard; /* all of it, if a file is "-" */
};

int input_init(struct input *in, const struct options *o, struct error *err);
void input_fini(struct input *in);
/* All files and the check.  EXIT_OK, EXIT_SYNTAX or EXIT_STORE. */
int input_compile(const struct input *in, const struct options *o,
                  struct mof_compilation *c);

#endif
