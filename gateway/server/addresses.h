#ifndef GATEWAY_SERVER_ADDRESSES_H
#define GATEWAY_SERVER_ADDRESSES_H

#include <stdbool.h>

#include "policy/base/base.h"

/*
 * The addresses of a name as proxy_options has them: "192.0.2.7,[2001:db8::7]",
 * at most ADDRESSES_MAX of them; they fit into a message.
 */
#define ADDRESSES_MAX 16

/* Waits for name servers.  "", and a literal in *why, if there is none; in a
 * buffer that failed if there is no memory. */
void addresses_find(const char *host, struct buf *out, const char **why);
/* At least one, and nothing else. */
bool addresses_are_sound(const char *text);
/* In any order. */
bool addresses_are_same(const char *a, const char *b);

#endif
