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
/* All files; what is wrong with them is among the diagnostics. */
void input_compile(const struct input *in, const struct options *o,
                   struct mof_compilation *c);

#endif
