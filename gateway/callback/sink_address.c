/* Which addresses a sink's name may lead to (threat 28). */
#include "gateway/callback/callback.h"

bool
sink_address_is_allowed(const struct config_callback *config,
                        const struct sockaddr *address)
{
    uint8_t bytes[16];
    enum address_kind kind = config_address_kind(address, bytes);

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return false;
    for (size_t i = 0; i < config->network_count; i++) {
        if (config_network_holds(&config->networks[i], bytes))
            return true;
    }
    return kind == ADDRESS_GLOBAL;
}
