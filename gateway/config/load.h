#ifndef GATEWAY_CONFIG_LOAD_H
#define GATEWAY_CONFIG_LOAD_H

#include "gateway/config/config.h"

/* config_load of text in memory, called name in messages; no conf.d. */
int config_load_text(const char *name, struct span text,
                     struct config **config_out, struct error *err);

#endif
