/* session_open: only what session_seal made with the same key and realm is
 * ever good; bytes 0 to 31 are the key, what follows is shown as it is and
 * with one byte of a good one changed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition))                                                     \
            abort();                                                          \
    } while (0)

static void
check_changed(struct session_box *b, const uint8_t *data, size_t size)
{
    static struct auth_result who;
    struct session s = {.expires_us = 1000};
    char text[SESSION_TEXT_MAX];
    size_t at;

    memset(&who, 0, sizeof(who));
    who.outcome = AUTH_OK;
    strcpy(who.principal, "a@B");
    who.realm = who.principal + 2;
    who.gss_flags = 0x3e;
    who.declared = declared_level(0x3e, false);
    REQUIRE(session_seal(b, SPAN("r"), &who, &s, text));
    REQUIRE(session_open(b, SPAN("r"), span_of(text), 1, &who, &s));
    if (size < 3)
        return;
    at = (size_t)(data[0] << 8 | data[1]) % strlen(text);
    if (text[at] == (char)data[2])
        return;
    text[at] = (char)data[2];
    REQUIRE(!session_open(b, SPAN("r"), span_of(text), 1, &who, &s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct auth_result who;
    struct session_keys keys = {.count = 1};
    struct session_box *b;
    struct session s;

    session_keys_parse((struct span){(const char *)data, size}, &keys, NULL);
    keys = (struct session_keys){.count = 1};
    if (size < SESSION_KEY_BYTES)
        return 0;
    memcpy(keys.bytes[0], data, SESSION_KEY_BYTES);
    REQUIRE(session_box_new(&keys, &b, NULL) == 0);
    data += SESSION_KEY_BYTES;
    size -= SESSION_KEY_BYTES;
    REQUIRE(!session_open(
        b, SPAN("r"), (struct span){(const char *)data, size}, 0, &who, &s));
    REQUIRE(who.outcome == AUTH_REFUSED && who.principal[0] == '\0');
    check_changed(b, data, size);
    session_box_free(b);
    return 0;
}
