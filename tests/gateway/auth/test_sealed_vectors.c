#include <cjson/cJSON.h>
#include <gssapi/gssapi_ext.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/security_context.h"
#include "tests/support/support.h"

/*
 * Recorded exchanges, with the security contexts of both ends, which need no
 * KDC (tests/gateway/auth/vectors/sealed.json).  A context may be imported as
 * often as it is needed, so that each message here meets one that has seen
 * nothing yet.  Two things in the exported contexts are not as they were: the
 * library reads the krb5.conf that is named in one, which is /dev/null now,
 * and imports none under SPNEGO whose ticket has ended, which is in 2089 now.
 */
SUITE(sealed_vectors);

#define FAR_AWAY     INT64_MAX
#define KEEPS_ORDER  (GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG)
#define SHA1_AES     60 /* bytes of a header */
#define INSIDE_FLAGS 2  /* RFC 4121 4.2.2 */

static cJSON *
vectors(void)
{
    char *text = test_read_file(
        test_source_path("tests/gateway/auth/vectors/sealed.json"), NULL);
    cJSON *json = cJSON_Parse(text);

    cr_assert_not_null(json);
    free(text);
    return json;
}

static const char *
field(const cJSON *vector, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(vector, name));

    cr_assert_not_null(text, "%s", name);
    return text;
}

static uint32_t
flags_of(const cJSON *vector)
{
    return (uint32_t)strtoul(field(vector, "acceptor_ret_flags"), NULL, 16);
}

static int
number(const cJSON *vector, const char *name)
{
    return (int)cJSON_GetNumberValue(cJSON_GetObjectItem(vector, name));
}

static void
read_hex(const cJSON *vector, const char *name, struct buf *out)
{
    const char *text = field(vector, name);

    for (; text[0] != '\0' && text[1] != '\0'; text += 2)
        buf_add_char(out, (char)(ascii_hex_value(text[0]) << 4 |
                                 ascii_hex_value(text[1])));
}

/* end: "acceptor" or "initiator" */
static struct security_context *
context_of(const cJSON *vector, const char *end, uint32_t flags,
           int64_t expires_us)
{
    struct security_context *c;
    struct buf exported = BUF_INIT;
    struct error err = {0};
    char name[64];

    snprintf(name, sizeof(name), "%s_context_export_hex", end);
    read_hex(vector, name, &exported);
    cr_assert(security_context_import(buf_span(&exported), flags, expires_us,
                                      &c, &err) == 0,
              "%s", err.text);
    buf_fini(&exported);
    return c;
}

/* Header and data, between the length that stands before them and the
 * delimiter; these bodies hold it once. */
static void
read_sealed(const cJSON *vector, const char *name, size_t *header_length,
            struct buf *out)
{
    static const char before[] = "application/octet-stream\r\n";
    static const char after[] = "--Encrypted Boundary--\r\n";
    struct buf body = BUF_INIT;
    const char *at, *end;

    read_hex(vector, name, &body);
    at = memmem(body.data, body.length, before, strlen(before));
    cr_assert_not_null(at);
    at += strlen(before);
    end = memmem(at, body.length - (size_t)(at - body.data), after,
                 strlen(after));
    cr_assert_not_null(end);
    *header_length = (unsigned char)at[0];
    at += 4;
    buf_add(out, at, (size_t)(end - at));
    buf_fini(&body);
}

/* The failure, or -1 when it is unwrapped to what is expected.  Nothing
 * is left in the buffer on failure, and the context has ended. */
static int
try_unwrap(struct security_context *c, struct span sealed,
           const char *expected)
{
    struct buf plain = BUF_INIT;
    enum seal_failure failure, again;
    struct error err = {0};
    int result;

    buf_add_string(&plain, "before");
    result = security_context_unwrap(c, sealed, &plain, &failure, &err);
    cr_assert(plain.length >= 6 && memcmp(plain.data, "before", 6) == 0);
    if (result == 0) {
        assert_span(span_skip(buf_span(&plain), 6), expected);
    } else {
        cr_assert_eq(plain.length, 6);
        cr_assert(err.text[0] != '\0');
        cr_assert(security_context_unwrap(c, sealed, &plain, &again, NULL) <
                  0);
        cr_assert_eq(again, SEAL_BROKEN);
        cr_assert(
            security_context_wrap(c, sealed, &plain, &(size_t){0}, NULL) < 0);
        cr_assert_eq(plain.length, 6);
    }
    buf_fini(&plain);
    return result == 0 ? -1 : (int)failure;
}

/* What the context's flags, and the message, must lead to. */
static int
expected_failure(const cJSON *vector)
{
    if (!(flags_of(vector) & KEEPS_ORDER))
        return SEAL_UNORDERED;
    return number(vector, "unwrap_conf_state") == 1 ? -1 : SEAL_CLEAR;
}

Test(sealed_vectors, are_unwrapped_as_they_say)
{
    cJSON *all = vectors(), *vector;
    size_t count = 0, encrypted = 0;

    cJSON_ArrayForEach(vector, all)
    {
        struct security_context *c =
            context_of(vector, "acceptor", flags_of(vector), FAR_AWAY);
        struct buf sealed = BUF_INIT;
        size_t header_length;
        int failure;

        read_sealed(vector, "request_body_hex", &header_length, &sealed);
        cr_assert_eq(header_length,
                     (size_t)number(vector, "signature_length"));
        failure =
            try_unwrap(c, buf_span(&sealed), field(vector, "request_plain"));
        cr_assert_eq(failure, expected_failure(vector), "%s: %d",
                     vector->string, failure);
        count++;
        encrypted += failure == -1;
        security_context_free(c);
        buf_fini(&sealed);
    }
    cJSON_Delete(all);
    cr_assert_eq(count, 7);
    cr_assert_eq(encrypted, 5);
}

/* It is the context and nothing else that makes this message a bad one. */
Test(sealed_vectors, without_replay_detection_would_be_good_with_it)
{
    cJSON *all = vectors();
    cJSON *vector = cJSON_GetObjectItem(all, "spnego-noreplay-context");
    const uint32_t either[] = {GSS_C_REPLAY_FLAG, GSS_C_SEQUENCE_FLAG};
    struct buf sealed = BUF_INIT;
    size_t header_length;

    read_sealed(vector, "request_body_hex", &header_length, &sealed);
    for (size_t i = 0; i < ARRAY_COUNT(either); i++) {
        struct security_context *c = context_of(
            vector, "acceptor", flags_of(vector) | either[i], FAR_AWAY);

        cr_assert_eq(
            try_unwrap(c, buf_span(&sealed), field(vector, "request_plain")),
            -1);
        security_context_free(c);
    }
    buf_fini(&sealed);
    cJSON_Delete(all);
}

Test(sealed_vectors, are_answered_to_the_client)
{
    cJSON *all = vectors(), *vector;

    cJSON_ArrayForEach(vector, all)
    {
        bool ordered = (flags_of(vector) & KEEPS_ORDER) != 0;
        struct security_context *c =
            context_of(vector, "initiator", flags_of(vector), FAR_AWAY);
        struct buf sealed = BUF_INIT;
        size_t header_length;

        read_sealed(vector, "response_body_hex", &header_length, &sealed);
        cr_assert_eq(
            try_unwrap(c, buf_span(&sealed), field(vector, "response_plain")),
            ordered ? -1 : SEAL_UNORDERED, "%s", vector->string);
        security_context_free(c);
        buf_fini(&sealed);
    }
    cJSON_Delete(all);
}

/* Byte for byte the layout of the recorded answers; the rest is encrypted. */
Test(sealed_vectors, are_answered_as_the_recorded_server_did)
{
    cJSON *all = vectors(), *vector;

    cJSON_ArrayForEach(vector, all)
    {
        struct security_context *server =
            context_of(vector, "acceptor", flags_of(vector), FAR_AWAY);
        struct security_context *client = context_of(
            vector, "initiator", flags_of(vector) | KEEPS_ORDER, FAR_AWAY);
        struct span plain = span_of(field(vector, "response_plain"));
        struct buf recorded = BUF_INIT, ours = BUF_INIT;
        size_t recorded_header, header_length;
        struct error err = {0};

        read_sealed(vector, "response_body_hex", &recorded_header, &recorded);
        cr_assert(security_context_wrap(server, plain, &ours, &header_length,
                                        &err) == 0,
                  "%s", err.text);
        cr_assert_eq(header_length, SHA1_AES);
        cr_assert_eq(recorded_header, SHA1_AES);
        cr_assert_eq(ours.length, SHA1_AES + plain.length);
        cr_assert_eq(ours.length, recorded.length);
        cr_assert_arr_eq(ours.data, recorded.data, 16, "%s", vector->string);
        cr_assert(memcmp(ours.data, recorded.data, ours.length) != 0);
        cr_assert_eq(try_unwrap(client, buf_span(&ours), plain.data), -1);
        security_context_free(server);
        security_context_free(client);
        buf_fini(&recorded);
        buf_fini(&ours);
    }
    cJSON_Delete(all);
}

/* -- what an attacker does to a message ----------------------------------- */

static const char *const attacked[] = {
    "spnego-aes256-privacy", "krb5-aes256-privacy",
    "omi-style-gss_wrap-no-tab-extra-crlf", "header-trailer-iov"};

/* All attacks on all of them, each with a context that has seen nothing. */
static void
attack(void (*body)(const cJSON *vector, struct buf *sealed))
{
    cJSON *all = vectors();

    for (size_t i = 0; i < ARRAY_COUNT(attacked); i++) {
        cJSON *vector = cJSON_GetObjectItem(all, attacked[i]);
        struct buf sealed = BUF_INIT;
        size_t header_length;

        read_sealed(vector, "request_body_hex", &header_length, &sealed);
        body(vector, &sealed);
        buf_fini(&sealed);
    }
    cJSON_Delete(all);
}

static int
failure_of(const cJSON *vector, struct span sealed)
{
    struct security_context *c =
        context_of(vector, "acceptor", flags_of(vector), FAR_AWAY);
    int failure = try_unwrap(c, sealed, field(vector, "request_plain"));

    security_context_free(c);
    return failure;
}

static void
flip_every_bit(const cJSON *vector, struct buf *sealed)
{
    cr_assert_eq(failure_of(vector, buf_span(sealed)), -1);
    for (size_t bit = 0; bit < sealed->length * 8; bit++) {
        sealed->data[bit / 8] ^= (char)(1 << bit % 8);
        cr_assert_eq(failure_of(vector, buf_span(sealed)), SEAL_BROKEN,
                     "%s: bit %zu of byte %zu", vector->string, bit % 8,
                     bit / 8);
        sealed->data[bit / 8] ^= (char)(1 << bit % 8);
    }
}

Test(sealed_vectors, with_any_bit_changed_are_refused)
{
    attack(flip_every_bit);
}

/* In memory that ends where the message does. */
static void
cut_everywhere(const cJSON *vector, struct buf *sealed)
{
    for (size_t length = 0; length < sealed->length; length++) {
        char *part = malloc(length + (length == 0));

        memcpy(part, sealed->data, length);
        cr_assert_eq(failure_of(vector, (struct span){part, length}),
                     SEAL_BROKEN, "%s: %zu bytes", vector->string, length);
        free(part);
    }
    cr_assert_eq(failure_of(vector, (struct span){NULL, 0}), SEAL_BROKEN);
}

Test(sealed_vectors, cut_at_any_length_are_refused)
{
    attack(cut_everywhere);
}

static void
lengthen(const cJSON *vector, struct buf *sealed)
{
    for (size_t more = 0; more < 70; more++) {
        buf_add_char(sealed, '\0');
        cr_assert_eq(failure_of(vector, buf_span(sealed)), SEAL_BROKEN);
    }
}

Test(sealed_vectors, with_something_behind_them_are_refused)
{
    attack(lengthen);
}

/* As anybody on the way can make one, who has no key. */
static void
clear_the_mark(const cJSON *vector, struct buf *sealed)
{
    sealed->data[INSIDE_FLAGS] &= ~0x02;
    cr_assert_eq(failure_of(vector, buf_span(sealed)), SEAL_BROKEN);
}

Test(sealed_vectors, are_not_taken_as_signed_ones)
{
    attack(clear_the_mark);
}

static void
give_to_all_others(const cJSON *vector, struct buf *sealed)
{
    cJSON *all = vectors(), *other;

    cJSON_ArrayForEach(other, all)
    {
        struct security_context *c = context_of(
            other, "acceptor", flags_of(other) | KEEPS_ORDER, FAR_AWAY);
        bool own = strcmp(other->string, vector->string) == 0;

        cr_assert_eq(
            try_unwrap(c, buf_span(sealed), field(vector, "request_plain")),
            own ? -1 : SEAL_BROKEN);
        security_context_free(c);
    }
    cJSON_Delete(all);
}

Test(sealed_vectors, belong_to_one_context)
{
    attack(give_to_all_others);
}

static void
give_back(const cJSON *vector, struct buf *sealed)
{
    struct security_context *client =
        context_of(vector, "initiator", flags_of(vector), FAR_AWAY);

    cr_assert_eq(try_unwrap(client, buf_span(sealed), ""), SEAL_BROKEN);
    security_context_free(client);
}

Test(sealed_vectors, are_not_taken_by_the_end_that_sent_them)
{
    attack(give_back);
}

/* -- time ----------------------------------------------------------------- */

Test(sealed_vectors, mean_nothing_past_the_tickets_end)
{
    cJSON *all = vectors();
    cJSON *vector = cJSON_GetObjectItem(all, attacked[0]);
    int64_t now = clock_now_us();
    struct buf sealed = BUF_INIT;
    struct security_context *c;
    struct error err = {0};
    size_t header_length;

    read_sealed(vector, "request_body_hex", &header_length, &sealed);
    c = context_of(vector, "acceptor", flags_of(vector), now - 1);
    cr_assert_eq(security_context_expires_us(c), now - 1);
    cr_assert_eq(try_unwrap(c, buf_span(&sealed), ""), SEAL_EXPIRED);
    security_context_free(c);

    c = context_of(vector, "acceptor", flags_of(vector), now - 1);
    cr_assert(security_context_wrap(c, SPAN("x"), &sealed, &header_length,
                                    &err) < 0);
    cr_assert_eq(header_length, 0);
    cr_assert_not_null(strstr(err.text, "ticket"), "%s", err.text);
    security_context_free(c);

    c = context_of(vector, "acceptor", flags_of(vector), now + 3600000000);
    cr_assert_eq(
        try_unwrap(c, buf_span(&sealed), field(vector, "request_plain")), -1);
    security_context_free(c);
    buf_fini(&sealed);
    cJSON_Delete(all);
}

Test(sealed_vectors, need_a_context_that_can_be_read)
{
    struct security_context *c;
    struct error err = {0};

    cr_assert(security_context_import(SPAN("no context"), 0, 0, &c, &err) < 0);
    cr_assert_null(c);
    cr_assert(err.text[0] != '\0');
    security_context_free(NULL);
}
