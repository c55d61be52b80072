#ifndef TESTS_GATEWAY_WSMAN_STORE_H
#define TESTS_GATEWAY_WSMAN_STORE_H

#include "tests/gateway/wsman/envelopes.h"
#include "tests/support/stored.h"

/* The envelope that answers one with these headers and this body, within a
 * transaction; the result of wsman_answer, for which it has to be accepted. */
enum wsman_answer store_ask(struct repository *repo, const char *headers,
                            const char *body, size_t bytes_max,
                            struct buf *out, struct wsman_refusal *refusal);

#endif
