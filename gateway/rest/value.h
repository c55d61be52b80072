#ifndef GATEWAY_REST_VALUE_H
#define GATEWAY_REST_VALUE_H

#include "gateway/rest/node.h"

/* Embedded objects within embedded objects. */
#define VALUE_DEPTH_MAX 32

/*
 * A CIM value as JSON with nothing lost (DSP0211): 64-bit integers beyond
 * 2^53 as strings, since a JSON number is a double to most readers (RFC 8259
 * 6); reals with as many digits as it takes to read the same value back;
 * char16 as a string of one UTF-16 unit; datetime and references as their
 * text; embedded objects as {"kind":"instance","class":...,"properties":...}.
 * NULL: out of memory, or nested deeper than VALUE_DEPTH_MAX.
 */
cJSON *value_node(const struct cim_value *v);

#endif
