#ifndef POLICY_MOF_DECLARE_H
#define POLICY_MOF_DECLARE_H

#include "policy/mof/compilation.h"

/*
 * Declarations of qualifiers (DSP0004 5.6.3).  WMI needs none, so an
 * undeclared qualifier is right; one that is declared keeps to its scope and
 * type, and its flavors hold where none are given.
 */

/* The one in force in s at this point of the check; NULL: none. */
const struct cim_qualifier_declaration *
declare_find(struct mof_compilation *c, struct space *s, struct span name);
/* False: out of memory. */
bool declare_put(struct mof_compilation *c, struct space *s,
                 const struct cim_qualifier_declaration *declaration);

/* The flavors of a use: those that were written, else the declaration's. */
unsigned declare_flavors(const struct cim_qualifier_declaration *declaration,
                         unsigned written);
/* May it stand on an element of these scopes?  0: no scope is asked for. */
bool declare_allows(const struct cim_qualifier_declaration *declaration,
                    unsigned element);
/* "class", "property": what an element of these scopes is called. */
const char *declare_element_name(unsigned element);
/* "class, property or any" of a declaration, for messages. */
void declare_scopes_list(const struct cim_qualifier_declaration *declaration,
                         struct buf *out);

/* Could a value that is written so be of the declared type? */
bool declare_fits(const struct cim_qualifier_declaration *declaration,
                  const struct syntax_value *v);

#endif
