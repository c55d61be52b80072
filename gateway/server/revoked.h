#ifndef GATEWAY_SERVER_REVOKED_H
#define GATEWAY_SERVER_REVOKED_H

#include <stdbool.h>

#include "gateway/auth/auth.h"
#include "gateway/sys/sys.h"

/*
 * Sessions that were logged out before their end: a table in memory that all
 * workers share, and in a file, so that a restart forgets none.  It has a
 * size; what does not fit any more ends sessions that were not logged out
 * instead of keeping one alive that was.
 */
struct revoked;

#define REVOKED_FILE "sessions.revoked"

/* Made by the master before it has children; owner: of a new file. */
struct revoked *revoked_open(const char *state_dir,
                             const struct account *owner, struct error *err);
void revoked_close(struct revoked *t);
void revoked_add(struct revoked *t, const struct session *s, int64_t now_us);
/* Costs no system call. */
bool revoked_has(const struct revoked *t, const struct session *s);

#endif
