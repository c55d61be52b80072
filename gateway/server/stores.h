#ifndef GATEWAY_SERVER_STORES_H
#define GATEWAY_SERVER_STORES_H

#include "gateway/config/config.h"
#include "gateway/sys/sys.h"

/* The two processes that own state_dir, under store_user. */
struct store_boot {
    const struct config *config;
    struct account account;
    int master_fd;
};

/* The event log's only writer.  It gets each process's channel from the
 * master (MESSAGE_SOURCE) and ends when the master is gone and every channel
 * is drained. */
int recorder_main(const struct store_boot *boot);

/* Holds the repository open, so that workers may read it, and makes the
 * policy image of a compile that ended between commit and activation. */
int keeper_main(const struct store_boot *boot);

#endif
