#ifndef GATEWAY_WSMAN_VALUE_H
#define GATEWAY_WSMAN_VALUE_H

#include "gateway/wsman/wsman.h"

/*
 * CIM instances and references in XML (DSP0230): an element for each property
 * in the namespace of its class, one for each element of an array, xsi:nil
 * for NULL.
 */

/* Within one read; classes that were looked up are kept. */
struct value_writer {
    struct repository *repo;
    const struct namespace_path *ns;
    bool wmi; /* the form of resource URIs */
    struct arena *arena;
    struct strmap *classes; /* name -> struct repository_class_full */
    struct buf *out;
    bool failed; /* the store, or memory; also seen in out */
};

/* False: out of memory. */
bool value_writer_init(struct value_writer *w, struct repository *repo,
                       const struct namespace_path *ns, bool wmi);
void value_writer_fini(struct value_writer *w);

/* NULL: there is none, or failed is set. */
struct repository_class_full *value_class(struct value_writer *w,
                                          struct span name);

/* The instance as an element. */
void value_add_instance(struct value_writer *w,
                        const struct cim_instance *instance);
/* What stands in an endpoint reference; key: canonical. */
void value_add_reference(struct value_writer *w,
                         const struct repository_class_full *class,
                         struct span key);

#endif
