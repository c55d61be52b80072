#ifndef POLICY_BASE_NAMESPACE_PATH_H
#define POLICY_BASE_NAMESPACE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/base/error.h"
#include "policy/base/span.h"

/*
 * The one canonical form of a namespace (threat 22): what the compiler
 * stores, the policy decides on, the repository looks up and an upstream is
 * told.  Components joined by one backslash, ASCII lower case, the first is
 * "root", nothing before or after: root\cimv2\ms_409.
 *
 * A component is a MOF identifier ([A-Za-z_] or a code point from U+0080 to
 * U+FFEF, then the same and digits; DSP0004 A.1) that may also hold '-'
 * after its first character; at most 255 bytes.  Letters beyond ASCII are
 * compared by code point: no locale takes part in a security decision.
 *
 * Filled only by the functions below; zeroed it is "no namespace".
 */
#define NAMESPACE_PATH_MAX 511

struct namespace_path {
    uint16_t length;
    char text[NAMESPACE_PATH_MAX + 1]; /* NUL-terminated */
};

enum namespace_path_problem {
    NAMESPACE_PATH_OK = 0,
    NAMESPACE_PATH_MALFORMED, /* no form of a namespace */
    NAMESPACE_PATH_BAD_NAME,  /* a form of one, but a part is no name */
    NAMESPACE_PATH_REMOTE,    /* names another machine: 0x8004401C */
    NAMESPACE_PATH_NOT_ROOT,  /* the first component is not root */
    NAMESPACE_PATH_TOO_LONG,
};

/*
 * From the forms people write in MOF, options and configuration:
 * \\.\root\x  \root\x  root\x  //./root/x  /root/x  root/x (one kind of
 * separator throughout; "." or "localhost" as machine).  On failure *out is
 * zeroed and err says what is wrong, with the advice to double the
 * backslashes when a control character shows that they were forgotten.
 */
enum namespace_path_problem namespace_path_parse(struct namespace_path *out,
                                                 struct span text,
                                                 struct error *err);

/*
 * From the decoded path of a URL: root/x or Root/X with single '/' and
 * nothing else; stricter than the above.  False, and *out zeroed, if it is
 * not exactly that.
 */
bool namespace_path_from_url(struct namespace_path *out, struct span text);

/* The path with '/' for '\', for URLs. */
void namespace_path_to_url(const struct namespace_path *path,
                           char out[NAMESPACE_PATH_MAX + 1]);

/* Spelling as the author wrote it, cleaned: backslash-joined components of
 * text (which must parse) in their own case.  For display and storage. */
void namespace_path_display(struct span text,
                            char out[NAMESPACE_PATH_MAX + 1]);

/* False for root itself. */
bool namespace_path_parent(const struct namespace_path *path,
                           struct namespace_path *parent_out);
/* The last component. */
struct span namespace_path_name(const struct namespace_path *path);
/* path + "\" + one component, checked and lower-cased. */
bool namespace_path_child(const struct namespace_path *path, struct span name,
                          struct namespace_path *child_out);
bool namespace_path_equal(const struct namespace_path *a,
                          const struct namespace_path *b);
struct span namespace_path_span(const struct namespace_path *path);

#endif
