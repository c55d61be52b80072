#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/base64.h"

#define NONCE_BYTES 12
#define TAG_BYTES   16
#define PLAIN_MAX   (sizeof(struct plain) + AUTH_PRINCIPAL_MAX)

/* In clear in front: which key it was.  Wrong, it only costs a try. */
#define KEY_NAME_BYTES 4

/*
 * What is sealed, before the principal.  All nodes that share keys are of one
 * version: a field is added by counting it up, and sessions begin anew.
 */
struct plain {
    uint32_t version;
    uint32_t gss_flags;
    int64_t expires_us;
    int64_t ticket_end_us;
    unsigned char id[16];
    uint8_t declared, impersonation, bound, reserved;
    uint16_t principal_length;
    uint16_t realm_at;
};

#define PLAIN_VERSION 1

struct session_key {
    unsigned char name[KEY_NAME_BYTES];
    gnutls_aead_cipher_hd_t cipher;
};

struct session_box {
    size_t count;
    struct session_key keys[SESSION_KEYS_MAX];
};

/* -- keys ----------------------------------------------------------------- */

int
session_keys_parse(struct span text, struct session_keys *out,
                   struct error *err)
{
    unsigned line_number = 0;

    *out = (struct session_keys){0};
    while (text.data != NULL) {
        struct span line = span_trim(span_cut(text, '\n', &text));
        unsigned char key[SESSION_KEY_BYTES + 4];
        size_t length = 0;

        line_number++;
        if (line.length > 0 && line.data[line.length - 1] == '\r')
            line.length--;
        if (line.length == 0 || line.data[0] == '#')
            continue;
        if (base64_decoded_max(line.length) > sizeof(key) ||
            !base64_decode(line, key, &length) || length != SESSION_KEY_BYTES)
            return error_set(err, "line %u is not 32 bytes in base64",
                             line_number);
        if (out->count == SESSION_KEYS_MAX)
            return error_set(err, "more than %d keys", SESSION_KEYS_MAX);
        memcpy(out->bytes[out->count++], key, SESSION_KEY_BYTES);
        explicit_bzero(key, sizeof(key));
    }
    return out->count > 0 ? 0 : error_set(err, "there is no key in it");
}

void
session_keys_random(struct session_keys *out)
{
    *out = (struct session_keys){.count = 1};
    if (gnutls_rnd(GNUTLS_RND_KEY, out->bytes[0], SESSION_KEY_BYTES) < 0)
        abort(); /* the system has no random numbers */
}

void
session_keys_wipe(struct session_keys *keys)
{
    explicit_bzero(keys, sizeof(*keys));
}

static int
key_open(struct session_key *k, const unsigned char *bytes, struct error *err)
{
    unsigned char digest[32];
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)bytes,
                            SESSION_KEY_BYTES};
    int rc;

    rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, SESSION_KEY_BYTES, digest);
    if (rc == 0)
        rc = gnutls_aead_cipher_init(&k->cipher, GNUTLS_CIPHER_AES_256_GCM,
                                     &datum);
    if (rc < 0)
        return error_set(err, "session key: %s", gnutls_strerror(rc));
    memcpy(k->name, digest, KEY_NAME_BYTES);
    return 0;
}

int
session_box_new(const struct session_keys *keys, struct session_box **out,
                struct error *err)
{
    struct session_box *b = calloc(1, sizeof(*b));

    *out = NULL;
    if (b == NULL)
        return error_set_errno(err, ENOMEM, "sessions");
    for (size_t i = 0; i < keys->count; i++) {
        if (key_open(&b->keys[i], keys->bytes[i], err) < 0) {
            session_box_free(b);
            return -1;
        }
        b->count++;
    }
    *out = b;
    return 0;
}

void
session_box_free(struct session_box *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->count; i++)
        gnutls_aead_cipher_deinit(b->keys[i].cipher);
    free(b);
}

/* -- the text ------------------------------------------------------------- */

/* base64url without padding (RFC 4648 5). */
static bool
text_make(const unsigned char *bytes, size_t length, char *out, size_t max)
{
    char *text = base64_encode(bytes, length);
    size_t n = text != NULL ? strcspn(text, "=") : max;

    for (size_t i = 0; i < n && n < max; i++)
        out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    if (n < max)
        out[n] = '\0';
    free(text);
    return n < max;
}

static bool
text_read(struct span text, unsigned char *out, size_t max, size_t *length)
{
    char padded[SESSION_TEXT_MAX + 4];
    size_t n = text.length;

    if (n == 0 || n >= SESSION_TEXT_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text.data[i];

        if (c == '+' || c == '/' || c == '=')
            return false;
        padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (n % 4 != 0)
        padded[n++] = '=';
    return base64_decoded_max(n) <= max &&
           base64_decode((struct span){padded, n}, out, length);
}

/* -- sealing -------------------------------------------------------------- */

bool
session_seal(struct session_box *b, struct span realm,
             const struct auth_result *who, struct session *session,
             char out[SESSION_TEXT_MAX])
{
    unsigned char plain[PLAIN_MAX];
    unsigned char sealed[KEY_NAME_BYTES + NONCE_BYTES + PLAIN_MAX + TAG_BYTES];
    size_t length = strlen(who->principal), sealed_length;
    struct plain p = {
        .version = PLAIN_VERSION,
        .gss_flags = who->gss_flags,
        .expires_us = session->expires_us,
        .ticket_end_us = who->expires_us,
        .declared = (uint8_t)who->declared,
        .impersonation = (uint8_t)who->impersonation,
        .bound = who->bound,
        .principal_length = (uint16_t)length,
    };
    bool ok;

    if (b->count == 0 || who->outcome != AUTH_OK || who->anonymous ||
        who->realm == NULL || length == 0)
        return false;
    p.realm_at = (uint16_t)(who->realm - who->principal);
    if (gnutls_rnd(GNUTLS_RND_RANDOM, p.id, sizeof(p.id)) < 0 ||
        gnutls_rnd(GNUTLS_RND_NONCE, sealed + KEY_NAME_BYTES, NONCE_BYTES) < 0)
        return false;
    memcpy(session->id, p.id, sizeof(p.id));
    memcpy(plain, &p, sizeof(p));
    memcpy(plain + sizeof(p), who->principal, length);
    memcpy(sealed, b->keys[0].name, KEY_NAME_BYTES);
    sealed_length = sizeof(sealed) - KEY_NAME_BYTES - NONCE_BYTES;
    ok = gnutls_aead_cipher_encrypt(
             b->keys[0].cipher, sealed + KEY_NAME_BYTES, NONCE_BYTES,
             realm.data, realm.length, TAG_BYTES, plain, sizeof(p) + length,
             sealed + KEY_NAME_BYTES + NONCE_BYTES, &sealed_length) == 0;
    return ok &&
           text_make(sealed, KEY_NAME_BYTES + NONCE_BYTES + sealed_length, out,
                     SESSION_TEXT_MAX);
}

/* -- opening -------------------------------------------------------------- */

static bool
refuse(struct auth_result *who, const char *cause)
{
    who->outcome = AUTH_REFUSED;
    who->principal[0] = '\0';
    who->realm = NULL;
    snprintf(who->cause, sizeof(who->cause), "%s", cause);
    who->remedy = "Sign in again with a ticket.";
    return false;
}

static bool
decrypt(struct session_box *b, struct span realm, const unsigned char *sealed,
        size_t length, unsigned char *plain, size_t *plain_length)
{
    for (size_t i = 0; i < b->count; i++) {
        size_t room = PLAIN_MAX;

        if (memcmp(b->keys[i].name, sealed, KEY_NAME_BYTES) == 0 &&
            gnutls_aead_cipher_decrypt(
                b->keys[i].cipher, sealed + KEY_NAME_BYTES, NONCE_BYTES,
                realm.data, realm.length, TAG_BYTES,
                sealed + KEY_NAME_BYTES + NONCE_BYTES,
                length - KEY_NAME_BYTES - NONCE_BYTES, plain, &room) == 0)
        {
            *plain_length = room;
            return true;
        }
    }
    return false;
}

static bool
is_sound(const struct plain *p, const unsigned char *principal, size_t length)
{
    return p->version == PLAIN_VERSION && p->principal_length > 0 &&
           p->principal_length < AUTH_PRINCIPAL_MAX &&
           length == sizeof(*p) + p->principal_length &&
           p->realm_at < p->principal_length &&
           memchr(principal, '\0', p->principal_length) == NULL;
}

bool
session_open(struct session_box *b, struct span realm, struct span text,
             int64_t now_us, struct auth_result *who, struct session *session)
{
    unsigned char sealed[SESSION_TEXT_MAX], plain[PLAIN_MAX];
    size_t length = 0, plain_length = 0;
    struct plain p;

    memset(who, 0, sizeof(*who));
    if (!text_read(text, sealed, sizeof(sealed), &length) ||
        length < KEY_NAME_BYTES + NONCE_BYTES + sizeof(p) + TAG_BYTES ||
        length > KEY_NAME_BYTES + NONCE_BYTES + PLAIN_MAX + TAG_BYTES)
        return refuse(who, "the session is none");
    if (!decrypt(b, realm, sealed, length, plain, &plain_length))
        return refuse(who, "the session was not made by this listener, or"
                           " with a key that is gone");
    memcpy(&p, plain, sizeof(p));
    if (plain_length < sizeof(p) ||
        !is_sound(&p, plain + sizeof(p), plain_length))
        return refuse(who, "the session is of another version");
    if (p.expires_us <= now_us)
        return refuse(who, "the session has ended");
    memcpy(who->principal, plain + sizeof(p), p.principal_length);
    who->principal[p.principal_length] = '\0';
    who->realm = who->principal + p.realm_at;
    who->gss_flags = p.gss_flags;
    who->declared = declared_level(p.gss_flags, false);
    who->impersonation = (enum impersonation_level)p.impersonation;
    who->bound = p.bound != 0;
    who->expires_us = p.ticket_end_us;
    /* Nothing is taken from the message that the flags do not give. */
    if (who->declared == AUTHN_LEVEL_DEFAULT ||
        who->declared != (enum authn_level)p.declared)
        return refuse(who, "the session is of another version");
    memcpy(session->id, p.id, sizeof(p.id));
    session->expires_us = p.expires_us;
    who->outcome = AUTH_OK;
    return true;
}
