#include "gateway/config/config.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/load.h"
#include "tests/gateway/config/written.h"

SUITE(config);

Test(config, refuses_what_is_not_well_formed_with_file_and_line)
{
    static const struct written_bad table[] = {
        {"", "t.conf:1: [nsgate] needs acceptor = HTTP@the.host.name"},
        {"state_dir = /x\n[nsgate]\n",
         "t.conf:1: a key before the first [section]"},
        {"[nsgate]\n\nnonsense\n", "t.conf:3: Equal sign is missing"},
        {"[nsgate\n", "t.conf:1: No closing bracket"},
        {"[nsgate]\n  # indented\n", "t.conf:2: Equal sign is missing"},
        {"[nsgate]\nuser = a\001b\n", "t.conf:2: control character 0x01"},
        {"[nsgate]\nuser = a\rb\n", "t.conf:2: control character 0x0d"},
        {"[nsgate]\n# \xff\n", "t.conf:2: not UTF-8"},
        {"[gate]\n", "t.conf:1: unknown section [gate]: there are [nsgate], "
                     "[listener/NAME], [access/NAMESPACE], "
                     "[namespace/NAMESPACE], [route/NAME] and [callback]"},
        {"[route/x y]\npath = /\n",
         "t.conf:1: a route's name is made of letters, digits, '.', '_' and "
         "'-'"},
        {"[callback/x]\n",
         "t.conf:1: [callback/x]: this section is written [callback]"},
        {"[nsgate/x]\n",
         "t.conf:1: [nsgate/x]: this section is written [nsgate]"},
        {"[listener]\n",
         "t.conf:1: [listener]: this section is written [listener/NAME]"},
        {"[listener/]\n",
         "t.conf:1: [listener/]: this section is written [listener/NAME]"},
        {"[listener/a b]\n", "t.conf:1: a listener's name is made of letters, "
                             "digits, '.', '_' and '-'"},
        {"[nsgate]\nstatedir = /x\n",
         "t.conf:2: unknown key 'statedir' in [nsgate]"},
        {"[nsgate]\nState_Dir = /x\n",
         "t.conf:2: unknown key 'State_Dir' in [nsgate]"},
        {"[nsgate]\nbind = [::]:1\n",
         "t.conf:2: unknown key 'bind' in [nsgate]"},
        {"[listener/a]\nallow = x@Y\n",
         "t.conf:2: unknown key 'allow' in [listener/NAME]"},
        {"[nsgate]\nuser = a\nkeytab = /k\nuser = b\n",
         "t.conf:4: user is already set at line 2"},
        {"[listener/a]\nbind = 127.0.0.1:1\n[nsgate]\n[listener/A]\n"
         "bind = 127.0.0.1:2\n",
         "t.conf:5: bind is already set at line 2"},
        {"[access/root\\a]\nallow = x@Y\n[access/ROOT/A]\nallow = z@Y\n",
         "t.conf:4: allow is already set at line 2"},
        {"[nsgate]\nuser =\n",
         "t.conf:2: user: no value; leave the line out for the default"},
        {"[nsgate]\nuser = nsgate ; who\n",
         "t.conf:2: user: ';' begins no comment here: comments stand on "
         "lines of their own"},
        {"[nsgate]\nuser = nsgate\t# who\n",
         "t.conf:2: user: '#' begins no comment here: comments stand on "
         "lines of their own"},
        {"[nsgate]\nuser = ; nobody\n",
         "t.conf:2: user: ';' begins no comment here: comments stand on "
         "lines of their own"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        written_refused(table[i].text, table[i].message);
}

static const struct written_bad refuses_values[] = {
    {"[nsgate]\nstate_dir = var/lib\n",
     "t.conf:2: state_dir = var/lib: must be an absolute path"},
    {"[nsgate]\nworkers = 0\n",
     "t.conf:2: workers = 0: must be auto or a number from 1 to 256"},
    {"[nsgate]\nworkers = 257\n",
     "t.conf:2: workers = 257: must be auto or a number from 1 to 256"},
    {"[nsgate]\nworkers = two\n",
     "t.conf:2: workers = two: must be auto or a number from 1 to 256"},
    {"[nsgate]\nevent_rows_max = 99999999999999999999\n",
     "t.conf:2: event_rows_max = 99999999999999999999: must be a whole "
     "number from 100 to 100000000"},
    {"[nsgate]\npage_max = -1\n",
     "t.conf:2: page_max = -1: must be a whole number from 1 to 100000"},
    {"[nsgate]\ndrain_timeout_s = 10 s\n",
     "t.conf:2: drain_timeout_s = 10 s: must be a whole number from 0 to "
     "600"},
    {"[nsgate]\nlog_level = chatty\n",
     "t.conf:2: log_level = chatty: must be error, warning, notice, info "
     "or debug"},
    {"[nsgate]\naccess_log = syslog\n",
     "t.conf:2: access_log = syslog: must be an absolute path, stderr or "
     "off"},
    {"[nsgate]\nacceptor = HTTP/gw.example.com\n",
     "t.conf:2: acceptor = HTTP/gw.example.com: 'HTTP/gw.example.com' is "
     "no service@host, such as HTTP@gw.example.com"},
    {"[nsgate]\nacceptor = HTTP@a,,HTTP@b\n",
     "t.conf:2: acceptor = HTTP@a,,HTTP@b: an empty element between "
     "commas"},
    {"[nsgate]\nrealms = A@B\n",
     "t.conf:2: realms = A@B: 'A@B' is no realm's name"},
    {"[nsgate]\noperators = *@EXAMPLE.COM\n",
     "t.conf:2: operators = *@EXAMPLE.COM: '*@EXAMPLE.COM': '*' stands "
     "for everyone of a realm and only so in an access section: *@REALM"},
    {"[nsgate]\noperators = root\n",
     "t.conf:2: operators = root: 'root' is no whole principal name, "
     "such as ops@EXAMPLE.COM"},
    {"[nsgate]\noperators = a@B@EVIL\n",
     "t.conf:2: operators = a@B@EVIL: 'a@B@EVIL' is no whole principal "
     "name, such as ops@EXAMPLE.COM"},
    {"[access/root\\a]\nallow = o*@R\n",
     "t.conf:2: allow = o*@R: 'o*@R': '*' stands for everyone of a realm "
     "and only so in an access section: *@REALM"},
    {"[access/root\\a]\nallow = group:\n",
     "t.conf:2: allow = group:: 'group:' names no group"},
    {"[listener/a]\nbind = localhost:80\n",
     "t.conf:2: bind = localhost:80: must be a numeric address with a "
     "port (192.0.2.1:8443, [::1]:8443) or unix:/path"},
    {"[listener/a]\nbind = ::1:80\n",
     "t.conf:2: bind = ::1:80: must be a numeric address with a port "
     "(192.0.2.1:8443, [::1]:8443) or unix:/path"},
    {"[listener/a]\nbind = 127.0.0.1:65536\n",
     "t.conf:2: bind = 127.0.0.1:65536: must be a numeric address with a "
     "port (192.0.2.1:8443, [::1]:8443) or unix:/path"},
    {"[listener/a]\nbind = 127.0.0.1\n",
     "t.conf:2: bind = 127.0.0.1: must be a numeric address with a port "
     "(192.0.2.1:8443, [::1]:8443) or unix:/path"},
    {"[listener/a]\nbind = unix:run/x\n",
     "t.conf:2: bind = unix:run/x: unix: needs an absolute path"},
    {"[listener/a]\nmode = 0400\n",
     "t.conf:2: mode = 0400: must be an octal mode from 0600 to 0777"},
    {"[listener/a]\nmode = 0680\n",
     "t.conf:2: mode = 0680: must be an octal mode from 0600 to 0777"},
    {"[listener/a]\nchannel = private\n",
     "t.conf:2: channel = private: must be local or asserted"},
    {"[listener/a]\nchannel_bindings = yes\n",
     "t.conf:2: channel_bindings = yes: must be off, allow or require"},
    {"[listener/a]\nprivacy_evidence = flags\n",
     "t.conf:2: privacy_evidence = flags: must be strict or bound"},
    {"[listener/a]\nminimum_level = None\n",
     "t.conf:2: minimum_level = None: must be Connect or higher: Connect, "
     "Pkt, PktIntegrity or PktPrivacy"},
    {"[listener/a]\nminimum_level = Default\n",
     "t.conf:2: minimum_level = Default: must be Connect or higher: "
     "Connect, Pkt, PktIntegrity or PktPrivacy"},
    {"[listener/a]\nencrypted_needs_binding = 1\n",
     "t.conf:2: encrypted_needs_binding = 1: must be yes or no"},
    {"[listener/a]\nlocal_users = root, no-such-user\n",
     "t.conf:2: local_users = root, no-such-user: there is no user "
     "'no-such-user'"},
    {"[listener/a]\nlocal_users = 4294967295\n",
     "t.conf:2: local_users = 4294967295: '4294967295' is no user's "
     "number"},
    {"[listener/a]\ntrusted_proxy = no-such-user\n",
     "t.conf:2: trusted_proxy = no-such-user: there is no user "
     "'no-such-user'"},
    {"[listener/a]\ntls_priorities = NORMAL:+NULL\n",
     "t.conf:2: tls_priorities = NORMAL:+NULL: +NULL would leave "
     "connections without privacy"},
    {"[listener/a]\ntls_priorities = NORMAL:+anon-ecdh\n",
     "t.conf:2: tls_priorities = NORMAL:+anon-ecdh: +anon-ecdh would "
     "leave connections without privacy"},
    {"[listener/a]\nheader_max = 1K\n",
     "t.conf:2: header_max = 1K: must be a number of bytes from 16K to 1M; "
     "K, M or G may follow it"},
    {"[listener/a]\nbody_max = 999999999999M\n",
     "t.conf:2: body_max = 999999999999M: must be a number of bytes from "
     "1K to 64M; K, M or G may follow it"},
    {"[listener/a]\nbody_max = 1MB\n",
     "t.conf:2: body_max = 1MB: must be a number of bytes from 1K to 64M; K, "
     "M or G may follow it"},
    {"[namespace/root\\a]\nenforcement = off\n",
     "t.conf:2: enforcement = off: must be enforce or audit"},
    {"[namespace/root\\a]\nuntil = 2027-02-30\n",
     "t.conf:2: until = 2027-02-30: must be a day, YYYY-MM-DD"},
};

Test(config, refuses_values_that_do_not_fit_their_key)
{
    for (size_t i = 0; i < ARRAY_COUNT(refuses_values); i++)
        written_refused(refuses_values[i].text, refuses_values[i].message);
}

static const struct written_bad refuses_contradictions[] = {
    {BASE, "t.conf:1: nothing to listen on: no [listener/NAME] section"},
    {BASE "[listener/a]\n", "t.conf:9: [listener/a] needs bind"},
    {BASE CLEAR "tls_certificate = DIR/crt\n",
     "t.conf:11: tls_certificate needs tls_key"},
    {BASE CLEAR "tls_key = DIR/key\n",
     "t.conf:11: tls_key needs tls_certificate"},
    {BASE "[listener/a]\nbind = unix:DIR/s\n",
     "t.conf:10: a Unix socket needs either channel = local or "
     "trusted_proxy = USER"},
    {BASE "[listener/a]\nbind = unix:DIR/s\nchannel = asserted\n"
          "channel_reason = x\n",
     "t.conf:10: a Unix socket needs either channel = local or "
     "trusted_proxy = USER"},
    {BASE "[listener/a]\nbind = unix:DIR/s\nchannel = local\n"
          "local_users = root\ntrusted_proxy = root\n",
     "t.conf:11: channel and trusted_proxy exclude each other"},
    {BASE CLEAR "channel = local\n",
     "t.conf:11: channel = local needs local_users"},
    {BASE "[listener/a]\nbind = 192.0.2.1:80\nchannel = local\n"
          "local_users = root\n",
     "t.conf:10: channel = local needs a Unix socket or a loopback "
     "address"},
    {BASE "[listener/a]\nbind = [::]:80\nchannel = local\n"
          "local_users = root\n",
     "t.conf:10: channel = local needs a Unix socket or a loopback "
     "address"},
    {BASE CLEAR "channel = local\nlocal_users = root\n"
                "tls_certificate = DIR/crt\ntls_key = DIR/key\n",
     "t.conf:11: channel is for a listener without tls_certificate"},
    {BASE CLEAR "channel = asserted\n",
     "t.conf:11: channel = asserted needs channel_reason"},
    {BASE CLEAR "channel_reason = x\n",
     "t.conf:11: channel_reason needs channel = asserted"},
    {BASE CLEAR "local_users = root\n",
     "t.conf:11: local_users needs channel = local"},
    {BASE CLEAR "secret_file = DIR/secret\n",
     "t.conf:11: secret_file needs trusted_proxy"},
    {BASE CLEAR "proxy_tls_certificate = DIR/crt\n",
     "t.conf:11: proxy_tls_certificate needs trusted_proxy"},
    {BASE CLEAR "trusted_proxy = root\nsecret_file = DIR/secret\n"
                "connections_per_address_max = 8\n",
     "t.conf:13: connections_per_address_max needs a listener that is no "
     "proxy's: all of one's connections have one address"},
    {BASE CLEAR "trusted_proxy = root\n",
     "t.conf:11: trusted_proxy on a TCP address needs secret_file"},
    {BASE "[listener/a]\nbind = 192.0.2.1:80\ntrusted_proxy = root\n"
          "secret_file = DIR/secret\n",
     "t.conf:10: trusted_proxy needs a Unix socket or a loopback address"},
    {BASE CLEAR "trusted_proxy = root\ntls_certificate = DIR/crt\n"
                "tls_key = DIR/key\n",
     "t.conf:12: a proxy ends TLS itself: trusted_proxy and "
     "tls_certificate exclude each other"},
    {BASE CLEAR "mode = 0660\n",
     "t.conf:11: mode needs a Unix socket with channel = local"},
    {BASE "[listener/a]\nbind = unix:DIR/s\ntrusted_proxy = root\n"
          "group = root\n",
     "t.conf:12: group needs a Unix socket with channel = local"},
    {BASE CLEAR "tls_priorities = NORMAL\n",
     "t.conf:11: tls_priorities needs tls_certificate and tls_key"},
    {BASE CLEAR "channel_bindings = require\n",
     "t.conf:11: channel_bindings needs TLS, or a proxy's certificate "
     "(proxy_tls_certificate)"},
    {BASE CLEAR "privacy_evidence = bound\n",
     "t.conf:11: privacy_evidence needs TLS, or a proxy's certificate "
     "(proxy_tls_certificate)"},
    {BASE "[listener/a]\nbind = unix:DIR/s\ntrusted_proxy = root\n"
          "encrypted_needs_binding = yes\n",
     "t.conf:12: encrypted_needs_binding needs TLS, or a proxy's "
     "certificate (proxy_tls_certificate)"},
    {BASE CLEAR "tls_certificate = DIR/crt\ntls_key = DIR/key\n"
                "channel_bindings = off\nprivacy_evidence = bound\n",
     "t.conf:14: privacy_evidence = bound needs channel_bindings = allow "
     "or require"},
    {BASE CLEAR "tls_certificate = DIR/crt\ntls_key = DIR/key\n"
                "channel_bindings = off\nencrypted_needs_binding = yes\n",
     "t.conf:14: encrypted_needs_binding = yes needs channel_bindings = "
     "allow or require"},
    {BASE CLEAR "status = true\nminimum_level = Pkt\n",
     "t.conf:12: minimum_level and status = yes exclude each other"},
    {BASE CLEAR "channel = local\nstatus = true\n",
     "t.conf:11: channel and status = yes exclude each other"},
    {BASE "[listener/a]\nbind = unix:DIR/s\nstatus = true\n",
     "t.conf:10: a status listener needs a TCP address"},
    {BASE CLEAR "[listener/b]\nbind = 127.0.0.1:05985\n",
     "t.conf:12: bind: 127.0.0.1:05985 is taken by [listener/clear]"},
    {BASE "[listener/a]\nbind = [::1]:1\n[listener/b]\n"
          "bind = [0:0::0:1]:1\n",
     "t.conf:12: bind: [0:0::0:1]:1 is taken by [listener/a]"},
    {BASE CLEAR "[access/root\\a]\n",
     "t.conf:11: [access/root\\a] needs allow = PRINCIPAL, ..."},
    {BASE CLEAR "[access/root\\a]\nallow = a@R, group:no-such-group\n",
     "t.conf:12: allow: there is no group 'no-such-group'"},
    {BASE CLEAR "[namespace/root\\a]\nenforcement = audit\n",
     "t.conf:12: enforcement = audit needs until = YYYY-MM-DD"},
    {BASE CLEAR "[namespace/root\\a]\nuntil = 2030-01-01\n",
     "t.conf:12: until means nothing without enforcement = audit"},
};

Test(config, refuses_contradictions_between_keys)
{
    for (size_t i = 0; i < ARRAY_COUNT(refuses_contradictions); i++)
        written_refused(refuses_contradictions[i].text,
                        refuses_contradictions[i].message);
}

Test(config, refuses_files_and_users_that_are_not_there)
{
    static const struct written_bad table[] = {
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/none\n",
         "t.conf:3: state_dir: DIR/none: No such file or directory"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/keytab\n",
         "t.conf:3: state_dir: DIR/keytab is not a directory"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/loose\n",
         "t.conf:3: state_dir: DIR/loose is writable by its group or by "
         "everyone; chmod go-w it"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\n"
         "runtime_dir = DIR/loose\n",
         "t.conf:4: runtime_dir: DIR/loose is writable by its group or by "
         "everyone; chmod go-w it"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\n"
         "user = no-such-user\n",
         "t.conf:4: user: there is no user 'no-such-user'"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\nuser = root\n"
         "store_user = no-such-user\n",
         "t.conf:5: store_user: there is no user 'no-such-user'"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\nuser = root\n"
         "store_user = root\nkeytab = DIR/none\n",
         "t.conf:6: keytab: DIR/none: No such file or directory"},
        {"[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\nuser = root\n"
         "store_user = root\nkeytab = DIR/state\n",
         "t.conf:6: keytab: DIR/state is not a regular file"},
        {BASE CLEAR "tls_certificate = DIR/none\ntls_key = DIR/key\n",
         "t.conf:11: tls_certificate: DIR/none: No such file or directory"},
        {BASE CLEAR "tls_certificate = DIR/crt\ntls_key = DIR/none\n",
         "t.conf:12: tls_key: DIR/none: No such file or directory"},
        {BASE CLEAR "trusted_proxy = root\nsecret_file = DIR/none\n",
         "t.conf:12: secret_file: DIR/none: No such file or directory"},
        {BASE CLEAR "trusted_proxy = root\nsecret_file = DIR/short\n",
         "t.conf:12: secret_file: DIR/short holds fewer than 32 bytes"},
        {BASE CLEAR "trusted_proxy = root\nsecret_file = DIR/spaced\n",
         "t.conf:12: secret_file: DIR/spaced holds something other than one "
         "line of visible ASCII characters"},
        {BASE CLEAR "trusted_proxy = root\nsecret_file = DIR/lines\n",
         "t.conf:12: secret_file: DIR/lines holds something other than one "
         "line of visible ASCII characters"},
        {BASE "[listener/a]\nbind = unix:DIR/s\nchannel = local\n"
              "local_users = root\ngroup = no-such-group\n",
         "t.conf:13: group: there is no group 'no-such-group'"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        written_refused(table[i].text, table[i].message);
}

Test(config, fills_in_the_defaults)
{
    struct config *c = written_load_good(BASE CLEAR);
    const struct config_listener *l = &c->listeners[0];

    cr_assert(c->workers >= 1 && c->event_rows_max == 1000000);
    cr_assert(c->drain_timeout_s == 10 && c->page_max == 1000);
    cr_assert_str_eq(c->log_level, "info");
    cr_assert_str_eq(c->access_log, "stderr");
    cr_assert_str_eq(c->secure_host, "gw.example.com");
    cr_assert(c->operator_count == 0 && c->access_count == 0);
    cr_assert_str_eq(l->name, "clear");
    cr_assert(l->line == 10 && l->port == 5985 && !l->tls && !l->status);
    cr_assert_str_eq(l->host, "127.0.0.1");
    cr_assert(l->channel == LISTENER_CHANNEL_DIRECT);
    cr_assert(l->channel_bindings == CHANNEL_BINDINGS_ALLOW);
    cr_assert(l->privacy_evidence == PRIVACY_EVIDENCE_STRICT);
    cr_assert(l->minimum_level == AUTHN_LEVEL_CONNECT);
    cr_assert(!l->encrypted_needs_binding && l->mode == 0600);
    cr_assert(l->header_max == 36864 && l->body_max == 1048576);
    cr_assert(l->idle_timeout_s == 60 && l->backlog == 1024);
    cr_assert(l->first_byte_timeout_s == 30 && l->header_timeout_s == 15);
    cr_assert(l->body_timeout_s == 60 && l->write_timeout_s == 300);
    cr_assert_eq(l->token_max, 24576);
    config_free(c);
}

Test(config, takes_listeners_of_every_kind)
{
    struct config *c = written_load_good(
        BASE
        "[listener/public]\nbind = [::]:8443\ntls_certificate = DIR/crt\n"
        "tls_key = DIR/key\nchannel_bindings = require\n"
        "privacy_evidence = bound\nencrypted_needs_binding = yes\n"
        "minimum_level = call\ntls_priorities = SECURE256:-VERS-TLS1.2\n"
        "[listener/nginx]\nbind = unix:DIR/proxy.sock\ntrusted_proxy = 33\n"
        "secret_file = DIR/secret\nproxy_tls_certificate = DIR/crt\n"
        "[listener/haproxy]\nbind = [::1]:81\ntrusted_proxy = root\n"
        "secret_file = DIR/secret\n"
        "[listener/tools]\nbind = unix:DIR/local.sock\nchannel = local\n"
        "local_users = root, 1000\nmode = 0666\nbody_max = 64K\n"
        "[listener/mesh]\nbind = 0.0.0.0:5985\nchannel = asserted\n"
        "channel_reason = \"WireGuard, always\"\n"
        "[listener/status]\nbind = 127.0.0.1:0\nstatus = true\n"
        "[listener/status2]\nbind = 127.0.0.1:0\nstatus = yes\n");
    const struct config_listener *l;

    cr_assert(c->listener_count == 7);
    l = config_listener(c, "public");
    cr_assert(l->tls && l->channel == LISTENER_CHANNEL_DIRECT);
    cr_assert(l->channel_bindings == CHANNEL_BINDINGS_REQUIRE);
    cr_assert(l->privacy_evidence == PRIVACY_EVIDENCE_BOUND);
    cr_assert(l->encrypted_needs_binding);
    cr_assert(l->minimum_level == AUTHN_LEVEL_PKT, "Call counts as Pkt");
    cr_assert_str_eq(l->host, "::");
    l = config_listener(c, "nginx");
    cr_assert(l->channel == LISTENER_CHANNEL_PROXY);
    cr_assert(l->trusted_proxy_uid == 33 && l->unix_path[0] == '/');
    l = config_listener(c, "tools");
    cr_assert(l->channel == LISTENER_CHANNEL_LOCAL && l->mode == 0666);
    cr_assert(l->local_user_count == 2 && l->local_uids[1] == 1000);
    cr_assert(l->body_max == 65536);
    l = config_listener(c, "mesh");
    cr_assert(l->channel == LISTENER_CHANNEL_ASSERTED);
    cr_assert_str_eq(l->channel_reason, "WireGuard, always");
    cr_assert(config_listener(c, "status")->status);
    cr_assert(config_listener(c, "other") == NULL);
    config_free(c);
}

static struct namespace_path
ns(const char *text)
{
    struct namespace_path path;

    cr_assert(namespace_path_parse(&path, span_of(text), NULL) ==
              NAMESPACE_PATH_OK);
    return path;
}

Test(config, finds_the_access_list_of_a_namespace_in_any_spelling)
{
    struct config *c =
        written_load_good(BASE CLEAR "[access/root\\Hardware]\n"
                                     "allow = ops@EXAMPLE.COM, *@B\n"
                                     "[access/root/zoo]\n"
                                     "allow = z@EXAMPLE.COM\n"
                                     "[access//root/apes]\n"
                                     "allow = a@EXAMPLE.COM\n");
    struct namespace_path path = ns("ROOT\\HARDWARE");
    const struct access_list *list = config_access(c, &path);

    cr_assert(list != NULL && list->count == 2);
    cr_assert_str_eq(list->principals[0], "ops@EXAMPLE.COM");
    cr_assert_str_eq(list->principals[1], "*@B");
    path = ns("root/apes");
    cr_assert_str_eq(config_access(c, &path)->principals[0], "a@EXAMPLE.COM");
    path = ns("root/zoo");
    cr_assert_str_eq(config_access(c, &path)->principals[0], "z@EXAMPLE.COM");
    path = ns("root");
    cr_assert(config_access(c, &path) == NULL);
    path = ns("root\\hardware\\deeper");
    cr_assert(config_access(c, &path) == NULL);
    config_free(c);
}

Test(config, audits_until_the_end_of_the_last_day)
{
    struct config *c = written_load_good(BASE CLEAR "[namespace/root\\a]\n"
                                                    "enforcement = audit\n"
                                                    "until = 2099-12-31\n"
                                                    "[namespace/root\\b]\n"
                                                    "enforcement = enforce\n");
    int64_t next_day = clock_parse_date("2099-12-31") + 86400000000;
    struct namespace_path a = ns("root\\a"), b = ns("root\\b");
    struct namespace_path other = ns("root\\c");

    cr_assert(config_audits(c, &a, clock_now_us()));
    cr_assert(config_audits(c, &a, next_day - 1));
    cr_assert(!config_audits(c, &a, next_day));
    cr_assert(!config_audits(c, &b, 0) && !config_audits(c, &other, 0));
    config_free(c);
}

Test(config, warns_of_what_weakens_it)
{
    struct passwd *proxy = getpwnam("www-data");
    struct config *c;

    written_files();
    c = written_load_good(BASE "[listener/mesh]\nbind = 0.0.0.0:5985\n"
                               "channel = asserted\nchannel_reason = IPsec\n"
                               "[listener/tools]\nbind = unix:DIR/s\n"
                               "channel = local\nlocal_users = 33\n"
                               "[listener/status]\nbind = 0.0.0.0:9100\n"
                               "status = yes\n"
                               "[listener/public]\nbind = [::]:8443\n"
                               "tls_certificate = DIR/crt\ntls_key = DIR/crt\n"
                               "[namespace/root\\a]\nenforcement = audit\n"
                               "until = 2001-01-01\n");
    cr_expect(written_warns(
        c, "t.conf:7: user = root: the workers are not confined"));
    cr_expect(
        written_warns(c, "t.conf:10: [listener/mesh] takes an unencrypted "
                         "channel for private: IPsec") ||
        written_warns(c, "t.conf:11: [listener/mesh] takes an unencrypted "
                         "channel for private: IPsec"));
    if (proxy != NULL && proxy->pw_uid == 33)
        cr_expect(
            written_warns(c, "t.conf:16: local_users: www-data usually runs a "
                             "proxy, and everyone behind it would count as "
                             "local"));
    cr_expect(
        written_warns(c, "t.conf:16: local_users: only root can open a socket "
                         "of mode 0600; set mode and group"));
    cr_expect(written_warns(
        c, "t.conf:18: [listener/status] tells health and metrics "
           "to everyone who reaches 0.0.0.0:9100"));
    cr_expect(written_warns(
        c, "t.conf:23: tls_key: DIR/crt is open to every user of "
           "this machine"));
    cr_expect(
        written_warns(c, "t.conf:26: root\\a: the audit is over, requests are "
                         "refused again"));
    config_free(c);
    c = written_load_good(BASE CLEAR);
    cr_expect(c->warning_count == 2, "only the users");
    config_free(c);
}

Test(config, loads_the_file_and_its_snippets_in_order)
{
    struct config *c = NULL;
    struct error err = {0};
    char path[4200], *text;

    written_files();
    test_shell("mkdir %s/conf.d", written_dir());
    text = written_expand(BASE CLEAR "page_max = 7\n");
    *strstr(text, "page_max") = '#';
    written_put("nsgate.conf", text, 0644);
    free(text);
    written_put("conf.d/20-b.conf", "[nsgate]\nrealms = TWO\n", 0644);
    written_put("conf.d/10-a.conf",
                "[nsgate]\nrealms = ONE\nlog_level = debug\n"
                "[access/root\\a]\nallow = x@ONE\n",
                0644);
    written_put("conf.d/.hidden.conf", "[nsgate]\nrealms = HIDDEN\n", 0644);
    written_put("conf.d/30-c.conf.bak", "nonsense", 0644);
    snprintf(path, sizeof(path), "%s/nsgate.conf", written_dir());
    cr_assert(config_load(path, &c, &err) == 0, "%s", err.text);
    cr_assert_str_eq(c->path, path);
    cr_assert(c->realm_count == 1);
    cr_assert_str_eq(c->realms[0], "TWO");
    cr_assert_str_eq(c->log_level, "debug");
    cr_assert(c->access_count == 1);
    config_free(c);
    written_put("conf.d/30-c.conf", "[nsgate]\n\nworkers = 0\n", 0644);
    cr_assert(config_load(path, &c, &err) < 0);
    cr_assert(strstr(err.text, "/conf.d/30-c.conf:3: workers = 0") != NULL,
              "%s", err.text);
    written_put("conf.d/30-c.conf", "[nsgate]\n", 0646);
    cr_assert(config_load(path, &c, &err) < 0);
    cr_assert(strstr(err.text, "30-c.conf: writable by everyone") != NULL);
}

Test(config, says_which_file_is_missing)
{
    struct config *c = NULL;
    struct error err = {0};

    cr_assert(config_load("/nonexistent/nsgate.conf", &c, &err) < 0);
    cr_assert_str_eq(err.text,
                     "/nonexistent/nsgate.conf: No such file or directory");
    cr_assert(config_load("/", &c, &err) < 0);
    cr_assert_str_eq(err.text, "/: not a regular file");
}

Test(config, makes_principals_of_the_members_of_a_group)
{
    struct config *c = NULL;
    struct error err = {0};

    /* A group that every system has, whatever its members. */
    written_refused("[nsgate]\nacceptor = HTTP@h\nstate_dir = DIR/state\n"
                    "runtime_dir = DIR/run\nkeytab = DIR/keytab\n"
                    "user = root\nstore_user = root\n" CLEAR
                    "[access/root\\a]\nallow = group:root\n",
                    "t.conf:11: allow: group:root needs realms in [nsgate]: "
                    "its members are principals of the first one");
    cr_assert(written_load(BASE CLEAR "[access/root\\a]\n"
                                      "allow = group:root, x@EXAMPLE.COM\n",
                           &c, &err) == 0,
              "%s", err.text);
    for (size_t i = 0; i < c->access[0].count; i++)
        cr_assert(strstr(c->access[0].principals[i], "@EXAMPLE.COM") != NULL);
    cr_assert(c->access[0].count >= 1);
    config_free(c);
}
