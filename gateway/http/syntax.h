#ifndef GATEWAY_HTTP_SYNTAX_H
#define GATEWAY_HTTP_SYNTAX_H

#include "gateway/http/http.h"

/*
 * What the lines of a message may hold, the same for what comes in, for what
 * goes out, and for messages inside of a sealed body.  Needs no HTTP library.
 */

/* RFC 9110 5.6.2 */
bool syntax_is_token(struct span s);
/* RFC 9110 5.5: no control characters but the tab. */
bool syntax_is_field_value(struct span s);
/* Digits, 18 of them at most; nothing else. */
bool syntax_parse_length(struct span text, uint64_t *out);
/* A status that ends an exchange, and no header in which a line could end
 * (threat 27). */
bool syntax_response_is_clean(const struct http_response *response);
bool syntax_headers_are_clean(const struct http_header *headers, size_t count);
/* No body and no length goes with it (RFC 9110 8.6, 15.4.5). */
bool syntax_status_is_bodiless(int status);

#endif
