#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/http.h"
#include "gateway/rest/rest.h"
#include "gateway/server/dispatcher.h"

#define INVALID_PATH    0x8004103Au /* WBEM_E_INVALID_OBJECT_PATH */
#define QUOTA_VIOLATION 0x8004106Cu /* WBEM_E_QUOTA_VIOLATION */

struct execution {
    struct outbox *outbox;
    struct arena *arena;
    struct operation operation;
    struct rest_target target;
    bool understood;
    struct rest_page *page; /* INSTANCES */
    uint64_t generation;    /* the newest that was read */
    uint64_t bytes;
};

/* Without a limit of its own a collection is delivered whole. */
static bool
target_understand(struct span raw, struct rest_target *out)
{
    struct http_target *t = malloc(sizeof(*t));
    bool ok = t != NULL && http_target_parse(raw, t) &&
              rest_target_parse((struct span){t->path, t->path_length},
                                t->query, SIZE_MAX / 2, out) == REST_PARSE_OK;

    free(t);
    return ok;
}

struct execution *
execution_begin(struct outbox *outbox, const char *id)
{
    struct execution *x = calloc(1, sizeof(*x));

    if (x == NULL)
        return NULL;
    x->outbox = outbox;
    x->arena = arena_new();
    if (x->arena == NULL ||
        outbox_find(outbox, id, x->arena, &x->operation, NULL) != 1 ||
        outbox_drop_batches(outbox, id, NULL) < 0)
    {
        execution_free(x);
        return NULL;
    }
    x->understood = target_understand(x->operation.request.target, &x->target);
    /* What is decided about and what is read are one namespace. */
    if (!span_equal(namespace_path_span(&x->target.namespace),
                    x->operation.request.namespace))
        x->understood = false;
    if (x->understood && x->target.kind == REST_INSTANCES)
        x->page = rest_page_new(&x->target);
    return x;
}

void
execution_free(struct execution *x)
{
    if (x == NULL)
        return;
    rest_page_free(x->page);
    arena_free(x->arena);
    free(x);
}

static enum execution_result
execution_end(struct execution *x, uint32_t hresult, struct error *err)
{
    struct buf head = BUF_INIT;
    struct span text = {NULL, 0};
    int result;

    if (hresult == 0 && x->page != NULL) {
        if (!rest_page_head(x->page, &head)) {
            buf_fini(&head);
            error_set_errno(err, ENOMEM, "result");
            return EXECUTION_FAILED;
        }
        text = buf_span(&head);
    }
    result = outbox_set_result(x->outbox, x->operation.request.id, hresult,
                               text, x->generation, clock_now_us(), err);
    buf_fini(&head);
    return result < 0 ? EXECUTION_FAILED : EXECUTION_DONE;
}

/* The one object, or the next ones of a collection. */
static enum rest_status
execution_read(struct execution *x, struct repository *repo, struct buf *out,
               size_t *count_out, bool *done_out, uint32_t *hresult_out)
{
    const struct operation_request *r = &x->operation.request;
    char *principal;
    struct rest_caller caller = {
        .declared = r->declared,
        .applied = r->applied,
        .effective = authn_level_min(r->declared, r->applied),
        .required = r->required,
    };

    if (x->page != NULL)
        return rest_page_objects(x->page, repo, out, count_out, done_out,
                                 hresult_out);
    principal = arena_copy(x->arena, r->principal);
    if (principal == NULL)
        return REST_STATUS_STORE_FAILED;
    caller.principal = principal;
    *count_out = 1;
    *done_out = true;
    return rest_read(repo, &x->target, &caller, out, hresult_out);
}

/* A part of the result into the outbox. */
static enum execution_result
execution_keep(struct execution *x, struct span body, size_t count, bool done,
               struct error *err)
{
    const struct operation_request *r = &x->operation.request;

    uint64_t held;

    x->bytes += body.length;
    if (outbox_volume(x->outbox, &held, err) < 0)
        return EXECUTION_FAILED;
    if (x->bytes > r->result_max || held + body.length > r->outbox_max)
        return execution_end(x, QUOTA_VIOLATION, err);
    if (count > 0 &&
        outbox_add_batch(x->outbox, r->id, body, (uint32_t)count, err) < 0)
        return EXECUTION_FAILED;
    return done ? execution_end(x, 0, err) : EXECUTION_MORE;
}

enum execution_result
execution_step(struct execution *x, struct repository *repo, struct error *err)
{
    enum execution_result result = EXECUTION_FAILED;
    enum rest_status status;
    struct buf out = BUF_INIT;
    uint64_t generation = 0;
    uint32_t hresult = 0;
    size_t count = 0;
    bool done = false;

    if (!x->understood)
        return execution_end(x, INVALID_PATH, err);
    if (repository_read_begin(repo, &generation, err) < 0)
        return EXECUTION_FAILED;
    if (generation > x->generation)
        x->generation = generation;
    status = execution_read(x, repo, &out, &count, &done, &hresult);
    repository_read_end(repo);
    switch (status) {
    case REST_STATUS_OK:
        if (buf_failed(&out))
            error_set_errno(err, ENOMEM, "result");
        else
            result = execution_keep(x, buf_span(&out), count, done, err);
        break;
    case REST_STATUS_NOT_FOUND:
    case REST_STATUS_BAD_KEY:
        result = execution_end(x, hresult, err);
        break;
    default:
        error_set(err, "the repository could not be read");
        break;
    }
    buf_fini(&out);
    return result;
}
