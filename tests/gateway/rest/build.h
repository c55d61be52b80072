#ifndef TESTS_GATEWAY_REST_BUILD_H
#define TESTS_GATEWAY_REST_BUILD_H

#include "gateway/rest/node.h"
#include "policy/repository/repository.h"
#include "tests/support/support.h"

/* CIM values put together by hand; texts are borrowed. */

struct cim_value value_null(enum cim_type type);
struct cim_value value_boolean(bool b);
struct cim_value value_char16(uint16_t unit);
struct cim_value value_text(enum cim_type type, const char *text);
struct cim_value value_sint(enum cim_type type, int64_t n);
struct cim_value value_uint(enum cim_type type, uint64_t n);
struct cim_value value_real(enum cim_type type, double real);
struct cim_value value_object(struct cim_instance *object);

/* Property `name` with a value. */
struct cim_property property(const char *name, struct cim_value value);

/* The node's text, which the caller frees; frees the node. */
char *node_take_text(cJSON *node);
#define assert_node(node, expected)                                           \
    do {                                                                      \
        char *text_ = node_take_text(node);                                   \
        cr_assert_str_eq(text_, expected);                                    \
        free(text_);                                                          \
    } while (0)

/*
 * Runs make(arg) with the first, second, ... allocation of the JSON library
 * failing until it succeeds; every failure must say so (NULL) and leak
 * nothing.  Returns how often it failed.
 */
unsigned fail_allocations(cJSON *(*make)(void *arg), void *arg);

#endif
