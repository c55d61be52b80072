#ifndef GATEWAY_CONFIG_CONFIG_H
#define GATEWAY_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/base/base.h"
#include "policy/decision/decision.h"

/*
 * nsgate.conf and conf.d/ *.conf beside it, merged in name order (a later
 * file's key replaces an earlier one's), checked as a whole.  Every key is a
 * row of one table: section, name, parser, default, range, the line of the
 * manual.  An unknown section or key, a value out of range, an inline
 * comment, a contradiction between keys: one error "FILE:LINE: ...", and
 * nothing starts.
 *
 * Immutable once loaded; everything in it lives until config_free.
 */

enum listener_channel {
    LISTENER_CHANNEL_DIRECT = 0, /* judged by TLS alone */
    LISTENER_CHANNEL_LOCAL,      /* channel = local */
    LISTENER_CHANNEL_ASSERTED,   /* channel = asserted */
    LISTENER_CHANNEL_PROXY,      /* trusted_proxy is set */
};

enum channel_bindings_mode {
    CHANNEL_BINDINGS_REQUIRE = 0,
    CHANNEL_BINDINGS_ALLOW,
    CHANNEL_BINDINGS_OFF,
};

enum privacy_evidence {
    PRIVACY_EVIDENCE_STRICT = 0,
    PRIVACY_EVIDENCE_BOUND,
};

struct ini_section;

struct config_listener {
    const char *name; /* "public" of [listener/public] */
    const char *file; /* where its bind stands, for messages */
    unsigned line;
    const struct ini_section *section; /* NULL: made by hand */

    const char *bind;      /* as written */
    const char *unix_path; /* bind = unix:/path; NULL for TCP */
    char host[64];         /* numeric address without brackets */
    uint16_t port;         /* 0: a free one is taken */
    unsigned mode;         /* of the Unix socket, octal */
    const char *group;     /* of the Unix socket, NULL: the owner's */
    unsigned backlog;

    bool tls; /* tls_certificate and tls_key are set */
    const char *tls_certificate, *tls_key;
    const char *tls_priorities; /* GnuTLS priority string */

    enum listener_channel channel;
    const char *channel_reason; /* of asserted */
    size_t local_user_count;    /* of local */
    const uint32_t *local_uids;
    const char *trusted_proxy; /* user name */
    uint32_t trusted_proxy_uid;
    const char *secret_file;           /* NULL: none */
    const char *proxy_tls_certificate; /* NULL: none */

    enum channel_bindings_mode channel_bindings;
    bool encrypted_needs_binding;
    enum privacy_evidence privacy_evidence;
    enum authn_level minimum_level;
    bool status;        /* /healthz and /metrics only */
    unsigned session_s; /* 0: no sessions */

    /* limits */
    unsigned connections_max, connections_per_address_max;
    unsigned first_byte_timeout_s, header_timeout_s, body_timeout_s;
    unsigned write_timeout_s, write_progress_s, idle_timeout_s;
    size_t write_progress_min; /* bytes in each write_progress_s */
    size_t header_max;         /* bytes of memory for one request's headers */
    size_t token_max;          /* of Authorization's value */
    size_t body_max;

    bool message_encryption; /* on a direct listener without TLS */
    size_t sealed_body_max;  /* both ways */
};

/* [namespace/root\X]: enforcement = audit needs until = YYYY-MM-DD. */
struct config_namespace {
    struct namespace_path path;
    bool audit;
    int64_t audit_until_us; /* the end of that day, UTC */
};

/* An address range: IPv4 as ::ffff:a.b.c.d, prefix counted from the left. */
struct config_network {
    uint8_t address[16];
    unsigned prefix; /* 0 to 128 */
};

#define CONFIG_HOST_SIZE 256

/*
 * A host that has one meaning: a name of labels, a dotted quad of decimal
 * numbers, or an IPv6 address in brackets.  out: lower case, the address
 * without brackets and in inet_ntop's spelling.  False and an empty out for
 * everything else: a dot at the end, a zone, what a resolver could take for a
 * number in another notation (0x7f.1, 127.1, 017.0.0.1).
 */
bool config_host_parse(struct span text, char out[CONFIG_HOST_SIZE]);
/* "10.0.0.0/8", "fd00::/8", an address alone; no bits beyond the prefix. */
int config_network_parse(struct span text, struct config_network *out,
                         struct error *err);
/* address: IPv4 as ::ffff:a.b.c.d. */
bool config_network_holds(const struct config_network *n,
                          const uint8_t address[16]);

/*
 * What an IP address is for whoever connects to it (threat 28).  The IPv4
 * address in one that only carries it (mapped, NAT64, 6to4, Teredo) is what
 * is judged.
 */
enum address_kind {
    ADDRESS_NONE = 0, /* no host's: unspecified, multicast, broadcast; and
                         what is no IP address */
    ADDRESS_DELICATE, /* link-local, metadata services: what answers there
                         trusts whoever can connect */
    ADDRESS_SPECIAL,  /* loopback, private, documentation, reserved */
    ADDRESS_GLOBAL,
};

struct sockaddr;
/* bytes_out (may be NULL): what was judged, IPv4 as ::ffff:a.b.c.d. */
enum address_kind config_address_kind(const struct sockaddr *address,
                                      uint8_t bytes_out[16]);

/* [callback]: asynchronous results and where they may be sent. */
struct config_callback {
    const char *client_keytab;    /* NULL: nothing can be delivered */
    const char *client_principal; /* NULL: the keytab's first */
    size_t sink_count;            /* 0: no sink is listed */
    const char *const *sinks; /* lower case, as sink_is_listed reads them */
    size_t network_count;
    const struct config_network *networks; /* may be connected to, though
                                              not global */
    const char *sink_ca;                   /* PEM file; NULL: the system's */
    enum authn_level floor;  /* Default: the level of the request */
    bool message_encryption; /* towards http sinks */
    unsigned couriers;       /* processes that deliver */
    unsigned sink_timeout_s; /* for one exchange */
    unsigned give_up_s;      /* then it is a dead letter */
    unsigned keep_s;         /* a result or a final status */
    unsigned keep_dead_s;    /* a dead letter */
    unsigned operations_max, operations_per_principal; /* unfinished ones */
    size_t result_max; /* bytes of one result */
    size_t outbox_max; /* bytes of all */
};

/* One server that a route forwards to. */
struct config_upstream {
    const char *url; /* as written */
    bool tls;
    const char *unix_path; /* NULL: TCP */
    char host[CONFIG_HOST_SIZE];
    uint16_t port;
    bool numeric;     /* host is an address, which is what is connected to */
    bool loopback;    /* an address of this machine's loopback interface */
    const char *base; /* takes the place of the route's path; NULL: nothing
                         does */
    /* "HTTP@bmc.example.com" or a whole principal: whom the gateway signs in
     * to with a ticket; NULL: it does not. */
    const char *service;
};

/* Where the namespace of a route's requests stands. */
enum route_protocol {
    ROUTE_HTTP = 0, /* in the configuration */
    ROUTE_WSMAN,    /* in the envelope: WS-Management */
    ROUTE_CIMXML,   /* in header and body: CIM-XML */
};

/*
 * [route/NAME]: requests below `path` are of one namespace, or say which, and
 * those that pass are forwarded.  Of the routes that match a request the one with the
 * longest path is taken, and among those the first that lists its host.
 */
struct config_route {
    const char *name;
    const struct ini_section *section;
    const char *path; /* "/redfish/": all below it; "/wsman": itself alone */
    size_t host_count;
    const char *const *hosts; /* lower case; none: any */
    size_t method_count;
    const char *const *methods; /* none: any that is a method */
    enum route_protocol protocol;
    struct namespace_path namespace; /* ROUTE_HTTP; else zeroed */
    size_t upstream_count; /* 0: decided about (/auth), never forwarded */
    const struct config_upstream *upstreams;
    bool local; /* channel = local: loopback http counts as private */
    const char *upstream_ca; /* PEM file; NULL: the system's */
    const char *upstream_certificate, *upstream_key; /* NULL: none */
    bool forward_token;
    bool negotiate;                 /* the gateway signs in to the upstreams */
    const char *upstream_principal; /* NULL: HTTP@ the upstream's host */
    unsigned connect_timeout_s, answer_timeout_s, stall_timeout_s;
    unsigned retry_s;        /* before one that failed is asked again */
    const char *health_path; /* what health checks ask for; NULL: none */
    unsigned health_interval_s, health_timeout_s;
    unsigned health_status_min, health_status_max; /* of a sound server */
    unsigned connections_max; /* to each upstream, a worker */
    unsigned waiting_max;     /* requests at once, a worker */
    size_t body_max;          /* of a request */
    size_t answer_header_max;
};

struct config {
    const char *path;
    /* [nsgate] and [callback] as written; NULL: made by hand */
    const struct ini_section *main_section, *callback_section;

    const char *state_dir, *runtime_dir, *keytab;
    size_t acceptor_count;
    const char *const *acceptors; /* "HTTP@gw.example.com" */
    size_t realm_count;
    const char *const *realms; /* none: the acceptor's own */
    unsigned workers;          /* auto is resolved to the cores */
    const char *user, *store_user;
    size_t operator_count;
    const char *const *operators;
    const char *access_log;  /* a path, "stderr" or "off" */
    const char *secure_host; /* host part of secureUri: of acceptors[0] */
    size_t event_rows_max;   /* oldest events beyond are dropped */
    unsigned drain_timeout_s;
    unsigned upstream_resolve_s; /* names again; 0: never */
    unsigned page_max;           /* instances a page at most */
    unsigned contexts_max;       /* of message encryption, a worker */
    unsigned context_idle_s;     /* then such a context ends */
    const char *session_keys;    /* a file; NULL: made at the start */
    const char *log_level;

    size_t listener_count;
    const struct config_listener *listeners;
    size_t access_count;
    const struct access_list *access; /* sorted by namespace */
    size_t namespace_count;
    const struct config_namespace *namespaces;
    size_t route_count;
    const struct config_route *routes; /* longest path first */

    struct config_callback callback;

    size_t warning_count; /* for --check-config and the start */
    const char *const *warnings;
};

#define CONFIG_DEFAULT_PATH "/etc/nsgate/nsgate.conf"

/* Parses and checks everything that can be known without binding: files
 * exist and are readable where the caller may read them, users exist,
 * addresses parse, keys do not contradict each other. */
int config_load(const char *path, struct config **config_out,
                struct error *err);
void config_free(struct config *c);

/* For who uses what a key names and finds it wanting: "FILE:LINE: " of the
 * key in [nsgate] or [callback], or of its section, is put in front of err's
 * text. Returns -1. */
int config_blame(const struct config *c, const char *key, struct error *err);
int config_blame_route(const struct config_route *r, const char *key,
                       struct error *err);
/* The same for a listener's key, with the listener's name; key NULL: bind. */
int config_blame_listener(const struct config_listener *l, const char *key,
                          struct error *err);

/*
 * The two directories alone, for programs that need nothing else (mofcomp,
 * nsgatectl): the same files in the same order, defaults /var/lib/nsgate and
 * /run/nsgate, and no judgement of the other keys.  err->code is -ENOENT when
 * path itself does not exist.
 */
struct config_paths {
    char state_dir[256];
    char runtime_dir[256];
};

int config_paths_load(const char *path, struct config_paths *out,
                      struct error *err);
/* Likewise the namespaces that routes lead to, as config_route_leads_to has
 * it; one that is none is left to
 * whoever judges the key. */
int config_routed_each(const char *path,
                       void (*visit)(void *arg,
                                     const struct namespace_path *ns),
                       void *arg, struct error *err);

/* Whether nobody can read on the way to one of a route's upstreams: a Unix
 * socket, verified https, or loopback http of a route that says channel =
 * local (threat 29). */
bool config_upstream_is_private(const struct config_route *r,
                                const struct config_upstream *u);
/* Whether a route has the gateway sign in to its upstreams. */
bool config_signs_in(const struct config *c);
/* Each upstream's `service` once, in an array that the caller frees. NULL: no
 * memory. */
const char **config_services(const struct config *c, size_t *count_out);

/* NULL: no access section; everyone of the realms. */
const struct access_list *config_access(const struct config *c,
                                        const struct namespace_path *ns);
/* Whether requests of r can be about ns: the one that it names, or where they
 * say it themselves any that has an access section. */
bool config_route_leads_to(const struct config *c,
                           const struct config_route *r,
                           const struct namespace_path *ns);
/* True if audit is on for ns at now_us. */
bool config_audits(const struct config *c, const struct namespace_path *ns,
                   int64_t now_us);
const struct config_listener *config_listener(const struct config *c,
                                              const char *name);
/* One row a key, in the words of nsgate.conf(5): for the manual's test. */
void config_print_keys(FILE *out);

#endif
