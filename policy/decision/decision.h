#ifndef POLICY_DECISION_DECISION_H
#define POLICY_DECISION_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/*
 * Authentication levels, the policy image and the one function that may say
 * "allowed".  docs/levels.md is the model.
 */

/* -- levels (MS-RPCE 2.2.1.1.8, WbemAuthenticationLevelEnum) ------------- */

enum authn_level {
    AUTHN_LEVEL_DEFAULT = 0, /* an input only; as a computed level it is the
                                refusing zero: below everything */
    AUTHN_LEVEL_NONE = 1,
    AUTHN_LEVEL_CONNECT = 2,
    AUTHN_LEVEL_CALL = 3, /* an input only, processed as Pkt */
    AUTHN_LEVEL_PKT = 4,
    AUTHN_LEVEL_PKT_INTEGRITY = 5,
    AUTHN_LEVEL_PKT_PRIVACY = 6,
};

/* "PktPrivacy"; never NULL. */
const char *authn_level_name(enum authn_level level);
/* PktPrivacy, RPC_C_AUTHN_LEVEL_PKT_PRIVACY, wbemAuthenticationLevelPkt
 * Privacy or 6, in any case.  False if it is none of them. */
bool authn_level_parse(struct span text, enum authn_level *level_out);
enum authn_level authn_level_min(enum authn_level a, enum authn_level b);

/* -- what the channel applies (docs/levels.md) ---------------------------- */

/* What is known to protect one exchange, request and response. */
enum channel_kind {
    CHANNEL_CLEARTEXT = 0,   /* nothing but a token */
    CHANNEL_TLS,             /* TLS that ends in this process */
    CHANNEL_PROXY_CLEARTEXT, /* a trusted proxy, its client came in clear */
    CHANNEL_PROXY_TLS,       /* a trusted proxy that asserts TLS */
    CHANNEL_LOCAL_UNLISTED,  /* channel = local, peer not in local_users */
    CHANNEL_LOCAL,           /* channel = local, peer in local_users */
    CHANNEL_ASSERTED,        /* channel = asserted: the operator vouches */
    CHANNEL_SEALED,          /* message encryption, both ways */
};

/* "tls"; as problems, events and access records say it. */
const char *channel_kind_name(enum channel_kind kind);
/* None without an authenticated token, whatever the channel. */
enum authn_level channel_applied_level(enum channel_kind kind,
                                       bool authenticated);

/* -- the policy image --------------------------------------------------- */

/*
 * state_dir/policy.image: canonical namespace -> what it requires; flat,
 * checksummed, mapped read-only, replaced by rename.
 *
 * header | bucket index (keyed SipHash) | records (image.h)
 *
 * Built with a fresh random hash key until no bucket is longer than a fixed
 * bound, so a lookup touches a bounded number of records whatever names an
 * author chose.
 */
struct policy_image;

#define POLICY_IMAGE_FILE "policy.image"

struct policy_entry {
    enum authn_level required_level; /* CONNECT, or PKT_PRIVACY */
    /* The author's spelling: the canonical path but for the case of ASCII
     * letters.  Given: absent means the canonical one.  Found: points into
     * the image. */
    struct span display;
};

struct policy_image_builder;
struct policy_image_builder *policy_image_builder_new(void);
void policy_image_builder_free(struct policy_image_builder *b);
int policy_image_builder_add(struct policy_image_builder *b,
                             const struct namespace_path *ns,
                             const struct policy_entry *entry,
                             struct error *err);
/* Writes state_dir/policy.image.new (0640), syncs it, maps and verifies it:
 * what policy_image_open will see.  Nothing is in force yet. */
int policy_image_builder_write(struct policy_image_builder *b,
                               const char *state_dir, uint64_t generation,
                               struct error *err);
/* All of the above from the namespaces of an open transaction; generation
 * from repository_next_generation, or from the read itself when rebuilding. */
struct repository;
int policy_image_build(struct repository *repo, const char *state_dir,
                       uint64_t generation, struct error *err);
/* Renames the written image into place and syncs the directory. */
int policy_image_activate(const char *state_dir, struct error *err);
/* Removes a written image that is not to be activated. */
void policy_image_discard(const char *state_dir);

/* Maps and verifies; a missing, short, corrupt or foreign file is an error
 * and nothing is returned. */
int policy_image_open(const char *state_dir, struct policy_image **image_out,
                      struct error *err);
/* Is the file that was opened still the one in the directory? */
bool policy_image_in_place(const struct policy_image *image,
                           const char *state_dir);
/* Reference counted (one thread): a request pins the image it began with. */
struct policy_image *policy_image_ref(struct policy_image *image);
void policy_image_unref(struct policy_image *image); /* NULL is fine */
uint64_t policy_image_generation(const struct policy_image *image);
size_t policy_image_count(const struct policy_image *image);
/* In no order; visit returns false to stop. */
void policy_image_each(const struct policy_image *image,
                       bool (*visit)(void *arg,
                                     const struct policy_entry *entry),
                       void *arg);
/* False: the namespace is unknown. */
bool policy_image_find(const struct policy_image *image,
                       const struct namespace_path *ns,
                       struct policy_entry *entry_out);

/* -- who may come in ---------------------------------------------------- */

/* `allow` of an access section: principals, *@REALM, members of groups
 * (already expanded).  Owned by the configuration. */
struct access_list {
    struct namespace_path namespace;
    size_t count;
    const char *const *principals; /* "ops@EXAMPLE.COM", "*@REALM" */
};

/* True if the whole principal name is listed (threat 11). */
bool access_list_allows(const struct access_list *list, struct span principal);

/* -- the decision ------------------------------------------------------- */

enum operation_kind {
    OPERATION_NONE = 0,
    OPERATION_DISCOVER, /* OPTIONS: tells what is required, no data */
    OPERATION_READ,
    OPERATION_WRITE,
};

enum verdict {
    VERDICT_DENY = 0,    /* 403 */
    VERDICT_UNAVAILABLE, /* 503: no policy to decide by */
    VERDICT_CHALLENGE,   /* 401 */
    VERDICT_NOT_FOUND,   /* 404 */
    VERDICT_ALLOW,
};

/* Why; the text is what "reason" says in problems, events and records. */
enum decision_reason {
    REASON_UNDECIDED = 0,       /* "undecided" */
    REASON_NO_POLICY,           /* "no-policy" */
    REASON_NOT_AUTHENTICATED,   /* "not-authenticated" */
    REASON_REALM,               /* "realm-not-allowed" */
    REASON_BELOW_MINIMUM,       /* "below-minimum-level" of the listener */
    REASON_UNKNOWN_NAMESPACE,   /* "unknown-namespace" */
    REASON_CHANNEL_NOT_PRIVATE, /* "channel-not-private": applied too low,
                                   declared enough */
    REASON_CONTEXT_NOT_PRIVATE, /* "context-not-private": declared too low */
    REASON_NOT_BOUND,           /* "not-bound": encrypted_needs_binding */
    REASON_NOT_LISTED,          /* "not-listed": the access section */
    REASON_AUDITED,             /* "audited": too low, let through */
    REASON_ALLOWED,             /* "allowed" */
};

const char *decision_reason_name(enum decision_reason reason);

struct decision_input {
    const struct policy_image *image; /* NULL: VERDICT_UNAVAILABLE */
    const struct namespace_path *namespace;
    enum operation_kind operation;
    bool authenticated;
    struct span principal;
    bool realm_allowed;
    enum authn_level declared, applied; /* effective is their minimum */
    enum authn_level minimum_level;     /* the listener's; 0 counts as
                                           Connect */
    bool bound;                         /* the channel binding matched */
    bool encrypted_needs_binding;
    bool audit; /* enforcement = audit and its date not passed */
    const struct access_list *access; /* NULL: everyone of the realms */
};

struct decision {
    enum verdict verdict;
    enum decision_reason reason;
    enum authn_level required, effective;
    bool would_deny; /* audited: let through, but recorded */
    uint64_t generation;
};

/*
 * In this order, first match wins: no image, not authenticated or operation
 * NONE, realm, listener minimum, unknown namespace, level, binding, access.
 * Anything not said to be allowed is denied; a zeroed input is refused.
 * OPERATION_DISCOVER skips the level and binding tests only.
 */
struct decision decide(const struct decision_input *input);

#endif
