#include "gateway/server/credential.h"

#include "gateway/server/messages.h"

struct client_credential *
credential_receive(int master_fd, int keytab_fd, const char *principal)
{
    struct client_credential *c = NULL;
    struct error err = {0, ""};
    int result = client_credential_new(keytab_fd, principal, &c, &err);

    message_send(master_fd, MESSAGE_KEYTAB_SET, 0, result,
                 result < 0 ? err.text : client_credential_principal(c), -1);
    return result < 0 ? NULL : c;
}
