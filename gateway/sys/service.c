#include "gateway/sys/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

int
service_socket(const char *name)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(0, &names), found = -1;

    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (found < 0 && strcmp(names[i], name) == 0) {
            found = fcntl(fd, F_DUPFD_CLOEXEC, 3);
            if (found >= 0)
                fcntl(found, F_SETFL, fcntl(found, F_GETFL) | O_NONBLOCK);
        }
        free(names[i]);
    }
    free(names);
    return found;
}
