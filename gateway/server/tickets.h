#ifndef GATEWAY_SERVER_TICKETS_H
#define GATEWAY_SERVER_TICKETS_H

#include <stdbool.h>

#include "policy/base/base.h"

/*
 * The tickets for the servers of routes, on their way from the clerk to the
 * workers: all there are in one memory file, each time anything changes.
 */
struct ticket_entry {
    struct span service; /* as config_upstream has it */
    struct span ticket;  /* as client_credential_ticket made it; empty: none */
    struct span failure; /* of the last attempt; empty: it was good */
};

#define TICKETS_BYTES_MAX ((size_t)64 * 1024 * 1024)

void ticket_entry_add(struct buf *out, const struct ticket_entry *e);
/* Takes the first of rest; false: there is none, and if rest is not empty it
 * is damaged. */
bool ticket_entry_next(struct span *rest, struct ticket_entry *out);

#endif
