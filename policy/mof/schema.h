#ifndef POLICY_MOF_SCHEMA_H
#define POLICY_MOF_SCHEMA_H

#include "policy/mof/compilation.h"

/* A class as the check sees it: what is above it, what its keys are. */
struct class_info {
    const struct cim_class *class; /* NULL: deleted */
    struct class_info *super;      /* NULL: a top class, or not known */
    bool complete;                 /* everything above it is known */
    bool is_abstract, is_singleton;
    unsigned depth;
    size_t declared_at;          /* time; 0: it was there before */
    struct class_info *replaced; /* what the name stood for until then */
    struct strmap *names; /* of its own properties, when they are many */
    size_t key_count;     /* inherited ones included */
    const struct cim_property **keys; /* by lower-cased name */
};

/* The class of that name as it stands now; NULL if there is none. */
struct class_info *schema_find(struct mof_compilation *c, struct space *s,
                               struct span name);
/* The same among the system's classes; NULL also before those are read. */
struct class_info *schema_find_system(struct span name);
/* Puts a class in place.  NULL: out of memory. */
struct class_info *schema_add(struct mof_compilation *c, struct space *s,
                              const struct cim_class *class,
                              struct class_info *super, bool complete,
                              size_t now);
bool schema_delete(struct mof_compilation *c, struct space *s,
                   struct span name, size_t now);
/* Its own property, or an inherited one; NULL. */
const struct cim_property *schema_property(const struct class_info *info,
                                           struct span name);
const struct cim_method *schema_method(const struct class_info *info,
                                       struct span name);
/* What a qualifier stands on. */
enum schema_element {
    SCHEMA_CLASS,
    SCHEMA_PROPERTY,
    SCHEMA_METHOD,
};
/* The qualifier that a subclass of super inherits for the class, or for its
 * feature of that name: the nearest one, if its flavors let it through. */
const struct cim_qualifier *
schema_inherited_qualifier(const struct class_info *super,
                           enum schema_element element, struct span feature,
                           struct span name);
/* The same for info itself: its own, or what it inherits. */
const struct cim_qualifier *schema_qualifier(const struct class_info *info,
                                             enum schema_element element,
                                             struct span feature,
                                             struct span name);
/* CIM_SCOPE_ASSOCIATION and CIM_SCOPE_INDICATION of the classes above. */
unsigned schema_inherited_scope(const struct class_info *super);
/* Does the declaration itself say that it is a key? */
bool schema_declares_key(const struct cim_property *p);
bool schema_is_key(const struct class_info *info, struct span name);
/* Is name the class itself or one above it? */
bool schema_derives(const struct class_info *info, struct span name);

#endif
