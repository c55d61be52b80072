#ifndef GATEWAY_WSMAN_TEXT_H
#define GATEWAY_WSMAN_TEXT_H

#include "policy/base/base.h"

/*
 * Brings a document into the one form that the parser is given: UTF-8,
 * without byte order mark and XML declaration.  So the parser has no encoding
 * to choose, and no converter is loaded for it.
 *
 * NULL, or what is wrong.  Running out of memory shows in out.
 */
const char *text_read(struct span bytes, struct buf *out);

#endif
