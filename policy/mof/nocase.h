#ifndef POLICY_MOF_NOCASE_H
#define POLICY_MOF_NOCASE_H

#include <limits.h>
#include <stdbool.h>

/*
 * Files that were written where a file's name knows no case include each
 * other in any: "QuaLIFIErs.mof" for Qualifiers.mof.  The path of name below
 * directory ("" for here), each part as it is there, or else the only one
 * that differs in the case of its letters.  False: there is none.
 */
bool nocase_find(const char *directory, const char *name, char out[PATH_MAX]);

#endif
