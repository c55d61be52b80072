#ifndef POLICY_MOF_SDDL_H
#define POLICY_MOF_SDDL_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/base/base.h"

/*
 * Security descriptors as text (MS-DTYP 2.5.1.1):
 *
 *     sddl  = [ "O:" sid ] [ "G:" sid ] [ "D:" flags { ace } ]
 *             [ "S:" flags { ace } ]
 *     flags = { "P" | "AR" | "AI" }
 *     ace   = "(" type ";" [ ace flags ] ";" rights ";" [ guid ] ";" [ guid ]
 *             ";" sid ")"
 *
 * Upper case throughout.  Conditional and resource attribute entries are
 * refused: nothing here could judge them.
 */

#define SDDL_BYTES_MAX ((size_t)64 * 1024)
#define SDDL_ACES_MAX  1000 /* of one list */

/* NULL if text is one; else what is wrong, and *at_out is the offset of the
 * character that is. */
const char *sddl_check(struct span text, size_t *at_out);

#endif
