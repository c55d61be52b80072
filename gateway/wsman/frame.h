#ifndef GATEWAY_WSMAN_FRAME_H
#define GATEWAY_WSMAN_FRAME_H

#include "gateway/wsman/wsman.h"

/* The envelope's start and its header, to the start of the body.  Prefixes:
 * s SOAP, a addressing, w WS-Management, n enumeration, b CIM binding. */
void frame_begin(struct buf *out, const char *action, const char *answer_id,
                 const char *relates_to);
void frame_end(struct buf *out);
/* Bytes of frame_end. */
#define FRAME_END_BYTES (sizeof("</s:Body></s:Envelope>") - 1)

#endif
