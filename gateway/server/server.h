#ifndef GATEWAY_SERVER_SERVER_H
#define GATEWAY_SERVER_SERVER_H

#include "gateway/config/config.h"
#include "policy/base/base.h"

/*
 * The gateway as a whole: the master and the processes it keeps (worker,
 * recorder, keeper), and the steps a request goes through.  Everything else
 * under gateway/ is put together here and nowhere else.
 */

/*
 * Runs until SIGTERM or SIGINT; takes config.  Returns the exit status: 0
 * after a drain, 1 when it could not start (err says why; nothing was
 * listening) or a process it needs could not be kept.
 */
int master_run(struct config *config, struct error *err);

/*
 * What can be known without binding or starting anything, beyond config_load:
 * that keytabs, certificates, keys and secrets can be used, and that state_dir
 * is store_user's.  0, or -1 with "FILE:LINE: " of the key.
 */
int files_check(const struct config *config, struct error *err);
/* The same in a process of its own, which takes what it read of keys with it:
 * for one that goes on. */
int files_check_apart(const struct config *config, struct error *err);
/* Whether routes of namespaces that require encryption, by the policy in
 * force, lead to servers over private ways (threat 29).  Without a policy
 * there is nothing to find.  One that does not serves the others, so that it
 * is no reason not to start. */
int hops_check(const struct config *config, struct error *err);
/* The same of routes whose requests say their namespaces: -1 and one that
 * would be refused, although others may pass. */
int hops_warn(const struct config *config, struct error *err);
/* Certificates, keys and secrets of the listeners alone. */
int listener_files_check(const struct config *config, struct error *err);

#endif
