#ifndef POLICY_BASE_NEAREST_H
#define POLICY_BASE_NEAREST_H

#include <stdbool.h>

#include "policy/base/span.h"

/*
 * "Did you mean": the one of several names that somebody who wrote another
 * is likely to have meant.
 *
 *     nearest_init(&n, wanted);
 *     for each name: nearest_offer(&n, name);
 *     if (n.best.length > 0) ...
 *
 * How many slips are forgiven grows with the length of the shorter name: none
 * up to 2 letters, one up to 4, two up to 9, three above.  The first of several that are
 * equally near wins; the name itself is no suggestion.
 */
struct nearest {
    struct span wanted;
    struct span best;  /* borrowed from whoever offered it; absent: none */
    unsigned distance; /* only what is nearer is taken */
};

void nearest_init(struct nearest *n, struct span wanted);
void nearest_offer(struct nearest *n, struct span candidate);

/* Edit distance without case (insert, delete, replace, swap of neighbours);
 * max + 1 for anything larger than max, and for names above 600 bytes. */
unsigned nearest_distance(struct span a, struct span b, unsigned max);

#endif
