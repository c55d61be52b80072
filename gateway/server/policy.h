#ifndef GATEWAY_SERVER_POLICY_H
#define GATEWAY_SERVER_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "policy/decision/decision.h"

/*
 * The policy image that a worker decides by.  None (missing, corrupt) means
 * that everything is answered 503.
 */
struct policy_holder {
    const char *state_dir;
    struct policy_image *image;
    bool known; /* `seen` is the file that image (or its absence) is from */
    struct stat seen;
};

void policy_holder_init(struct policy_holder *h, const char *state_dir);
void policy_holder_fini(struct policy_holder *h);
/* Maps the file anew, whatever it is.  On failure there is no image any
 * more: -1. */
int policy_holder_load(struct policy_holder *h, struct error *err);
/* True when the file is not the one that was loaded. */
bool policy_holder_changed(const struct policy_holder *h);
/* 0: no image. */
uint64_t policy_holder_generation(const struct policy_holder *h);

#endif
