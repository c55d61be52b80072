#ifndef GATEWAY_REST_REST_H
#define GATEWAY_REST_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"
#include "policy/decision/decision.h"
#include "policy/repository/repository.h"

/*
 * The /cim resources (design.md 2) and their JSON (DSP0211).  Knows paths,
 * the repository and JSON; nothing of HTTP connections or Kerberos: plain
 * data in, plain data out.
 */

enum rest_kind {
    REST_NONE = 0,
    REST_NAMESPACE, /* /cim/root/x */
    REST_CLASS,     /* /cim/root/x:C */
    REST_INSTANCES, /* /cim/root/x:C/instances */
    REST_INSTANCE,  /* /cim/root/x:C.K="v"   /cim/root/x:C=@ */
};

#define REST_NAME_MAX 256
#define REST_KEY_MAX  4096

struct rest_target {
    enum rest_kind kind;
    struct namespace_path namespace;
    char class_name[REST_NAME_MAX];
    char key_text[REST_KEY_MAX]; /* INSTANCE: behind the class name, from
                                    '.' or '=' on, decoded */
    size_t limit;                /* INSTANCES, at least 1 */
    int64_t after;               /* INSTANCES, a row number */
};

enum rest_parse {
    REST_PARSE_MALFORMED = 0, /* 400 */
    REST_PARSE_NOT_FOUND,     /* no such resource shape: 404 */
    REST_PARSE_OK,
};

/* path: decoded once, begins with "/cim/". query: raw, may be absent; only
 * limit and after are known, anything else is malformed. */
enum rest_parse rest_target_parse(struct span path, struct span query,
                                  size_t page_max, struct rest_target *out);
/* "GET, HEAD, OPTIONS" */
const char *rest_methods(enum rest_kind kind);

/* What a namespace's page shows of the caller. */
struct rest_caller {
    const char *principal;
    enum authn_level declared, applied, effective;
    enum authn_level required; /* the namespace's */
};

enum rest_status {
    REST_STATUS_STORE_FAILED = 0, /* 503 */
    REST_STATUS_NOT_FOUND,        /* 404, hresult in *hresult_out */
    REST_STATUS_BAD_KEY,          /* 400: malformed key */
    REST_STATUS_OK,
};

/* Complete JSON in out; call between repository_read_begin and _end.
 * NAMESPACE, CLASS and INSTANCE.  hresult_out: 0x80041002 or 0x80041010 and
 * the like when not found. */
enum rest_status rest_read(struct repository *repo,
                           const struct rest_target *target,
                           const struct rest_caller *caller, struct buf *out,
                           uint32_t *hresult_out);

/*
 * INSTANCES as a stream of chunks.  Each rest_page_next is one short read
 * transaction of the caller's; it appends some hundred instances at most and
 * tells in `done` when the JSON is complete (with "next" when the limit was
 * reached).  The class is checked to exist by the first call.
 */
struct rest_page;
struct rest_page *rest_page_new(const struct rest_target *target);
void rest_page_free(struct rest_page *p);
/* The page ends, with a "next", behind the instance that makes it so long;
 * for answers that cannot be streamed. */
void rest_page_set_bytes_max(struct rest_page *p, size_t bytes_max);
enum rest_status rest_page_next(struct rest_page *p, struct repository *repo,
                                struct buf *out, bool *done_out,
                                uint32_t *hresult_out);
/*
 * The same as objects alone, for a result that is kept and sent in parts:
 * each call appends some of them with commas between.  All of them, joined
 * with commas and put between rest_page_head and "]}", are the document that
 * rest_page_next writes.  A page is read in one way or the other.
 */
enum rest_status rest_page_objects(struct rest_page *p,
                                   struct repository *repo, struct buf *out,
                                   size_t *count_out, bool *done_out,
                                   uint32_t *hresult_out);
/* Once done; false: out of memory. */
bool rest_page_head(const struct rest_page *p, struct buf *out);

/* -- problem+json (RFC 9457; levels.md 7) --------------------------------- */

struct rest_problem {
    const char *type;  /* "requires-encryption": the urn's last part */
    const char *title; /* "Access denied" */
    int status;
    const char *detail;
    const char *request_id;
    /* The rest is left out when NULL or 0. */
    const char *secure_uri;
    const char *namespace; /* as its author spelled it */
    uint32_t hresult;
    const char *symbol; /* "WBEM_E_ACCESS_DENIED" */
    enum authn_level required, effective, declared, applied;
    const char *channel, *binding, *reason;
    int event_id;
};

/* false: out of memory. */
bool rest_problem_format(const struct rest_problem *p, struct buf *out);

#endif
