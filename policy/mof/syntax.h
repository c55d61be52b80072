#ifndef POLICY_MOF_SYNTAX_H
#define POLICY_MOF_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"
#include "policy/mof/source.h"

/*
 * The syntax tree: what was written, with its places, before anything is
 * known about what it means.  All in the compilation's arena; spans point
 * there or into the source.
 */

/* A place in a text: width bytes from offset. */
struct at {
    struct source *source;
    uint32_t offset, width;
};

enum syntax_value_kind {
    VALUE_NONE = 0, /* nothing was written */
    VALUE_NULL,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_CHAR,
    VALUE_STRING,
    VALUE_ALIAS,
    VALUE_INSTANCE,
    VALUE_ARRAY,
};

struct syntax_instance;

struct syntax_value {
    enum syntax_value_kind kind;
    bool negative; /* INTEGER: a minus sign */
    bool huge;     /* INTEGER: does not fit 64 bits */
    uint32_t offset, width;
    union {
        bool boolean;
        uint64_t magnitude;
        double real;
        uint16_t char16;
        struct span text; /* STRING, ALIAS (without '$') */
        struct syntax_instance *instance;
        struct {
            struct syntax_value *items;
            size_t count;
        } array;
    } u;
};

struct syntax_qualifier {
    struct span name;
    uint32_t offset;
    unsigned flavors; /* enum cim_flavor */
    struct syntax_value value;
};

struct syntax_qualifiers {
    size_t count;
    struct syntax_qualifier *items;
};

/* A property, reference or parameter; in an instance, type is CIM_NONE. */
struct syntax_property {
    struct span name;
    uint32_t offset;
    uint32_t type_offset;
    enum cim_type type;
    bool is_array;
    uint32_t array_size;
    struct span class_name; /* of a reference or embedded object */
    struct syntax_value value;
    struct syntax_qualifiers qualifiers;
};

struct syntax_method {
    struct span name;
    uint32_t offset;
    uint32_t type_offset;
    enum cim_type type;
    struct span class_name;
    size_t parameter_count;
    struct syntax_property *parameters;
    struct syntax_qualifiers qualifiers;
};

struct syntax_class {
    struct span name, superclass, alias;
    uint32_t name_offset, superclass_offset, alias_offset;
    struct syntax_qualifiers qualifiers;
    size_t property_count;
    struct syntax_property *properties;
    size_t method_count;
    struct syntax_method *methods;
    struct strmap *aliases; /* of its file */
};

enum build_state {
    BUILD_NEW = 0,
    BUILD_RUNNING, /* met again now: a cycle of aliases */
    BUILD_DONE,
    BUILD_FAILED,
};

struct space;
struct class_info;

struct syntax_instance {
    struct span class_name, alias;
    bool is_class; /* stands for a class that has an alias, not an instance */
    uint32_t offset, class_offset, alias_offset;
    struct source *source;
    struct space *space;    /* where it was declared */
    struct strmap *aliases; /* of its file */
    struct syntax_qualifiers qualifiers;
    size_t property_count;
    struct syntax_property *properties;
    /* filled by the check */
    struct class_info *info; /* NULL: its class is not known */
    bool is_embedded;        /* some value is this instance */
    enum build_state key_state, state;
    struct cim_instance *built;
    const struct cim_property **declared; /* one a property, NULL: none */
    struct span key;
    size_t weight; /* values in it, those of embedded instances included */
};

struct syntax_qualifier_declaration {
    struct span name;
    uint32_t offset;
    enum cim_type type;
    bool is_array;
    struct syntax_value value;
    unsigned scopes, flavors;
};

enum syntax_kind {
    SYNTAX_NAMESPACE = 1, /* #pragma namespace */
    SYNTAX_CLASS,
    SYNTAX_INSTANCE,
    SYNTAX_STRETCH, /* of instances, whose trees are not kept: stretch.c */
    SYNTAX_QUALIFIER,
    SYNTAX_DELETE_CLASS,
    SYNTAX_DELETE_INSTANCE,
};

/* One production, in the order of the text. */
struct syntax_statement {
    enum syntax_kind kind;
    struct at at;
    uint32_t end; /* offset behind it */
    struct space *space;
    unsigned change;  /* enum mof_change: classflags, instanceflags */
    bool must_exist;  /* DELETE_*: FAIL */
    struct span text; /* NAMESPACE, DELETE_*: the string */
    size_t count;     /* STRETCH: instances in it */
    union {
        struct syntax_class *class;
        struct syntax_instance *instance;
        struct syntax_qualifier_declaration *qualifier;
    } u;
};

#endif
