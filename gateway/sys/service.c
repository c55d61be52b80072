#include "gateway/sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/*
 * The protocol of sd_notify(3), which waits while the manager does not read;
 * nothing of ours may.
 */
bool
service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length;
    bool sent = true;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof(address.sun_path))
        return true;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    if (sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
               (struct sockaddr *)&address, length) < 0)
        sent = errno != EAGAIN && errno != EWOULDBLOCK;
    close(fd);
    return sent;
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
