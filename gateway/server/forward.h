#ifndef GATEWAY_SERVER_FORWARD_H
#define GATEWAY_SERVER_FORWARD_H

#include "gateway/server/request.h"

/* -- forward_answer.c: what the server behind the gateway answers ------------ */

/* Handlers of a transfer (proxy.h); arg is the request. */
void forward_head(void *arg, const struct proxy_answer *answer);
void forward_failed(void *arg, enum proxy_failure failure, const char *detail);
void forward_readable(void *arg);

/* Event 160: there is no answer to pass on. */
void forward_refused(struct request *r, const char *reason,
                     const char *detail);
void forward_answer_failure(struct request *r, enum proxy_failure failure);

#endif
