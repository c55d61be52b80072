#ifndef GATEWAY_CALLBACK_OUTBOX_H
#define GATEWAY_CALLBACK_OUTBOX_H

#include "gateway/callback/callback.h"

#endif
