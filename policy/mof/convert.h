#ifndef POLICY_MOF_CONVERT_H
#define POLICY_MOF_CONVERT_H

#include "policy/mof/compilation.h"

/* Where a value stands and what it may refer to. */
struct convert_context {
    struct mof_compilation *c;
    struct source *source;
    struct space *space;
    struct strmap *aliases;
    unsigned depth; /* of aliases that lead to aliases */
    size_t weight;  /* values converted, embedded ones included */
};

/* What a property or parameter takes. */
struct convert_target {
    enum cim_type type;
    bool is_array;
    bool embeds;            /* a string with EmbeddedInstance */
    struct span class_name; /* of a reference or object */
};

/* A value as that type.  False after an error; *out is NULL then. */
bool convert_value(struct convert_context *cc, const struct syntax_value *v,
                   const struct convert_target *target, struct cim_value *out);
/* Qualifiers of an element with these scopes (0: an instance, which has
 * none): the type follows from what is written, none is TRUE. */
bool convert_qualifiers(struct mof_compilation *c, struct source *source,
                        struct space *space, unsigned element,
                        const struct syntax_qualifiers *in,
                        struct cim_qualifiers *out);
/* True if an alias or an embedded instance is in it. */
bool convert_needs_instances(const struct syntax_value *v);
/* Of a value whose type is not known: are its aliases there? */
bool convert_check_aliases(struct convert_context *cc,
                           const struct syntax_value *v);
struct convert_target convert_target_of(const struct cim_property *p);
/* The string property embeds what EmbeddedInstance("Class") or
 * EmbeddedObject says; either may be NULL. */
void convert_target_embeds(struct convert_target *t,
                           const struct cim_qualifier *instance,
                           const struct cim_qualifier *object);

/* datetime.c: NULL if text is one (DSP0004 5.2.4), else what is wrong. */
const char *datetime_check(struct span text);

#endif
