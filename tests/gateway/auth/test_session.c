#include "gateway/auth/auth.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/support.h"

SUITE(session);

#define NOW   INT64_C(1000000000)
#define REALM SPAN("listener")

static struct session_box *
box_of(unsigned char first, unsigned char second)
{
    struct session_keys keys = {.count = second != 0 ? 2 : 1};
    struct session_box *b;

    memset(keys.bytes[0], first, SESSION_KEY_BYTES);
    memset(keys.bytes[1], second, SESSION_KEY_BYTES);
    cr_assert_eq(session_box_new(&keys, &b, NULL), 0);
    return b;
}

static void
alice(struct auth_result *who)
{
    memset(who, 0, sizeof(*who));
    who->outcome = AUTH_OK;
    strcpy(who->principal, "alice/admin@EXAMPLE.COM");
    who->realm = strchr(who->principal, '@') + 1;
    who->gss_flags = 0x3e;
    who->declared = declared_level(0x3e, false);
    who->impersonation = IMPERSONATION_IMPERSONATE;
    who->bound = true;
    who->expires_us = NOW + 5000;
}

static void
seal(struct session_box *b, char text[SESSION_TEXT_MAX], struct session *s)
{
    struct auth_result who;

    alice(&who);
    *s = (struct session){.expires_us = NOW + 1000};
    cr_assert(session_seal(b, REALM, &who, s, text));
}

Test(session, brings_back_what_was_found_out)
{
    struct session_box *b = box_of(1, 0);
    char text[SESSION_TEXT_MAX];
    struct session made, shown;
    struct auth_result who;

    seal(b, text, &made);
    cr_assert(session_open(b, REALM, span_of(text), NOW, &who, &shown));
    cr_expect_eq(who.outcome, AUTH_OK);
    cr_expect_str_eq(who.principal, "alice/admin@EXAMPLE.COM");
    cr_expect_str_eq(who.realm, "EXAMPLE.COM");
    cr_expect_eq(who.gss_flags, 0x3e);
    cr_expect_eq(who.declared, AUTHN_LEVEL_PKT_PRIVACY);
    cr_expect_eq(who.impersonation, IMPERSONATION_IMPERSONATE);
    cr_expect(who.bound);
    cr_expect_eq(who.expires_us, NOW + 5000);
    cr_expect_eq(shown.expires_us, NOW + 1000);
    cr_expect_arr_eq(shown.id, made.id, sizeof(made.id));
    session_box_free(b);
}

Test(session, is_never_the_same_twice)
{
    struct session_box *b = box_of(1, 0);
    char one[SESSION_TEXT_MAX], two[SESSION_TEXT_MAX];
    struct session s;

    seal(b, one, &s);
    seal(b, two, &s);
    cr_expect_str_neq(one, two);
    session_box_free(b);
}

Test(session, ends_at_its_end)
{
    struct session_box *b = box_of(1, 0);
    char text[SESSION_TEXT_MAX];
    struct auth_result who;
    struct session s;

    seal(b, text, &s);
    cr_expect(session_open(b, REALM, span_of(text), NOW + 999, &who, &s));
    cr_expect_not(session_open(b, REALM, span_of(text), NOW + 1000, &who, &s));
    cr_expect_eq(who.outcome, AUTH_REFUSED);
    cr_expect_str_eq(who.principal, "");
    session_box_free(b);
}

Test(session, is_none_in_another_realm_or_with_another_key)
{
    struct session_box *b = box_of(1, 0), *other = box_of(2, 0),
                       *after = box_of(2, 1);
    char text[SESSION_TEXT_MAX];
    struct auth_result who;
    struct session s;

    seal(b, text, &s);
    cr_expect_not(
        session_open(b, SPAN("listener2"), span_of(text), NOW, &who, &s));
    cr_expect_not(session_open(b, span_of(""), span_of(text), NOW, &who, &s));
    cr_expect_not(session_open(other, REALM, span_of(text), NOW, &who, &s));
    cr_expect(session_open(after, REALM, span_of(text), NOW, &who, &s));
    session_box_free(b);
    session_box_free(other);
    session_box_free(after);
}

Test(session, is_none_when_anything_of_it_is_changed)
{
    struct session_box *b = box_of(1, 0);
    char text[SESSION_TEXT_MAX];
    struct auth_result who;
    struct session s;
    size_t length;

    seal(b, text, &s);
    length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char was = text[i];

        text[i] = was == 'A' ? 'B' : 'A';
        cr_expect_not(
            session_open(b, REALM, (struct span){text, length}, NOW, &who, &s),
            "character %zu", i);
        text[i] = was;
        cr_expect_not(
            session_open(b, REALM, (struct span){text, i}, NOW, &who, &s),
            "the first %zu", i);
    }
    cr_expect_eq(who.outcome, AUTH_REFUSED);
    session_box_free(b);
}

Test(session, is_not_made_of_nobody)
{
    struct session_box *b = box_of(1, 0);
    char text[SESSION_TEXT_MAX];
    struct session s = {.expires_us = NOW + 1000};
    struct auth_result who;

    alice(&who);
    who.outcome = AUTH_NO_TOKEN;
    cr_expect_not(session_seal(b, REALM, &who, &s, text));
    alice(&who);
    who.anonymous = true;
    cr_expect_not(session_seal(b, REALM, &who, &s, text));
    alice(&who);
    who.principal[0] = '\0';
    cr_expect_not(session_seal(b, REALM, &who, &s, text));
    alice(&who);
    who.realm = NULL;
    cr_expect_not(session_seal(b, REALM, &who, &s, text));
    session_box_free(b);
}

Test(session, keys_are_lines_of_32_bytes)
{
    static const char key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    static const struct {
        const char *before, *after, *message; /* NULL: good */
    } rows[] = {
        {"", "", NULL},
        {"# old\n\n", "\r\n", NULL},
        {"", "\nAAAA\n", "line 2 is not 32 bytes in base64"},
        {"AAAAA", "", "line 1 is not 32 bytes in base64"},
        {"\n\nsecret", "", "line 3 is not 32 bytes in base64"},
    };
    struct session_keys keys;
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[200];
        int rc;

        snprintf(text, sizeof(text), "%s%s%s", rows[i].before, key,
                 rows[i].after);
        rc = session_keys_parse(span_of(text), &keys, &err);
        cr_expect_eq(rc, rows[i].message == NULL ? 0 : -1, "row %zu", i);
        if (rows[i].message != NULL)
            cr_expect_str_eq(err.text, rows[i].message);
        else
            cr_expect_eq(keys.count, 1);
    }
    cr_expect_eq(session_keys_parse(span_of("# none\n"), &keys, &err), -1);
    cr_expect_str_eq(err.text, "there is no key in it");
}
