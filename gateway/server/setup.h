#ifndef GATEWAY_SERVER_SETUP_H
#define GATEWAY_SERVER_SETUP_H

#include <sys/stat.h>

#include "gateway/config/config.h"
#include "gateway/server/listener.h"
#include "gateway/server/upstreams.h"
#include "gateway/sys/sys.h"

/* A keytab read into a memory file; fd -1: none. */
struct key_file {
    int fd;
    struct stat seen; /* the file it was read from */
};

/* The processes of a gateway but the master. */
enum child_kind {
    CHILD_WORKER = 1,
    CHILD_RECORDER,
    CHILD_KEEPER,
    CHILD_DISPATCHER,
    CHILD_COURIER,
    CHILD_CLERK,
};

/*
 * One configuration with everything opened that it names.  A reload makes a
 * second one beside the first and swaps them when its workers are ready.
 */
struct setup {
    struct config *config; /* owned */
    struct listener_set listeners;
    struct upstream_set upstreams;
    struct session_keys session_keys;
    struct account user, store_user;
    int state_fd; /* state_dir, locked; children share the lock */
    struct key_file keytab, client_keytab;
    int access_fd;  /* -1: off */
    int tickets_fd; /* the clerk's last word, for new workers; -1: none yet */
};

#define KEYTAB_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Takes config, also on failure. previous: sockets are shared with it, and
 * what needs a restart must be the same; NULL at the start, when a gateway
 * that runs with one of the directories is a failure. */
int setup_open(struct setup *s, struct config *config,
               const struct setup *previous, struct error *err);
/* From the file; err has "FILE:LINE: " of the key. */
int session_keys_load(const struct config *c, struct session_keys *out,
                      struct error *err);
/* How many there are to be of a kind that is of a setup. */
size_t setup_children(const struct setup *s, enum child_kind kind);
void setup_close(struct setup *s, const struct setup *successor);

#endif
