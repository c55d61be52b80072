#ifndef GATEWAY_REST_OBJECT_H
#define GATEWAY_REST_OBJECT_H

#include "gateway/rest/node.h"
#include "gateway/rest/rest.h"

/* The JSON of one resource.  NULL: out of memory. */

/*
 * All properties of the class in its order, inherited ones first: the
 * instance's value, else the class's default, else null.  key is canonical;
 * "self" is left out when no URL can name the instance.
 */
cJSON *instance_node(const struct namespace_path *ns,
                     const struct repository_class_full *class,
                     struct span key, const struct cim_instance *instance);

cJSON *class_node(const struct namespace_path *ns,
                  const struct repository_class_full *class);

/* Children and classes that a namespace's page lists at most, each. */
#define NAMESPACE_LIST_MAX 4096

/* Within a read.  1 found, 0 not, -1 the store failed or memory is out. */
int namespace_node(struct repository *repo, const struct namespace_path *ns,
                   const struct rest_caller *caller, cJSON **out);

#endif
