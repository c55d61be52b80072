#ifndef GATEWAY_WSMAN_TEXT_H
#define GATEWAY_WSMAN_TEXT_H

#include "gateway/wsman/wsman.h"

/*
 * Brings a document into the one form that the parser is given: UTF-8,
 * without byte order mark and XML declaration.  So the parser has no encoding
 * to choose, and no converter is loaded for it.
 *
 * NULL, or what is wrong; *charset_out in either case is what its first bytes
 * say.  Running out of memory shows in out.
 */
const char *text_read(struct span bytes, enum wsman_charset *charset_out,
                      struct buf *out);

#endif
