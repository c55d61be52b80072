#ifndef POLICY_BASE_CIM_H
#define POLICY_BASE_CIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/span.h"

/*
 * The CIM model in memory (DSP0004 5): what the compiler produces, the
 * repository stores and the gateway shows.  Plain data, all of it living in
 * one arena of whoever made it; every pointer and span is borrowed from
 * there.  Names keep their spelling and compare without ASCII case.
 */

enum cim_type {
    CIM_NONE = 0,
    CIM_BOOLEAN,
    CIM_CHAR16,
    CIM_STRING,
    CIM_DATETIME, /* its 25 characters (DSP0004 5.2.4) */
    CIM_UINT8,
    CIM_SINT8,
    CIM_UINT16,
    CIM_SINT16,
    CIM_UINT32,
    CIM_SINT32,
    CIM_UINT64,
    CIM_SINT64,
    CIM_REAL32,
    CIM_REAL64,
    CIM_REFERENCE, /* an object path */
    CIM_OBJECT,    /* an embedded instance */
    CIM_VOID,      /* a WMI method's result only */
};

struct cim_instance;

union cim_scalar {
    bool boolean;
    uint16_t char16;             /* one UTF-16 unit */
    int64_t sint;                /* CIM_SINT8..CIM_SINT64 */
    uint64_t uint;               /* CIM_UINT8..CIM_UINT64 */
    double real;                 /* CIM_REAL32, CIM_REAL64 */
    struct span text;            /* STRING (UTF-8), DATETIME, REFERENCE */
    struct cim_instance *object; /* CIM_OBJECT */
};

/* A value and its type.  An array's elements may be NULL one by one. */
struct cim_value {
    enum cim_type type;
    bool is_null;
    bool is_array;
    uint32_t count;          /* elements of an array */
    union cim_scalar one;    /* not an array */
    union cim_scalar *items; /* an array: count of them */
    bool *null_items;        /* NULL when no element is NULL */
};

/* Flavors (DSP0004 5.6.3.2); zero means the default of the dialect. */
enum cim_flavor {
    CIM_FLAVOR_ENABLE_OVERRIDE = 1 << 0,
    CIM_FLAVOR_DISABLE_OVERRIDE = 1 << 1,
    CIM_FLAVOR_RESTRICTED = 1 << 2,
    CIM_FLAVOR_TO_SUBCLASS = 1 << 3,
    CIM_FLAVOR_TO_INSTANCE = 1 << 4,
    CIM_FLAVOR_AMENDED = 1 << 5,
    CIM_FLAVOR_TRANSLATABLE = 1 << 6,
    CIM_FLAVOR_NOT_TO_SUBCLASS = 1 << 7,
    CIM_FLAVOR_NOT_TO_INSTANCE = 1 << 8,
};

/* What a declared qualifier may stand on (DSP0004 5.6.3.1). */
enum cim_scope {
    CIM_SCOPE_CLASS = 1 << 0,
    CIM_SCOPE_ASSOCIATION = 1 << 1,
    CIM_SCOPE_INDICATION = 1 << 2,
    CIM_SCOPE_QUALIFIER = 1 << 3,
    CIM_SCOPE_PROPERTY = 1 << 4,
    CIM_SCOPE_REFERENCE = 1 << 5,
    CIM_SCOPE_METHOD = 1 << 6,
    CIM_SCOPE_PARAMETER = 1 << 7,
    CIM_SCOPE_SCHEMA = 1 << 8,
};

struct cim_qualifier {
    struct span name;
    struct cim_value value;
    unsigned flavors; /* enum cim_flavor, or'ed */
};

struct cim_qualifiers {
    size_t count;
    struct cim_qualifier *items;
};

/* A property of a class or of an instance, or a method's parameter. */
struct cim_property {
    struct span name;
    enum cim_type type;
    bool is_array;
    uint32_t array_size;    /* 0: no fixed size */
    struct span class_name; /* of REFERENCE and OBJECT; absent: untyped */
    bool has_value;         /* a default was given, or an instance's value */
    struct cim_value value;
    struct cim_qualifiers qualifiers;
};

struct cim_method {
    struct span name;
    enum cim_type return_type;
    struct span return_class; /* of CIM_OBJECT */
    size_t parameter_count;
    struct cim_property *parameters;
    struct cim_qualifiers qualifiers;
};

/* As declared: its own features, not the inherited ones. */
struct cim_class {
    struct span name;
    struct span superclass; /* absent: a top class */
    struct cim_qualifiers qualifiers;
    size_t property_count;
    struct cim_property *properties;
    size_t method_count;
    struct cim_method *methods;
};

struct cim_instance {
    struct span class_name;
    struct span alias; /* without '$'; absent: none */
    struct cim_qualifiers qualifiers;
    size_t property_count;
    struct cim_property *properties; /* those that were given */
};

struct cim_qualifier_declaration {
    struct span name;
    enum cim_type type;
    bool is_array;
    bool has_value;
    struct cim_value value;
    unsigned scopes;  /* enum cim_scope, or'ed; 0: any */
    unsigned flavors; /* enum cim_flavor */
};

/* "uint8", "string", "ref"; CIM_NONE for a name that is no type. */
const char *cim_type_name(enum cim_type type);
enum cim_type cim_type_from_name(struct span name);
bool cim_type_is_signed(enum cim_type type);
bool cim_type_is_unsigned(enum cim_type type);

/* The same type and the same value; embedded instances by identity. */
bool cim_value_equal(const struct cim_value *a, const struct cim_value *b);

/* The shortest text that reads back as the same value of its type; not for
 * infinity and NaN. */
#define CIM_REAL_TEXT 32
void cim_real_format(enum cim_type type, double real, char out[CIM_REAL_TEXT]);
/* In so many significant digits, 17 at most. */
void cim_real_digits(double real, int digits, char out[CIM_REAL_TEXT]);

/* NULL when there is none of that name. */
const struct cim_qualifier *
cim_qualifiers_find(const struct cim_qualifiers *set, struct span name);
/* True if the qualifier is there with value TRUE (bare counts as TRUE). */
bool cim_qualifiers_true(const struct cim_qualifiers *set, struct span name);
const struct cim_property *cim_class_property(const struct cim_class *c,
                                              struct span name);
const struct cim_property *cim_instance_property(const struct cim_instance *i,
                                                 struct span name);

#endif
