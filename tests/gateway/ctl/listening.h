#ifndef TESTS_GATEWAY_CTL_LISTENING_H
#define TESTS_GATEWAY_CTL_LISTENING_H

#include <stdio.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "tests/gateway/ctl/sink_client.h"

/*
 * nsgatectl listen in a child, for a realm_test: on localhost, with the
 * realm's keytab, at /results?a=b.
 */
struct listening {
    pid_t pid;
    unsigned port;
    FILE *errors; /* what it says on stderr */
    char output[600];
    const char *ca; /* NULL: http */
};

#define ID     "00112233445566778899aabbccddeeff"
#define MUTUAL 0x2u
#define INTEG  0x20u
#define FULL   0x3eu /* MUTUAL REPLAY SEQUENCE CONF INTEG */
#define DATA_HEADERS(n)                                                       \
    "Content-Type: application/json\r\nNsgate-Operation: " ID                 \
    "\r\nIdempotency-Key: \"" ID "-" n "\"\r\n"
#define BATCH                                                                 \
    SPAN("{\"kind\":\"indicate\",\"operation\":\"" ID                         \
         "\",\"namespace\":\"root\\\\A\",\"batch\":1,"                        \
         "\"objects\":[{\"a\":\"x\\u001b[2J\"},{\"b\":9007199254740991}]}")
#define STATUS(hresult)                                                       \
    SPAN("{\"kind\":\"setstatus\",\"operation\":\"" ID                        \
         "\",\"hresult\":\"" hresult                                          \
         "\",\"symbol\":\"WBEM_X\",\"batches\":1,\"objects\":2}")

/* Its options, up to ten, NULL-terminated, or NULL. */
void listening_start(struct listening *l, bool tls,
                     const char *const *options);
/* Its clock goes on by eleven hours: tickets last ten. */
void listening_move_clock(struct listening *l);
/* The exit status; what it printed stays in l->output. */
int listening_end(struct listening *l);
int listening_stop(struct listening *l);
/* True if a line with text comes on stderr. */
bool listening_complains(struct listening *l, const char *text);
/* The n-th line of the output as JSON; NULL: there is none. */
cJSON *listening_output(const struct listening *l, size_t n);
/* A connection with alice's login at PktPrivacy. */
void listening_connect(struct listening *l, struct sink_client *c);

/* A text or boolean member. */
const char *json_member(const cJSON *object, const char *key);

#endif
