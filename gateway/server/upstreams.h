#ifndef GATEWAY_SERVER_UPSTREAMS_H
#define GATEWAY_SERVER_UPSTREAMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/config/config.h"
#include "gateway/proxy/proxy.h"

/*
 * The addresses of the names of routes' servers, which the master finds
 * before it makes workers, and a process of its own later (resolver.h): workers
 * may not ask name servers, since the C library does that in a way that the
 * sandbox forbids.
 */
struct upstream_set {
    size_t count;
    char **addresses; /* as proxy_options has them */
    bool *lost; /* of names that could not be found when last asked for */
    /* What each worker thinks of each server: enum upstream_state, the
     * worker's slot before the server.  Shared memory. */
    _Atomic uint8_t *states;
};

enum upstream_state {
    UPSTREAM_UNSAID = 0, /* there is no such worker */
    UPSTREAM_UP,
    UPSTREAM_DOWN,
};

struct upstream_tally {
    unsigned up, down; /* workers that think so */
};

/* A name that cannot be found is a warning in the log: its server counts as
 * unreachable until it is found. */
int upstream_set_open(const struct config *config, struct upstream_set *out,
                      struct error *err);
void upstream_set_close(struct upstream_set *set);
/* slot: the worker's own. */
void upstream_set_tell(const struct upstream_set *set, size_t slot,
                       size_t upstream, bool up);
/* The worker is gone. */
void upstream_set_forget(const struct upstream_set *set, size_t slot);
struct upstream_tally upstream_set_tally(const struct upstream_set *set,
                                         size_t upstream);
/* Whether the files of routes are what they are for, and can be read by
 * `user`, who does so for each connection: 0, or -1 with "FILE:LINE: " of the
 * key. */
int upstream_files_check(const struct config *config, struct error *err);

#endif
