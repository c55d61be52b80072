#ifndef TESTS_GATEWAY_CONFIG_WRITTEN_H
#define TESTS_GATEWAY_CONFIG_WRITTEN_H

#include <sys/stat.h>

#include "gateway/config/config.h"
#include "tests/support/support.h"

/*
 * Configurations written in tests.  "DIR" in them is the test's directory,
 * which has the files that they name: keytab, crt, key, client, secret and
 * bad ones (written.c).
 */

/* Eight lines. */
#define BASE                                                                  \
    "[nsgate]\n"                                                              \
    "state_dir = DIR/state\n"                                                 \
    "runtime_dir = DIR/run\n"                                                 \
    "keytab = DIR/keytab\n"                                                   \
    "acceptor = HTTP@gw.example.com\n"                                        \
    "realms = EXAMPLE.COM\n"                                                  \
    "user = root\n"                                                           \
    "store_user = root\n"

#define CLEAR "[listener/clear]\nbind = 127.0.0.1:5985\n"

const char *written_dir(void); /* one a test */
void written_put(const char *name, const char *text, mode_t mode);
/* Makes those files, once; written_expand does it too. */
void written_files(void);
/* DIR becomes the test's directory; malloc'ed. */
char *written_expand(const char *text);
/* As a file named t.conf. */
int written_load(const char *text, struct config **c, struct error *err);
struct config *written_load_good(const char *text);
void written_refused(const char *text, const char *message);
/* Whether it is one of c's warnings, DIR expanded. */
bool written_warns(const struct config *c, const char *text);

struct written_bad {
    const char *text;
    const char *message;
};

#endif
