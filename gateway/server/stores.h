#ifndef GATEWAY_SERVER_STORES_H
#define GATEWAY_SERVER_STORES_H

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"

/* The processes that own state_dir, under store_user. */
struct store_boot {
    const struct config *config;
    struct account account;
    int master_fd;
    int event_fd; /* dispatcher: channel to the recorder; -1: none */
};

/* The event log's only writer.  It gets each process's channel from the
 * master (MESSAGE_SOURCE) and ends when the master is gone and every channel
 * is drained. */
int recorder_main(const struct store_boot *boot);

/* Holds the repository open, so that workers may read it, and makes the
 * policy image of a compile that ended between commit and activation. */
int keeper_main(const struct store_boot *boot);

/* Keeps the outbox of asynchronous operations.  It gets the channels of
 * workers and couriers from the master (MESSAGE_SOURCE). */
int dispatcher_main(const struct store_boot *boot);

/* Delivers what the dispatcher gives it, under the workers' user. */
struct courier_boot {
    const struct config *config;
    struct account account;
    int master_fd, dispatcher_fd;
    int client_keytab_fd;
};

int courier_main(const struct courier_boot *boot);

/* Gets the tickets that workers sign in to upstreams with, under their
 * user. */
struct clerk_boot {
    const struct config *config;
    struct account account;
    int master_fd;
    int client_keytab_fd;
};

int clerk_main(const struct clerk_boot *boot);

#endif
