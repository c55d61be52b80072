#ifndef GATEWAY_SERVER_DISPATCHER_H
#define GATEWAY_SERVER_DISPATCHER_H

#include "gateway/callback/callback.h"
#include "gateway/event/event.h"
#include "policy/repository/repository.h"

/*
 * Carrying out one operation (execution.c): it reads what the request asked
 * for from the repository, in parts, and puts it into the outbox.  What was
 * accepted was decided; what is sent is decided again, by who sends it.
 */
struct execution;

enum execution_result {
    EXECUTION_FAILED = 0, /* the stores; the operation is as it was */
    EXECUTION_MORE,
    EXECUTION_DONE, /* READY or DELIVERING now */
};

/* NULL: there is no such operation any more. */
struct execution *execution_begin(struct outbox *outbox, const char *id);
enum execution_result execution_step(struct execution *x,
                                     struct repository *repo,
                                     struct error *err);
void execution_free(struct execution *x); /* NULL is fine */

#endif
