#ifndef GATEWAY_SERVER_CREDENTIAL_H
#define GATEWAY_SERVER_CREDENTIAL_H

#include "gateway/auth/auth.h"

/*
 * The credential of a changed client keytab, as the master passes it on; the
 * master is told how that went.  NULL: it is no good, and the one that is
 * there stays (threat 36).  principal NULL: the keytab's first.
 */
struct client_credential *credential_receive(int master_fd, int keytab_fd,
                                             const char *principal);

#endif
