#include "gateway/server/messages.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

int
message_send(int fd, enum message_type type, uint64_t generation, int result,
             const char *text, int passed_fd)
{
    struct message m;

    memset(&m, 0, sizeof(m));
    m.generation = generation;
    m.result = result;
    if (text != NULL)
        snprintf(m.text, sizeof(m.text), "%s", text);
    return channel_send(fd, type, &m, sizeof(m), passed_fd);
}

int
message_receive(int fd, uint32_t *type_out, struct message *message_out,
                int *fd_out)
{
    struct channel_message raw;
    int got = channel_receive(fd, &raw);

    *fd_out = -1;
    if (got <= 0)
        return got;
    if (raw.length != sizeof(*message_out)) {
        if (raw.fd >= 0)
            close(raw.fd);
        return -1;
    }
    memcpy(message_out, raw.body, sizeof(*message_out));
    message_out->text[sizeof(message_out->text) - 1] = '\0';
    *type_out = raw.type;
    *fd_out = raw.fd;
    return 1;
}
