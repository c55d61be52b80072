#ifndef GATEWAY_AUTH_AUTH_H
#define GATEWAY_AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"
#include "policy/decision/decision.h"

/*
 * Negotiate (RFC 4559) with MIT Kerberos: who a token is from and what its
 * security context declares.  One acceptor a worker; contexts live for one
 * request only, but those that seal messages.
 */

/* -- declared level (levels.md 3; RFC 2743 1.2) --------------------------- */

/* flags as gss_accept_sec_context returned them after GSS_S_COMPLETE.
 * Zero when flags say DCE_STYLE: a three-leg exchange that is refused. */
enum authn_level declared_level(uint32_t gss_flags, bool anonymous);

/* WbemImpersonationLevelEnum */
enum impersonation_level {
    IMPERSONATION_NONE = 0,
    IMPERSONATION_ANONYMOUS = 1,
    IMPERSONATION_IDENTIFY = 2,
    IMPERSONATION_IMPERSONATE = 3,
    IMPERSONATION_DELEGATE = 4,
};

/* -- channel bindings (RFC 5929 tls-server-end-point) --------------------- */

#define CHANNEL_BINDING_MAX 96

struct channel_binding {
    size_t length;                           /* 0: unknown */
    unsigned char data[CHANNEL_BINDING_MAX]; /* "tls-server-end-point:"... */
};

/* tls: a gnutls_session_t as MHD gives it. False: length is 0. */
bool channel_binding_from_session(void *tls, struct channel_binding *out);
/* From a PEM file's bytes (first certificate), for a proxy's certificate. */
bool channel_binding_from_pem(const void *pem, size_t length,
                              struct channel_binding *out, struct error *err);

/* -- acceptor ------------------------------------------------------------- */

struct acceptor_options {
    const char *const *names; /* "HTTP@gw.example.com", at least one */
    size_t name_count;
    /* A memory file with the keytab; it stays the caller's.  Read through
     * /proc/self/fd, so its mode must let us read it.  Its entries for other
     * principals are not taken. */
    int keytab_fd;
    const char *rcache_dir; /* 0700, ours: file2:DIR/nsgate.rcache2 */
};

struct acceptor;

/* Fails with the cause when the keytab is unreadable, no keytab, or holds no
 * key for any of the names. */
int acceptor_new(const struct acceptor_options *options, struct acceptor **out,
                 struct error *err);
void acceptor_free(struct acceptor *a);
/* A changed keytab: a new MEMORY: keytab and credential, swapped in when
 * they are ready; on failure the old ones stay (threat 36). */
int acceptor_set_keytab(struct acceptor *a, int keytab_fd, struct error *err);
/* The realm of the first acceptor principal in the keytab. */
const char *acceptor_realm(const struct acceptor *a);
/* "HTTP/gw.example.com@REALM kvno 3 aes256-cts..., ..." for status. */
const char *acceptor_describe(const struct acceptor *a);

enum auth_outcome {
    AUTH_REFUSED = 0, /* 401; cause says why */
    AUTH_NO_TOKEN,    /* 401; nothing was offered */
    AUTH_OK,
};

#define AUTH_PRINCIPAL_MAX 1024
#define AUTH_CAUSE_MAX     700

/* Everything a request needs to know; no GSS object survives in it.  End
 * with auth_result_fini (it holds the reply token). */
struct auth_result {
    enum auth_outcome outcome;
    char principal[AUTH_PRINCIPAL_MAX]; /* whole, with its realm; "" : none */
    const char *realm;                  /* points into principal */
    bool anonymous;
    uint32_t gss_flags;
    enum authn_level declared;
    enum impersonation_level impersonation;
    bool bound;         /* GSS_C_CHANNEL_BOUND_FLAG */
    int64_t expires_us; /* end of the ticket, without the skew */
    /* base64 of the token to answer with (AP-REP), NULL: none; on refusals
     * none is ever sent. malloc'ed. */
    char *reply;
    /* For the log and `why`, never for the client: all lines of
     * gss_display_status, and what to do about it. */
    char cause[AUTH_CAUSE_MAX];
    const char *remedy; /* static text, may be NULL */
};

/*
 * authorization: the value of the one Authorization header, absent if there
 * was none.  binding: what the channel is known to be; NULL or length 0 when
 * there is none or bindings are off.  Only `Negotiate` with base64 of
 * SPNEGO or raw krb5 is taken; an empty token, NTLM, CONTINUE_NEEDED, a
 * mechanism that is not krb5, DCE_STYLE, a name that is no principal: all
 * AUTH_REFUSED (facts.md 3, 4).
 */
void acceptor_accept(struct acceptor *a, struct span authorization,
                     const struct channel_binding *binding,
                     struct auth_result *result_out);
void auth_result_fini(struct auth_result *r);

/* -- a kept security context: message encryption (levels.md 5) ------------- */

/*
 * What is left of a sign-in whose messages will be sealed: it can unwrap the
 * peer's and wrap our own, and nothing else.  Of an acceptor or of an
 * initiator.
 */
struct security_context;

/* As acceptor_accept, and `Kerberos` is as good as `Negotiate`, since clients
 * of message encryption say either; on AUTH_OK the context itself, the caller's, in
 * *context_out (else NULL). */
void acceptor_accept_keep(struct acceptor *a, struct span authorization,
                          const struct channel_binding *binding,
                          struct auth_result *result_out,
                          struct security_context **context_out);
void security_context_free(struct security_context *c); /* NULL is fine */

enum seal_failure {
    SEAL_BROKEN = 0, /* GSS said no, or not exactly yes: replayed, out of
                         order, reflected, changed, cut */
    SEAL_CLEAR,      /* integrity only: conf_state 0 */
    SEAL_UNORDERED,  /* the context has neither REPLAY nor SEQUENCE, so that
                         a message could be sent again */
    SEAL_EXPIRED,    /* past the ticket's end, which GSS does not check */
};

/*
 * sealed: header and data, as they stand one behind the other.  The plaintext
 * is appended.  0 only for GSS_S_COMPLETE without any supplementary status,
 * confidential, on a context that keeps order and has not ended; else -1,
 * *failure_out and err (all lines of gss_display_status, for the log), and
 * the context is good for nothing any more: every later call fails too.
 */
int security_context_unwrap(struct security_context *c, struct span sealed,
                            struct buf *plain, enum seal_failure *failure_out,
                            struct error *err);
/* Header and data are appended; *header_length_out is the header's (60 for
 * AES with SHA-1).  Always confidential, or -1, also past the ticket's end;
 * and then too the context is good for nothing any more. */
int security_context_wrap(struct security_context *c, struct span plain,
                          struct buf *out, size_t *header_length_out,
                          struct error *err);
int64_t security_context_expires_us(const struct security_context *c);

/* -- sealed sessions ------------------------------------------------------- */

/*
 * What was found out of one token, to be shown again instead of another: a
 * string that only holders of a key can make or read (AES-256-GCM), with an
 * end, and good only where it was made: its realm is additional data of the
 * cipher and must be given again.  Nothing of it is kept here.
 *
 *     session_box_new(keys, &box, err);
 *     session_seal(box, realm, &auth, &session, text)  -> a cookie's value
 *     session_open(box, realm, value, now, &auth, &session)
 */
#define SESSION_KEY_BYTES 32
#define SESSION_KEYS_MAX  8

/* The first seals, all open: another one is put in front, and old ones go
 * when all that they have sealed has ended. */
struct session_keys {
    size_t count;
    unsigned char bytes[SESSION_KEYS_MAX][SESSION_KEY_BYTES];
};

/* A line a key, in base64; empty lines and those that begin with '#' are
 * skipped.  err says which line is none, and nothing of it. */
int session_keys_parse(struct span text, struct session_keys *out,
                       struct error *err);
void session_keys_random(struct session_keys *out);
void session_keys_wipe(struct session_keys *keys);

struct session {
    unsigned char id[16]; /* random; by which it is revoked */
    int64_t expires_us;
};

/* Letters, digits, '-' and '_' (RFC 4648 5), and a NUL. */
#define SESSION_TEXT_MAX 2048

struct session_box;
int session_box_new(const struct session_keys *keys, struct session_box **out,
                    struct error *err);
void session_box_free(struct session_box *b);
/* who: AUTH_OK, not anonymous.  The id is made here; expires_us is the
 * caller's. False: it cannot be sealed. */
bool session_seal(struct session_box *b, struct span realm,
                  const struct auth_result *who, struct session *session,
                  char out[SESSION_TEXT_MAX]);
/* True: *who is AUTH_OK, as it was sealed but for its reply; *session says
 * when it ends, which is after now_us.  False: *who is AUTH_REFUSED with a
 * cause. */
bool session_open(struct session_box *b, struct span realm, struct span text,
                  int64_t now_us, struct auth_result *who,
                  struct session *session);

/* -- initiator: couriers, upstreams, probe and tests ---------------------- */

/*
 * The gateway's own identity as a client: a keytab from which tickets are
 * got, and got again, as they are needed (krb5's client_keytab), into a cache
 * of this process.
 */
struct client_credential;

/* keytab_fd: as acceptor_options has it. principal: NULL: the keytab's first.
 * Nothing is asked of a KDC yet. */
int client_credential_new(int keytab_fd, const char *principal,
                          struct client_credential **out, struct error *err);
void client_credential_free(struct client_credential *c);
/* "nsgate/gw.example.com@REALM" */
const char *client_credential_principal(const struct client_credential *c);

/*
 * A ticket for one service, with its session key: got by the process that
 * has the client credential, handed on as bytes, and shown by processes that
 * have neither a key nor a ticket-granting ticket.  All that can be done with
 * it is to be the gateway at that service until it ends; no network and no
 * KDC is asked.
 *
 *     client_credential_ticket(credential, "HTTP@bmc", &bytes, &times, err)
 *     service_ticket_new(bytes, &ticket, err)
 *     initiator_new of initiator_options.ticket, as often as wanted
 */
struct ticket_times {
    int64_t begins_us, ends_us;
};

/* spn: "HTTP@host", its realm found as for any host and the host taken as it
 * is written, or a whole principal, "HTTP/host@REALM".  Asks a KDC and waits
 * for it, every time: nothing of an earlier ticket is used.  Not forwardable.
 * Appends to out, which is a secret. */
int client_credential_ticket(const struct client_credential *c,
                             const char *spn, struct buf *out,
                             struct ticket_times *times_out,
                             struct error *err);

struct service_ticket;

int service_ticket_new(struct span bytes, struct service_ticket **out,
                       struct error *err);
struct service_ticket *service_ticket_ref(struct service_ticket *t);
void service_ticket_unref(struct service_ticket *t); /* NULL is fine */
struct ticket_times service_ticket_times(const struct service_ticket *t);

struct initiator_options {
    const char *spn; /* "HTTP@host" */
    /* The host as it is written: not what DNS makes of it (krb5.conf's
     * dns_canonicalize_hostname), which whoever answers for DNS chooses
     * (RFC 4120 1.3). */
    bool exact_host;
    uint32_t req_flags; /* exactly these */
    /* A credential with GSS_KRB5_CRED_NO_CI_FLAGS_X: CONF and INTEG only when
     * asked for. */
    bool no_ci;
    bool raw_krb5;                         /* no SPNEGO around it */
    const struct channel_binding *binding; /* NULL: none */
    const char *ccache;                    /* NULL: the default */
    /* Instead of ccache; it stays the caller's. */
    const struct client_credential *credential;
    /* Instead of ccache, spn and exact_host, and with both CONF and INTEG in
     * req_flags; a reference is taken. */
    struct service_ticket *ticket;
};

struct initiator;

int initiator_new(const struct initiator_options *options,
                  struct initiator **out, struct error *err);
void initiator_free(struct initiator *i);
/* The first token, base64; borrowed. */
const char *initiator_token(const struct initiator *i);
/* Takes the server's base64 token; 0 when the context is complete. */
int initiator_finish(struct initiator *i, struct span reply,
                     struct error *err);
/* After the first token or finish: flags, names, ticket end for display. */
uint32_t initiator_flags(const struct initiator *i);
/* The server has proved who it is. */
bool initiator_is_mutual(const struct initiator *i);
/* When the context's ticket ends; 0: not complete. */
int64_t initiator_expires_us(const struct initiator *i);
const char *initiator_principal(const struct initiator *i);
/* Once finish has succeeded: takes the context out of i, which can only be
 * freed after that. NULL: it is not complete. */
struct security_context *initiator_take_context(struct initiator *i);
/* "MUTUAL|CONF|INTEG" */
void gss_flags_format(uint32_t flags, struct buf *out);
/* The flags and no_ci that make a context declare exactly level; Default
 * asks for nothing. */
bool initiator_flags_for_level(enum authn_level level, uint32_t *flags_out,
                               bool *no_ci_out);

#endif
