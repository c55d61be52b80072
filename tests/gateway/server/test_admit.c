#include "tests/gateway/server/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE(admit);

#define SECRET_TEXT "0123456789abcdef0123456789abcdef"
#define SECRET      "X-Nsgate-Proxy-Secret: " SECRET_TEXT "\r\n"
#define CLIENT      "X-Nsgate-Client-Addr: 192.0.2.7\r\n"
#define TLS13       "X-Nsgate-Tls-Protocol: TLSv1.3\r\n"
#define CIPHER      "X-Nsgate-Tls-Cipher: "

struct row {
    const char *lines;   /* headers */
    const char *channel; /* what it came to; NULL: 400 */
    const char *why;     /* of the 400, a part */
};

/* 401 with that channel in the event, or 400 with that reason in it. */
static void
assert_row(struct scene *s, const char *target, const struct row *row)
{
    struct reply reply;
    struct event e;
    struct span channel;

    scene_ask(s, "GET", target, row->lines, &reply);
    cr_assert(reply.status == (row->channel != NULL ? 401 : 400),
              "%d for %s %s", reply.status, target, row->lines);
    cr_assert(scene_event(s, &e));
    channel = e.fields[EVENT_FIELD_CHANNEL];
    if (row->channel != NULL) {
        cr_assert(e.id == EVENT_CHALLENGED);
        cr_assert(span_equal(channel, span_of(row->channel)), "%.*s for %s",
                  (int)channel.length, channel.data, row->lines);
    } else {
        struct span detail = e.fields[EVENT_FIELD_DETAIL];

        cr_assert(e.id == EVENT_REQUEST_MALFORMED);
        cr_assert(memmem(detail.data, detail.length, row->why,
                         strlen(row->why)) != NULL,
                  "%.*s for %s", (int)detail.length, detail.data, row->lines);
        cr_assert(strstr(reply.body, "\"type\":\"urn:nsgate:problem:malformed"
                                     "\"") != NULL);
    }
    cr_assert(!scene_event(s, &e), "one request, one event");
}

static void
assert_rows(struct scene *s, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_row(s, "/cim/root", &rows[i]);
}

static void
open_proxy(struct scene *s, const char *secret)
{
    scene_init(s);
    s->config_listener.channel = LISTENER_CHANNEL_PROXY;
    if (secret != NULL) {
        s->config_listener.secret_file = "secret";
        buf_add_string(&s->listener.secret, secret);
    }
    scene_serve(s, RIG_UNIX);
}

Test(admit, believes_what_a_proxy_says_exactly_once)
{
    static const struct row rows[] = {
        {SECRET CLIENT TLS13, "proxy-tls", NULL},
        {SECRET CLIENT "x-nsgate-tls-protocol: TLSv1.2\r\n", "proxy-tls",
         NULL},
        {SECRET CLIENT, "proxy-cleartext", NULL},
        {SECRET CLIENT TLS13 TLS13, NULL, "twice"},
        {SECRET CLIENT TLS13 CIPHER "A\r\n" CIPHER "A\r\n", NULL, "twice"},
        {SECRET CLIENT CLIENT TLS13, NULL, "exactly once"},
        {SECRET TLS13, NULL, "exactly once"},
        {SECRET TLS13 "X-Nsgate-Client-Addr:\r\n", NULL, "exactly once"},
        {SECRET SECRET CLIENT TLS13, NULL, "secret"},
        {CLIENT TLS13, NULL, "secret"},
        {CLIENT TLS13 "X-Nsgate-Proxy-Secret:\r\n", NULL, "secret"},
        {CLIENT TLS13 "X-Nsgate-Proxy-Secret: " SECRET_TEXT "0\r\n", NULL,
         "secret"},
        {CLIENT TLS13 "X-Nsgate-Proxy-Secret: 0123456789abcdef\r\n", NULL,
         "secret"},
    };
    struct scene s;

    open_proxy(&s, SECRET_TEXT);
    assert_rows(&s, rows, ARRAY_COUNT(rows));
    scene_close(&s);
}

Test(admit, knows_two_protocols_and_no_other_spelling)
{
    static const char *const bad[] = {
        "TLSv1.1", "TLSv1",    "SSLv3",   "tlsv1.3",          "TLSv1.3 x",
        "TLSv1.4", "TLSv1.33", "TLSv1.",  "TLSv1.3, TLSv1.3", "on",
        "",        "https",    "TLS 1.3", "TLSv1.2;TLSv1.3",  "none"};
    struct scene s;

    open_proxy(&s, SECRET_TEXT);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char lines[300];
        const struct row row = {lines, NULL, "neither"};

        snprintf(lines, sizeof(lines),
                 SECRET CLIENT "X-Nsgate-Tls-Protocol: %s\r\n", bad[i]);
        assert_row(&s, "/cim/root", &row);
    }
    scene_close(&s);
}

Test(admit, takes_a_cipher_without_encryption_or_peer_for_cleartext)
{
    static const struct {
        const char *name;
        bool private;
    } ciphers[] = {
        {"TLS_AES_256_GCM_SHA384", true},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {"DHE-RSA-AES256-SHA", true},
        {"AES256-SHA", true},
        {"ECDHE-RSA-CHACHA20-POLY1305", true},
        {"NULL-SHA256", false},
        {"null", false},
        {"ECDHE-ECDSA-NULL-SHA", false},
        {"TLS_RSA_WITH_NULL_SHA256", false},
        {"(NULL)", false},
        {"ADH-AES256-SHA", false},
        {"adh-aes256-sha", false},
        {"EXP-ADH-RC4-MD5", false},
        {"AECDH-AES128-SHA", false},
        {"TLS_DH_anon_WITH_AES_128_CBC_SHA", false},
        {"TLS_ECDH_ANON_NULL_SHA1", false},
        {"aNULL", false},
    };
    struct scene s;

    open_proxy(&s, SECRET_TEXT);
    for (size_t i = 0; i < ARRAY_COUNT(ciphers); i++) {
        char lines[400];
        const struct row row = {
            lines, ciphers[i].private ? "proxy-tls" : "proxy-cleartext", NULL};

        snprintf(lines, sizeof(lines), SECRET CLIENT TLS13 CIPHER "%s\r\n",
                 ciphers[i].name);
        assert_row(&s, "/cim/root", &row);
    }
    scene_close(&s);
}

Test(admit, needs_no_secret_where_none_is_configured)
{
    static const struct row rows[] = {{CLIENT TLS13, "proxy-tls", NULL},
                                      {TLS13, NULL, "exactly once"}};
    struct scene s;

    open_proxy(&s, NULL);
    assert_rows(&s, rows, ARRAY_COUNT(rows));
    scene_close(&s);
}

Test(admit, lets_nobody_in_while_a_configured_secret_is_not_known)
{
    static const struct row rows[] = {
        {CLIENT TLS13, NULL, "secret"},
        {CLIENT TLS13 "X-Nsgate-Proxy-Secret:\r\n", NULL, "secret"}};
    struct scene s;

    open_proxy(&s, "");
    assert_rows(&s, rows, ARRAY_COUNT(rows));
    scene_close(&s);
}

Test(admit, names_the_client_whom_the_proxy_names_and_the_proxy)
{
    struct reply reply;
    struct event e;
    struct scene s;
    char *record;

    open_proxy(&s, NULL);
    scene_ask(&s, "GET", "/cim/root", CLIENT, &reply);
    cr_assert(scene_event(&s, &e));
    cr_assert(span_starts_nocase(e.fields[EVENT_FIELD_CLIENT],
                                 SPAN("192.0.2.7 via unix:")));
    free(scene_access(&s));
    scene_ask(&s, "GET", "/cim/root",
              "X-Nsgate-Client-Addr: 1\", \"status\":200, "
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
              &reply);
    record = scene_access(&s);
    cr_assert(strstr(record, "\"client\":\"1\\\", \\\"status\\\":200, aaa") !=
              NULL);
    cr_assert(strstr(record, "a via unix:") != NULL);
    free(record);
    scene_close(&s);
}

Test(admit, refuses_every_nsgate_header_where_no_proxy_is_declared)
{
    static const struct row good[] = {{"", "cleartext", NULL},
                                      {"X-Nsgat: 1\r\n", "cleartext", NULL},
                                      {"Via: 1.1 x\r\n", "cleartext", NULL}};
    static const struct row bad[] = {
        {TLS13, NULL, "no proxy's"},
        {"X-NSGATE-anything: 1\r\n", NULL, "no proxy's"},
        {"x-nsgate-: 1\r\n", NULL, "no proxy's"},
        {CLIENT, NULL, "no proxy's"},
        {SECRET, NULL, "no proxy's"}};
    struct scene s;

    scene_init(&s);
    scene_serve(&s, RIG_TCP);
    assert_rows(&s, good, ARRAY_COUNT(good));
    assert_rows(&s, bad, ARRAY_COUNT(bad));
    s.config_listener.channel = LISTENER_CHANNEL_ASSERTED;
    assert_rows(&s, bad, ARRAY_COUNT(bad));
    assert_row(&s, "/cim/root", &(const struct row){"", "asserted", NULL});
    scene_close(&s);
}

Test(admit, sees_a_proxy_in_front_of_a_local_listener)
{
    static const struct row rows[] = {
        {"", "local", NULL},
        {"X-Forwarded: x\r\n", "local", NULL},
        {"Via: 1.1 nginx\r\n", NULL, "a proxy"},
        {"forwarded: for=1.2.3.4\r\n", NULL, "a proxy"},
        {"X-FORWARDED-FOR: 1.2.3.4\r\n", NULL, "a proxy"},
        {"X-Forwarded-Proto: https\r\n", NULL, "a proxy"},
        {"X-Real-IP: 1.2.3.4\r\n", NULL, "a proxy"},
        {TLS13, NULL, "a proxy"},
    };
    struct scene s;

    scene_init(&s);
    s.config_listener.channel = LISTENER_CHANNEL_LOCAL;
    scene_serve(&s, RIG_UNIX);
    assert_rows(&s, rows, ARRAY_COUNT(rows));
    scene_close(&s);
}

Test(admit, takes_a_local_peer_for_local_only_if_its_user_is_listed)
{
    static const enum rig_kind kinds[] = {RIG_UNIX, RIG_TCP};

    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct scene s;

        scene_init(&s);
        s.config_listener.channel = LISTENER_CHANNEL_LOCAL;
        scene_serve(&s, kinds[i]);
        assert_row(&s, "/cim/root", &(const struct row){"", "local", NULL});
        s.uids[0]++;
        assert_row(&s, "/cim/root",
                   &(const struct row){"", "local-unlisted", NULL});
        s.config_listener.local_user_count = 0;
        assert_row(&s, "/cim/root",
                   &(const struct row){"", "local-unlisted", NULL});
        scene_close(&s);
    }
}

Test(admit, refuses_targets_with_more_than_one_reading)
{
    static const char *const bad[] = {
        "/cim//root",       "/cim/../cim/root", "/cim/root%2fx",
        "/cim/root%5cx",    "/cim/root%00",     "/cim/./root",
        "/cim/root/%2e%2e", "/cim/%c0%aeroot",  "/cim/root%"};
    struct scene s;

    scene_init(&s);
    scene_serve(&s, RIG_TCP);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_row(&s, bad[i],
                   &(const struct row){"", NULL, "canonical form"});
    cr_assert(s.counters.malformed == ARRAY_COUNT(bad));
    cr_assert(s.counters.unauthenticated == 0);
    scene_close(&s);
}
