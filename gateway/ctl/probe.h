#ifndef GATEWAY_CTL_PROBE_H
#define GATEWAY_CTL_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gateway/auth/auth.h"
#include "gateway/ctl/client.h"
#include "gateway/http/http.h"

/* GSS_C_MUTUAL_FLAG (RFC 2744 appendix A): the one flag that probe must
 * know by itself. */
#define PROBE_FLAG_MUTUAL 0x2u

#define PROBE_HEADERS_MAX 32

enum probe_binding {
    PROBE_BINDING_AUTO = 0, /* with https, when it can be computed */
    PROBE_BINDING_ON,
    PROBE_BINDING_OFF,
};

struct probe_options {
    const char *url;
    const char *method;
    enum authn_level level; /* asked for; NONE sends no token at all */
    uint32_t flags;         /* exactly these go into gss_init_sec_context */
    bool flags_given;
    bool mutual;
    bool library_flags; /* without NO_CI: as an ordinary client */
    const char *principal, *ccache, *spn;
    const char *cacert, *unix_path;
    const char *body;
    const char *headers[PROBE_HEADERS_MAX];
    size_t header_count;
    enum probe_binding binding;
    bool raw_krb5;
    bool json, verbose, token_only;
    bool message_encryption;
    unsigned timeout_ms;
};

/* 0, or the exit status after a complaint. */
int probe_options_parse(struct probe_options *o, int argc, char **argv);

enum probe_aprep {
    PROBE_APREP_MISSING = 0,
    PROBE_APREP_NOT_ASKED, /* no MUTUAL, and the server sent none */
    PROBE_APREP_COMPLETE,  /* the context is complete on both sides; with
                              MUTUAL that proves the server's key */
    PROBE_APREP_INVALID,
};

const char *probe_aprep_name(enum probe_aprep a);

struct probe_result {
    const struct probe_options *options;
    const char *spn; /* "HTTP@host"; "" when no token was sent */
    bool tls;
    char principal[AUTH_PRINCIPAL_MAX];
    uint32_t flags; /* of the context */
    enum authn_level declared;
    struct channel_binding binding; /* length 0: none went in */
    enum probe_aprep aprep;
    struct error aprep_error;
    bool sealed;              /* the answer came so */
    bool certificate_changed; /* between the handshake and the request */
    struct client_response response;
};

/* By message encryption; fills response, aprep and sealed.  initiator is only
 * good to be freed afterwards. */
int probe_exchange_sealed(const struct probe_options *o,
                          struct probe_result *r, struct initiator *initiator,
                          struct error *err);

void probe_print_text(const struct probe_result *r, FILE *out);
/* One object on one line, but for line feeds inside the body's own JSON. */
int probe_print_json(const struct probe_result *r, FILE *out);

#endif
