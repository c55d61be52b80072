#include "gateway/ctl/doctor.h"
#include "gateway/event/event.h"
#include "gateway/sys/sys.h"
#include "tests/gateway/auth/realm.h"
#include "tests/gateway/ctl/run.h"
#include "tests/policy/repository/unit.h"

#include <criterion/redirect.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A whole installation in test.directory, without a running gateway. */

static char conf[600];

static void
config_write(void)
{
    const struct passwd *me = getpwuid(geteuid());
    struct buf b = BUF_INIT;

    buf_addf(&b,
             "[nsgate]\n"
             "state_dir = %s/state\n"
             "runtime_dir = %s/run\n"
             "keytab = %s/http.keytab\n"
             "acceptor = HTTP@localhost\n"
             "user = %s\n"
             "store_user = %s\n"
             "[access/root\\plain]\n"
             "allow = alice@NSGATE.TEST\n"
             "[listener/public]\n"
             "bind = 127.0.0.1:0\n"
             "tls_certificate = %s/tls.crt\n"
             "tls_key = %s/tls.key\n"
             "[listener/clear]\n"
             "bind = 127.0.0.1:0\n",
             test.directory, test.directory, test.directory, me->pw_name,
             me->pw_name, test.directory, test.directory);
    snprintf(conf, sizeof(conf), "%s/nsgate.conf", test.directory);
    test_write_file(conf, b.data, b.length);
    buf_fini(&b);
}

static void
repository_fill(const char *state)
{
    struct repository *repo = NULL;
    struct event_store *events = NULL;
    struct unit u = unit_new();
    struct error err = {0, ""};
    uint64_t generation;

    cr_assert_eq(repository_open(state, REPOSITORY_WRITE, &repo, &err), 0,
                 "%s", err.text);
    unit_namespace(&u, "root\\plain");
    unit_encryption(&u, "root\\Sealed", true);
    unit_store(repo, &u, NULL);
    cr_assert_eq(repository_read_begin(repo, &generation, &err), 0);
    cr_assert_eq(policy_image_build(repo, state, generation, &err), 0, "%s",
                 err.text);
    repository_read_end(repo);
    cr_assert_eq(policy_image_activate(state, &err), 0, "%s", err.text);
    cr_assert_eq(event_store_open(state, 100, &events, &err), 0, "%s",
                 err.text);
    event_store_close(events);
    unit_free(&u);
    repository_close(repo);
}

static void
install(void)
{
    char state[300];

    cr_redirect_stderr();
    realm_setup();
    snprintf(state, sizeof(state), "%s/state", test.directory);
    test_shell("cd %s && mkdir -m 750 state && mkdir -m 755 run && "
               "mkdir -m 700 state/rcache && cp %s http.keytab && "
               "chmod 600 http.keytab",
               test.directory, realm_path("http.keytab"));
    test_shell("sh %s %s >/dev/null 2>&1",
               test_source_path("tests/realm/tls.sh"), test.directory);
    config_write();
    repository_fill(state);
}

TestSuite(doctor, .init = install, .fini = realm_teardown, .timeout = 120.0);

static char *
doctor(int *status)
{
    static const char *const words[] = {"doctor", NULL};
    const struct ctl ctl = {conf, NULL, NULL};

    return run_printed(ctl_doctor, &ctl, test.directory, words, status);
}

Test(doctor, a_sound_installation_has_no_failure)
{
    static const char *const parts[] = {
        "OK    keytab: ",
        "HTTP/localhost@NSGATE.TEST kvno",
        "OK    repository: sound",
        "OK    policy image: generation",
        "OK    replay cache: ",
        "OK    TLS key: ",
        "WARN  gateway: no gateway is running"};
    int status;
    char *text = doctor(&status);

    cr_assert_eq(status, CTL_OK, "%s", text);
    cr_assert_null(strstr(text, "FAIL"), "%s", text);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        cr_assert_not_null(strstr(text, parts[i]), "no '%s' in: %s", parts[i],
                           text);
    free(text);
}

/* Each breaks one thing of a sound installation. */
Test(doctor, each_fault_is_a_failure_of_its_own)
{
    static const struct {
        const char *harm, *heal, *says;
    } rows[] = {
        {"chmod 770 state", "chmod 750 state", "FAIL  state directory"},
        {"chmod 775 run", "chmod 755 run", "FAIL  runtime directory"},
        {"chmod 750 state/rcache", "chmod 700 state/rcache",
         "FAIL  replay cache"},
        {"chmod 644 http.keytab", "chmod 600 http.keytab", "FAIL  keytab"},
        {"mv http.keytab k; : >http.keytab; chmod 600 http.keytab",
         "mv k http.keytab", "FAIL  keytab"},
        {"mv state/policy.image i", "mv i state/policy.image",
         "FAIL  policy image"},
        {"cp state/policy.image i; printf x | dd of=state/policy.image bs=1 "
         "seek=40 conv=notrunc 2>/dev/null",
         "mv i state/policy.image", "FAIL  policy image"},
        {"chown 4321 state/repository.db", "chown 0 state/repository.db",
         "FAIL  repository: "},
        {"mv tls.key k; cp ecdsa.key tls.key", "mv k tls.key",
         "FAIL  TLS key"},
        {"echo 'unknown = 1' >>nsgate.conf", "sed -i '$d' nsgate.conf",
         "FAIL  configuration"},
        {"echo nonsense >>nsgate.conf", "sed -i '$d' nsgate.conf",
         "FAIL  configuration"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int status;
        char *text;

        if (geteuid() != 0 && strncmp(rows[i].harm, "chown", 5) == 0)
            continue;
        test_shell("cd %s && %s", test.directory, rows[i].harm);
        text = doctor(&status);
        test_shell("cd %s && %s", test.directory, rows[i].heal);
        cr_assert_eq(status, CTL_FAILED, "row %zu: %s", i, text);
        cr_assert_not_null(strstr(text, rows[i].says), "row %zu: %s", i, text);
        free(text);
    }
}

/* Routes whose servers the gateway signs in to. */
static void
sign_in_to(const char *service)
{
    struct buf b = BUF_INIT;
    char more[300];

    buf_addf(&b,
             "[route/r]\npath = /r/\nnamespace = root\\plain\n"
             "upstream = unix:/run/x\nidentity = negotiate\n"
             "upstream_principal = %s\n"
             "[callback]\nclient_keytab = %s\n",
             service, realm_path("alice.keytab"));
    snprintf(more, sizeof(more), "%s/more", test.directory);
    test_write_file(more, b.data, b.length);
    buf_fini(&b);
    config_write();
    test_shell("cd %s && cat more >>nsgate.conf", test.directory);
}

Test(doctor, a_ticket_for_each_server_is_asked_for)
{
    int status;
    char *text;

    sign_in_to("HTTP@other.test");
    text = doctor(&status); /* there is no server */
    cr_assert_not_null(
        strstr(text, "OK    ticket: alice@NSGATE.TEST for HTTP@other.test, "
                     "until 20"),
        "%s", text);
    free(text);
    sign_in_to("HTTP@nowhere.test");
    text = doctor(&status);
    cr_assert_eq(status, CTL_FAILED, "%s", text);
    cr_assert_not_null(strstr(text, "FAIL  ticket: alice@NSGATE.TEST: "
                                    "HTTP@nowhere.test: "),
                       "%s", text);
    free(text);
}

Test(doctor, an_image_behind_the_repository_is_a_failure)
{
    struct repository *repo = NULL;
    struct unit u = unit_new();
    char state[300], *text;
    int status;

    snprintf(state, sizeof(state), "%s/state", test.directory);
    cr_assert_eq(repository_open(state, REPOSITORY_WRITE, &repo, NULL), 0);
    unit_encryption(&u, "root\\plain", true);
    unit_store(repo, &u, NULL);
    unit_free(&u);
    repository_close(repo);
    text = doctor(&status);
    cr_assert_eq(status, CTL_FAILED, "%s", text);
    cr_assert_not_null(strstr(text, "FAIL  policy image: generation"), "%s",
                       text);
    free(text);
}

/* -- explain, over the same installation ---------------------------------- */

static char *
explained(const char *ns, const char *principal, int *status)
{
    const char *const words[] = {"explain", ns, principal, NULL};
    const struct ctl ctl = {conf, NULL, NULL};

    return run_printed(ctl_explain, &ctl, test.directory, words, status);
}

Test(doctor, explain_tells_level_list_and_ways)
{
    static const struct {
        const char *ns, *principal;
        int status;
        const char *says[4];
    } rows[] = {
        {"root\\sealed",
         NULL,
         CTL_OK,
         {"requires PktPrivacy", "listener public", "INTEG only      403",
          "the channel is not private"}},
        {"Root/Plain",
         "alice@NSGATE.TEST",
         CTL_OK,
         {"requires Connect", "realm admitted, listed", "neither         200",
          "access: alice@NSGATE.TEST"}},
        {"root\\plain",
         "bob@NSGATE.TEST",
         CTL_OK,
         {"not listed", "neither         403",
          "the access section does not list the principal"}},
        {"root\\plain",
         "alice@EVIL.TEST",
         CTL_OK,
         {"realm not admitted", "403",
          "the principal's realm is not among the realms"}},
        {"root\\plain",
         "alice",
         CTL_OK,
         {"alice (a principal has a realm: NAME@REALM), realm not admitted"}},
        {"root\\nowhere", NULL, CTL_FAILED, {"no such namespace", "404"}},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int status;
        char *text = explained(rows[i].ns, rows[i].principal, &status);

        cr_assert_eq(status, rows[i].status, "row %zu: %s", i, text);
        for (size_t p = 0; p < 4 && rows[i].says[p] != NULL; p++)
            cr_assert_not_null(strstr(text, rows[i].says[p]),
                               "row %zu: no '%s' in: %s", i, rows[i].says[p],
                               text);
        free(text);
    }
}

/* -- without the right to look -------------------------------------------- */

#define NOBODY 65534

/* The state is another user's, the control socket nobody's to open. */
static void
become_nobody(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    test_shell("cd %s && sed -i 's/^store_user = .*/store_user = daemon/' "
               "nsgate.conf && chown daemon state && chmod 777 . && "
               ": >run/%s && chmod 600 run/%s",
               test.directory, CONTROL_SOCKET, CONTROL_SOCKET);
    cr_assert_eq(setegid(NOBODY), 0);
    cr_assert_eq(seteuid(NOBODY), 0);
}

static void
become_root(void)
{
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
}

Test(doctor, who_may_not_look_is_told_so_and_nothing_else)
{
    static const char *const claims[] = {"FAIL", "another user",
                                         "systemctl start", "another program",
                                         "all is refused"};
    int status;
    char *text;

    become_nobody();
    text = doctor(&status);
    become_root();
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++)
        cr_assert_null(strstr(text, claims[i]), "'%s' in: %s", claims[i],
                       text);
    cr_assert_not_null(strstr(text, "OK    state directory"), "%s", text);
    cr_assert_not_null(strstr(text, "WARN  repository"), "%s", text);
    free(text);
}

Test(doctor, explain_and_namespaces_claim_nothing_of_what_they_may_not_read)
{
    static const char *const words[] = {"namespaces", NULL};
    const struct ctl ctl = {conf, NULL, NULL};
    int status[2];
    char *text[2];

    become_nobody();
    text[0] = explained("root", NULL, &status[0]);
    text[1] =
        run_printed(ctl_namespaces, &ctl, test.directory, words, &status[1]);
    become_root();
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(status[i], CTL_FAILED);
        cr_assert_str_empty(text[i], "%s", text[i]);
        free(text[i]);
    }
}
