#ifndef GATEWAY_HTTP_ADMISSION_H
#define GATEWAY_HTTP_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/*
 * Which requests come in at all (threats 20, 21).  The HTTP library forgives
 * what a proxy in front may read in another way; whoever forgives differently
 * from its neighbour can be smuggled past.  So nothing is repaired here: a
 * request has one reading or none.
 *
 * Both functions only look at what they are given, so that a table of tests
 * and a fuzzer can give them anything.
 */

/* A header line as received: the value without the white space before it,
 * but with what follows it. */
struct http_field {
    struct span name;
    struct span value;
};

struct admission_request {
    struct span method, target, version;
    const struct http_field *fields;
    size_t count;
    size_t token_max; /* of Authorization's value; 0: no limit */
    size_t body_max;
};

/* Zeroed it refuses. */
struct admission {
    bool admitted;
    int status;         /* of the refusal */
    const char *reason; /* a literal, for the event and the answer */
    bool chunked;
    bool expects_continue;
    bool last;               /* no other request will come on the connection */
    uint64_t content_length; /* 0 when chunked */
};

void admission_check(const struct admission_request *request,
                     struct admission *out);

/*
 * The bytes of the request line and the headers, as the library leaves them
 * behind: it works in place and overwrites each separator (the two spaces of
 * the request line, CR, LF and the first colon of a line) with NUL.
 */
struct admission_wire {
    const char *method, *target, *version; /* each NUL-terminated */
    size_t target_length; /* before the library took the query apart */
    const struct http_field *fields;
    size_t count;
    size_t header_size; /* from method to behind the empty line */
};

/*
 * True if request line, fields and separators of the right size are all that
 * was received.  Finds a line that ends in LF alone, a NUL inside a line, a
 * folded line (RFC 9112 5.2), and more than one space in the request line:
 * all that the library swallows without a trace.  A NUL that takes a CR's
 * place before LF looks like one: no line gets longer or shorter by it.
 */
bool admission_covers(const struct admission_wire *wire);

#endif
