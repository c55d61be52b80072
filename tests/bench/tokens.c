#include "tests/bench/rig.h"

#include <gssapi/gssapi.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/auth.h"

char **
rig_tokens(const char *ccache, size_t count)
{
    const struct initiator_options options = {.spn = "HTTP@localhost",
                                              .req_flags = GSS_C_MUTUAL_FLAG,
                                              .ccache = ccache};
    char **tokens = calloc(count, sizeof(*tokens));
    struct error err = {0, ""};

    if (tokens == NULL)
        rig_die("tokens");
    for (size_t n = 0; n < count; n++) {
        struct initiator *i;

        if (initiator_new(&options, &i, &err) < 0)
            rig_die(err.text);
        tokens[n] = strdup(initiator_token(i));
        initiator_free(i);
        if (tokens[n] == NULL)
            rig_die("tokens");
    }
    return tokens;
}
