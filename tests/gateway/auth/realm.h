#ifndef TESTS_GATEWAY_AUTH_REALM_H
#define TESTS_GATEWAY_AUTH_REALM_H

#include "gateway/auth/auth.h"
#include "tests/support/support.h"

/*
 * One throw-away realm for all tests of this program, started before the
 * first and stopped after the last (tests/realm/realm.sh); and, a test, a
 * directory, alice's ticket and an acceptor of HTTP@localhost.
 *
 * Tests that change keys or break things start a realm of their own.
 */
struct realm_test {
    char directory[256]; /* this test's, removed after it */
    char ccache[300];    /* alice's ticket */
    struct acceptor *acceptor;
    struct auth_result result; /* of realm_accept */
    char cause[1024];          /* of the last failure */
};

extern struct realm_test test;

void realm_setup(void);
void realm_teardown(void); /* also checks for leaks */
#define REALM_SUITE(name)                                                     \
    TestSuite(name, .init = realm_setup, .fini = realm_teardown,              \
              .timeout = 120.0)

/* DIR/name of the realm in use; up to four results live at once. */
const char *realm_path(const char *name);
void realm_use(const char *directory);
/* Another KDC with the same realm name, which is used from now on; stopped
 * with the shared one. */
void realm_start_own(void);
/* A ticket of another user, or of the realm in use; in the test's directory;
 * up to four results live at once. */
const char *realm_kinit(const char *user);

/* A memory file with the keytab; the caller closes it. */
int realm_keytab(const char *path);
struct acceptor *realm_acceptor(const char *keytab_path, size_t name_count,
                                const char *const *names);

/* A context towards HTTP@localhost from alice's ticket; fails the test when
 * it can't be made. */
struct initiator *realm_initiator(uint32_t flags, bool no_ci, bool raw);
/* The value of an Authorization header, malloc'ed. */
char *realm_header(const char *token);
/* Gives the token to the acceptor; fills test.result. */
enum auth_outcome realm_accept(const char *token);
enum auth_outcome realm_accept_header(struct acceptor *a, const char *header,
                                      const struct channel_binding *binding);
/* Makes a token, gives it, releases the client. */
enum auth_outcome realm_try(uint32_t flags, bool no_ci, bool raw);

/* The clock that this program, libkrb5 included, sees. */
void realm_move_clock(int seconds);

#endif
