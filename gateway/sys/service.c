#include "gateway/sys/sys.h"

#include <systemd/sd-daemon.h>

void
service_notify(const char *state)
{
    sd_notify(0, state);
}

uint32_t
service_watchdog_ms(void)
{
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    return (uint32_t)(usec / 2000);
}
