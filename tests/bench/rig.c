#include "tests/bench/rig.h"

#include <errno.h>
#include <gssapi/gssapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/auth/auth.h"

void
rig_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

double
rig_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

size_t
rig_number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (value == 0 || *end != '\0')
        rig_die(text);
    return value;
}

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
