#ifndef GATEWAY_SERVER_RESOLVER_H
#define GATEWAY_SERVER_RESOLVER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Names of upstreams looked up again while the gateway runs.  Looking up
 * waits for name servers, loads code of the C library and parses what a
 * network sent: neither the master nor a worker does it, but a process of
 * `user` that lives for one round and sends what it finds.
 */
struct master;
struct setup;

struct resolver {
    int fd;    /* its channel; -1: none is at work */
    pid_t pid; /* 0: none, or it is gone */
    const struct setup *setup;
    uint64_t due_ms;
};

/* Begins a round if one is due. */
void resolver_tick(struct master *m);
void resolver_reaped(struct master *m, pid_t pid, int status);
/* Ends the one at work: what its setup names is no longer wanted. */
void resolver_stop(struct master *m);

#endif
