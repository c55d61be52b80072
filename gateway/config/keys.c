#include "gateway/config/keys.h"

#include <string.h>

#include "gateway/config/config.h"
#include "gateway/config/values.h"

#define KiB 1024ull
#define MiB (1024ull * 1024)
#define GiB (1024ull * 1024 * 1024)

#define IN_CONFIG(field)    offsetof(struct config, field)
#define IN_LISTENER(field)  offsetof(struct config_listener, field)
#define IN_ACCESS(field)    offsetof(struct access_list, field)
#define IN_NAMESPACE(field) offsetof(struct config_namespace, field)
#define IN_ROUTE(field)     offsetof(struct config_route, field)
#define IN_CALLBACK(field)  offsetof(struct config_callback, field)

static const struct {
    enum section_kind kind;
    const char *word; /* what stands before the slash */
    bool named;
    const char *form;
} sections[] = {
    {SECTION_NSGATE, "nsgate", false, "[nsgate]"},
    {SECTION_LISTENER, "listener", true, "[listener/NAME]"},
    {SECTION_ACCESS, "access", true, "[access/NAMESPACE]"},
    {SECTION_NAMESPACE, "namespace", true, "[namespace/NAMESPACE]"},
    {SECTION_CALLBACK, "callback", false, "[callback]"},
    {SECTION_ROUTE, "route", true, "[route/NAME]"},
};

/* One row a key; the row's sentence stands in nsgate.conf(5). */
static const struct key keys[] = {
#define ROW(name, parse, field, preset, min, max, form, manual)               \
    {                                                                         \
        SECTION_NSGATE, name, parse, IN_CONFIG(field), preset, min, max,      \
            form, manual                                                      \
    }
    ROW("state_dir", value_path, state_dir, "/var/lib/nsgate", 0, 0, "PATH",
        "The directory of the repository, the policy image and the events."),
    ROW("runtime_dir", value_path, runtime_dir, "/run/nsgate", 0, 0, "PATH",
        "The directory of the control socket."),
    ROW("keytab", value_path, keytab, "/etc/nsgate/http.keytab", 0, 0, "PATH",
        "The file with the keys of the acceptor names."),
    ROW("acceptor", value_acceptors, acceptors, NULL, 0, 0,
        "SERVICE@HOST, ...",
        "The service names that clients ask tickets for."),
    ROW("realms", value_realms, realms, NULL, 0, 0, "REALM, ...",
        "The realms whose principals may come in."),
    ROW("workers", value_workers, workers, "auto", 1, 256, "auto|NUMBER",
        "The number of worker processes."),
    ROW("user", value_text, user, "nsgate", 0, 0, "USER",
        "The user that the workers run as."),
    ROW("store_user", value_text, store_user, "nsgate-store", 0, 0, "USER",
        "The user that owns state_dir and runs the writers of it."),
    ROW("operators", value_operators, operators, NULL, 0, 0,
        "PRINCIPAL|group:NAME, ...",
        "Who may read events and compile over REST."),
    ROW("access_log", value_log_target, access_log, "stderr", 0, 0,
        "PATH|stderr|off", "Where the record of each request goes."),
    ROW("event_rows_max", value_rows, event_rows_max, "1000000", 100,
        100000000, "NUMBER",
        "How many events are kept; the oldest ones beyond are dropped."),
    ROW("drain_timeout_s", value_number, drain_timeout_s, "10", 0, 600,
        "SECONDS", "How long requests may still run after SIGTERM."),
    ROW("upstream_resolve_s", value_number, upstream_resolve_s, "60", 0, 86400,
        "SECONDS",
        "How often the names of upstreams are looked up again; 0: never."),
    ROW("page_max", value_number, page_max, "1000", 1, 100000, "NUMBER",
        "How many instances one page has at most."),
    ROW("contexts_max", value_number, contexts_max, "1000", 1, 1000000,
        "NUMBER",
        "How many clients of message encryption each worker keeps signed in."),
    ROW("context_idle_s", value_number, context_idle_s, "60", 1, 3600,
        "SECONDS", "How long such a client may be silent."),
    ROW("session_keys", value_path, session_keys, NULL, 0, 0, "PATH",
        "The file with the keys that sessions are sealed with."),
    ROW("log_level", value_log_level, log_level, "info", 0, 0,
        "error|warning|notice|info|debug",
        "The least important messages that are still logged."),
#undef ROW
#define ROW(name, parse, field, preset, min, max, form, manual)               \
    {                                                                         \
        SECTION_LISTENER, name, parse, IN_LISTENER(field), preset, min, max,  \
            form, manual                                                      \
    }
    ROW("bind", value_bind, bind, NULL, 0, 0, "ADDRESS:PORT|unix:PATH",
        "Where connections are accepted."),
    ROW("mode", value_mode, mode, "0600", 0600, 0777, "MODE",
        "The permissions of the socket file, in octal."),
    ROW("group", value_text, group, NULL, 0, 0, "GROUP",
        "The group of the socket file."),
    ROW("backlog", value_number, backlog, "1024", 1, 65535, "NUMBER",
        "How many connections may wait to be accepted."),
    ROW("tls_certificate", value_path, tls_certificate, NULL, 0, 0, "PATH",
        "The certificate and its chain, in PEM."),
    ROW("tls_key", value_path, tls_key, NULL, 0, 0, "PATH",
        "The private key of tls_certificate, in PEM."),
    ROW("tls_priorities", value_priorities, tls_priorities,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:"
        "-GROUP-DH-ALL:-SHA1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1",
        0, 0, "STRING", "The GnuTLS priority string."),
    ROW("channel", value_channel, channel, NULL, 0, 0, "local|asserted",
        "What makes a listener without TLS private."),
    ROW("channel_reason", value_text, channel_reason, NULL, 0, 0, "TEXT",
        "Why the operator vouches for the wire of an asserted channel."),
    ROW("local_users", value_local_users, local_uids, NULL, 0, 0, "USER, ...",
        "The local users whose connections count as private."),
    ROW("trusted_proxy", value_trusted_proxy, trusted_proxy, NULL, 0, 0,
        "USER", "The user of the proxy that this listener belongs to."),
    ROW("secret_file", value_path, secret_file, NULL, 0, 0, "PATH",
        "The file with the secret that the proxy sends along."),
    ROW("proxy_tls_certificate", value_path, proxy_tls_certificate, NULL, 0, 0,
        "PATH", "The certificate that the proxy shows to clients, in PEM."),
    ROW("channel_bindings", value_bindings, channel_bindings, "allow", 0, 0,
        "off|allow|require",
        "What becomes of the channel bindings of the TLS session."),
    ROW("encrypted_needs_binding", value_bool, encrypted_needs_binding, "no",
        0, 0, "yes|no",
        "Whether encrypted namespaces want a channel binding as well."),
    ROW("privacy_evidence", value_evidence, privacy_evidence, "strict", 0, 0,
        "strict|bound", "What shows that a client wanted privacy."),
    ROW("minimum_level", value_level, minimum_level, "Connect", 0, 0, "LEVEL",
        "The authentication level below which nothing gets in."),
    ROW("status", value_bool, status, "no", 0, 0, "yes|no",
        "Whether this listener serves health and metrics and nothing else."),
    ROW("session_s", value_number, session_s, "0", 0, 86400, "SECONDS",
        "How long a sign-in may be used again by a cookie; 0: never."),
    ROW("connections_max", value_number, connections_max, "4096", 1, 1000000,
        "NUMBER", "How many connections each worker holds at most."),
    ROW("connections_per_address_max", value_number,
        connections_per_address_max, "256", 1, 1000000, "NUMBER",
        "How many of them may come from one address."),
    ROW("first_byte_timeout_s", value_number, first_byte_timeout_s, "30", 1,
        3600, "SECONDS", "How long a new connection may be silent."),
    ROW("header_timeout_s", value_number, header_timeout_s, "15", 1, 3600,
        "SECONDS",
        "How long the head of a request may take, and TLS before it."),
    ROW("body_timeout_s", value_number, body_timeout_s, "60", 1, 3600,
        "SECONDS", "How long the body of a request may take."),
    ROW("write_timeout_s", value_number, write_timeout_s, "300", 1, 86400,
        "SECONDS", "How long the client may take to receive an answer."),
    ROW("write_progress_s", value_number, write_progress_s, "20", 1, 86400,
        "SECONDS", "The time in which a client takes write_progress_min."),
    ROW("write_progress_min", value_size, write_progress_min, "4K", 1, 1 * MiB,
        "BYTES", "What a client takes of an answer in each write_progress_s."),
    ROW("idle_timeout_s", value_number, idle_timeout_s, "60", 1, 3600,
        "SECONDS", "How long a connection may be silent between requests."),
    ROW("header_max", value_size, header_max, "36K", 16 * KiB, 1 * MiB,
        "BYTES", "The memory for the headers of one request."),
    ROW("token_max", value_size, token_max, "24K", 1 * KiB, 1 * MiB, "BYTES",
        "The longest value of Authorization."),
    ROW("body_max", value_size, body_max, "1M", 1 * KiB, 64 * MiB, "BYTES",
        "The largest body that is read."),
    ROW("message_encryption", value_bool, message_encryption, "yes", 0, 0,
        "yes|no", "Whether clients without TLS may seal their messages."),
    ROW("sealed_body_max", value_size, sealed_body_max, "1M", 1 * KiB,
        64 * MiB, "BYTES", "The largest sealed message, both ways."),
#undef ROW
    {SECTION_ACCESS, "allow", value_principals, IN_ACCESS(principals), NULL, 0,
     0, "PRINCIPAL|*@REALM|group:NAME, ...",
     "Who may come in to this namespace."},
    {SECTION_NAMESPACE, "enforcement", value_enforcement, IN_NAMESPACE(audit),
     "enforce", 0, 0, "enforce|audit",
     "Whether a request at too low a level is refused or only recorded."},
    {SECTION_NAMESPACE, "until", value_until, IN_NAMESPACE(audit_until_us),
     NULL, 0, 0, "YYYY-MM-DD", "The last day (UTC) on which audit holds."},
#define ROW(name, parse, field, preset, min, max, form, manual)               \
    {                                                                         \
        SECTION_CALLBACK, name, parse, IN_CALLBACK(field), preset, min, max,  \
            form, manual                                                      \
    }
    ROW("client_keytab", value_path, client_keytab, NULL, 0, 0, "PATH",
        "The file with the keys of the gateway as a client."),
    ROW("client_principal", value_principal, client_principal, NULL, 0, 0,
        "PRINCIPAL", "The principal that results are delivered as."),
    ROW("sinks", value_sinks, sinks, NULL, 0, 0, "HOST[:PORT]|*.DOMAIN, ...",
        "The hosts that results may be sent to."),
    ROW("sink_networks", value_networks, networks, NULL, 0, 0,
        "ADDRESS[/PREFIX], ...",
        "The networks that sinks may stand in although they are not global."),
    ROW("sink_ca", value_path, sink_ca, NULL, 0, 0, "PATH",
        "The certificate authorities of sinks, in PEM."),
    ROW("floor", value_floor, floor, "request", 0, 0, "request|LEVEL",
        "The authentication level below which nothing is delivered."),
    ROW("message_encryption", value_bool, message_encryption, "no", 0, 0,
        "yes|no", "Whether results go to sinks by http, sealed."),
    ROW("couriers", value_number, couriers, "4", 1, 64, "NUMBER",
        "The number of processes that deliver."),
    ROW("sink_timeout_s", value_number, sink_timeout_s, "30", 1, 600,
        "SECONDS", "How long one exchange with a sink may take."),
    ROW("give_up_s", value_number, give_up_s, "86400", 1, 2592000, "SECONDS",
        "How long delivery is tried before a result is a dead letter."),
    ROW("keep_s", value_number, keep_s, "3600", 1, 2592000, "SECONDS",
        "How long a result waits to be fetched, and a final status stays."),
    ROW("keep_dead_s", value_number, keep_dead_s, "604800", 1, 31536000,
        "SECONDS", "How long a dead letter is kept."),
    ROW("operations_max", value_number, operations_max, "100000", 1, 10000000,
        "NUMBER", "How many operations may be unfinished."),
    ROW("operations_per_principal", value_number, operations_per_principal,
        "1000", 1, 10000000, "NUMBER",
        "How many of them may belong to one principal."),
    ROW("result_max", value_size, result_max, "16M", 1 * KiB, 1 * GiB, "BYTES",
        "The largest result that is stored."),
    ROW("outbox_max", value_size, outbox_max, "1G", 1 * KiB, 1024 * GiB,
        "BYTES", "How much all stored results may take."),
#undef ROW
#define ROW(name, parse, field, preset, min, max, form, manual)               \
    {                                                                         \
        SECTION_ROUTE, name, parse, IN_ROUTE(field), preset, min, max, form,  \
            manual                                                            \
    }
    ROW("path", value_route_path, path, NULL, 0, 0, "PATH",
        "The path that is forwarded; with a slash at its end all below it."),
    ROW("hosts", value_route_hosts, hosts, NULL, 0, 0, "HOST, ...",
        "The names in Host that the route is for."),
    ROW("methods", value_route_methods, methods, NULL, 0, 0, "METHOD, ...",
        "The methods that are forwarded."),
    ROW("protocol", value_route_protocol, protocol, "http", 0, 0,
        "http|wsman|cim-xml",
        "Whether namespace says what requests are about, or they do."),
    ROW("namespace", value_route_namespace, namespace, NULL, 0, 0, "NAMESPACE",
        "The namespace whose policy such requests are under."),
    ROW("upstream", value_upstreams, upstreams, NULL, 0, 0,
        "http://HOST[:PORT][/PATH]|https://...|unix:SOCKET[:/PATH], ...|none",
        "The servers that requests are forwarded to."),
    ROW("channel", value_route_channel, local, NULL, 0, 0, "local",
        "That http to the loopback address counts as private."),
    ROW("upstream_ca", value_path, upstream_ca, NULL, 0, 0, "PATH",
        "The certificate authorities of the servers, in PEM."),
    ROW("upstream_certificate", value_path, upstream_certificate, NULL, 0, 0,
        "PATH", "The certificate that the gateway shows to them, in PEM."),
    ROW("upstream_key", value_path, upstream_key, NULL, 0, 0, "PATH",
        "The private key of upstream_certificate, in PEM."),
    ROW("forward_token", value_bool, forward_token, "no", 0, 0, "yes|no",
        "Whether the client's Authorization is forwarded as well."),
    ROW("identity", value_route_identity, negotiate, "headers", 0, 0,
        "headers|negotiate",
        "How the gateway says to the servers who it is itself."),
    ROW("upstream_principal", value_service, upstream_principal, NULL, 0, 0,
        "SERVICE@HOST|SERVICE/HOST@REALM",
        "Whom the gateway asks a ticket for with identity = negotiate."),
    ROW("connect_timeout_s", value_number, connect_timeout_s, "5", 1, 600,
        "SECONDS", "How long a connection to a server may take."),
    ROW("answer_timeout_s", value_number, answer_timeout_s, "60", 1, 86400,
        "SECONDS", "How long a server may take to begin its answer."),
    ROW("stall_timeout_s", value_number, stall_timeout_s, "60", 1, 86400,
        "SECONDS", "How long it may pause in an answer, or in taking a body."),
    ROW("retry_s", value_number, retry_s, "10", 1, 3600, "SECONDS",
        "How long a server that could not be reached is asked last."),
    ROW("health_path", value_health_path, health_path, NULL, 0, 0, "PATH",
        "What each worker asks each server for, to see whether it is sound."),
    ROW("health_interval_s", value_number, health_interval_s, "10", 1, 3600,
        "SECONDS", "How often health_path is asked for."),
    ROW("health_timeout_s", value_number, health_timeout_s, "3", 1, 600,
        "SECONDS", "How long the answer to it may take."),
    ROW("health_status", value_health_status, health_status_min, "200-399", 0,
        0, "STATUS[-STATUS]", "The status of a server that is sound."),
    ROW("connections_max", value_number, connections_max, "64", 1, 65536,
        "NUMBER", "How many connections each worker has to one server."),
    ROW("waiting_max", value_number, waiting_max, "1000", 1, 1000000, "NUMBER",
        "How many requests of the route each worker has at once."),
    ROW("body_max", value_size, body_max, "64M", 1 * KiB, 1024 * GiB, "BYTES",
        "The largest body that is forwarded."),
    ROW("answer_header_max", value_size, answer_header_max, "64K", 1 * KiB,
        1 * MiB, "BYTES", "The largest head of an answer."),
#undef ROW
};

const struct key *
key_at(size_t index)
{
    return index < ARRAY_COUNT(keys) ? &keys[index] : NULL;
}

const struct key *
key_find(enum section_kind section, struct span name)
{
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (keys[i].section == section &&
            span_equal(span_of(keys[i].name), name))
            return &keys[i];
    }
    return NULL;
}

enum section_kind
section_parse(struct span text, struct span *name_out, struct error *err)
{
    struct span word = span_cut(text, '/', name_out);

    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        if (!span_equal(span_of(sections[i].word), word))
            continue;
        if (sections[i].named == (name_out->length > 0) &&
            sections[i].named == (name_out->data != NULL))
            return sections[i].kind;
        error_set(err, "[%.*s]: this section is written %s",
                  (int)(text.length > 80 ? 80 : text.length), text.data,
                  sections[i].form);
        return SECTION_NONE;
    }
    error_set(err,
              "unknown section [%.*s]: there are [nsgate], [listener/NAME], "
              "[access/NAMESPACE], [namespace/NAMESPACE], [route/NAME] and "
              "[callback]",
              (int)(text.length > 80 ? 80 : text.length), text.data);
    return SECTION_NONE;
}

const char *
section_form(enum section_kind kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        if (sections[i].kind == kind)
            return sections[i].form;
    }
    return "an unknown section";
}

void
config_print_keys(FILE *out)
{
    for (const struct key *k = keys; k < keys + ARRAY_COUNT(keys); k++) {
        fprintf(out, "%s\t%s\t%s\t%s\t%s\n", section_form(k->section), k->name,
                k->form, k->preset != NULL ? k->preset : "none", k->manual);
    }
}
