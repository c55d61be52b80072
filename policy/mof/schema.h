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
    size_t declared_at;   /* time; 0: it was there before */
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
bool schema_is_key(const struct class_info *info, struct span name);
/* Is name the class itself or one above it? */
bool schema_derives(const struct class_info *info, struct span name);

#endif
