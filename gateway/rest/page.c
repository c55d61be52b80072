/* A page of a class's instances, written in chunks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rest/object.h"
#include "gateway/rest/url.h"

#define INVALID_CLASS 0x80041010u /* WBEM_E_INVALID_CLASS */

/* A chunk ends after so many instances, or once it has so many bytes. */
#define CHUNK_INSTANCES 100
#define CHUNK_BYTES     (256 * 1024)

struct rest_page {
    struct rest_target target;
    bool bare; /* the objects alone */
    bool started, complete, more;
    bool full;                      /* bytes_max is reached */
    size_t bytes_max;               /* 0: none */
    size_t bytes;                   /* in earlier chunks */
    int64_t after;                  /* the last row written */
    size_t left;                    /* of the page's limit */
    char class_name[REST_NAME_MAX]; /* as declared */
};

/* One rest_page_next. */
struct chunk {
    struct rest_page *page;
    struct repository *repo;
    struct buf *out;
    size_t begin; /* out->length then */
    struct arena *arena;
    struct strmap *classes; /* name -> struct repository_class_full */
    size_t count;
    bool stopped; /* there is more, now or on the next page */
    bool failed;
};

struct rest_page *
rest_page_new(const struct rest_target *target)
{
    struct rest_page *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->target = *target;
    p->after = target->after;
    p->left = target->limit;
    return p;
}

void
rest_page_set_bytes_max(struct rest_page *p, size_t bytes_max)
{
    p->bytes_max = bytes_max;
}

void
rest_page_free(struct rest_page *p)
{
    free(p);
}

/* 1 found, 0 not, -1 failed. */
static int
chunk_class(struct chunk *c, struct span name,
            struct repository_class_full **out)
{
    int found;

    *out = strmap_get(c->classes, name);
    if (*out != NULL)
        return 1;
    found = repository_class_full(c->repo, &c->page->target.namespace, name,
                                  c->arena, out, NULL);
    if (found > 0 && !strmap_put(c->classes, (*out)->class->name, *out))
        return -1;
    return found;
}

/* Not before there is one instance: the next page has to begin elsewhere. */
static bool
page_is_full(const struct chunk *c)
{
    const struct rest_page *p = c->page;

    return p->bytes_max > 0 && p->left < p->target.limit &&
           p->bytes + (c->out->length - c->begin) >= p->bytes_max;
}

static bool
chunk_visit(void *arg, int64_t row, struct span key,
            const struct cim_instance *instance)
{
    struct chunk *c = arg;
    struct rest_page *p = c->page;
    struct repository_class_full *class;
    cJSON *node = NULL;

    p->full = p->full || page_is_full(c);
    if (p->left == 0 || p->full || c->count == CHUNK_INSTANCES ||
        c->out->length - c->begin >= CHUNK_BYTES)
    {
        c->stopped = true;
        return false;
    }
    if (chunk_class(c, instance->class_name, &class) > 0)
        node = instance_node(&p->target.namespace, class, key, instance);
    if (p->bare ? c->count > 0 : p->left < p->target.limit)
        buf_add_char(c->out, ',');
    c->failed = node == NULL || !node_print(node, c->out);
    cJSON_Delete(node);
    p->after = row;
    p->left--;
    c->count++;
    return !c->failed;
}

static void
page_link(const struct rest_page *p, struct buf *url)
{
    buf_addf(url, "?limit=%zu&after=%" PRId64, p->target.limit, p->after);
}

/* What stands before the objects; with a link when there are more than the
 * limit, if that is known yet. */
static bool
page_head(const struct rest_page *p, bool link, struct buf *out)
{
    struct buf url = BUF_INIT;
    bool ok;

    url_add_class(&url, &p->target.namespace, span_of(p->class_name));
    buf_add_string(&url, "/instances");
    json_begin(out);
    json_text(out, "kind", "instancecollection");
    json_string(out, "self", buf_span(&url));
    json_text(out, "class", p->class_name);
    if (link) {
        page_link(p, &url);
        json_string(out, "next", buf_span(&url));
    }
    buf_add_string(out, ",\"instances\":[");
    ok = !buf_failed(&url) && !buf_failed(out);
    buf_fini(&url);
    return ok;
}

static void
page_close(struct chunk *c)
{
    struct rest_page *p = c->page;
    struct buf url = BUF_INIT;

    p->complete = true;
    p->more = c->stopped;
    if (p->bare)
        return;
    buf_add_char(c->out, ']');
    if (c->stopped) {
        url_add_class(&url, &p->target.namespace, span_of(p->class_name));
        buf_add_string(&url, "/instances");
        page_link(p, &url);
        json_string(c->out, "next", buf_span(&url));
    }
    json_end(c->out);
    c->failed = c->failed || buf_failed(&url);
    buf_fini(&url);
}

static bool
page_open(struct chunk *c, const struct cim_class *class)
{
    struct rest_page *p = c->page;

    if (p->started)
        return true;
    p->started = true;
    if (class->name.length >= sizeof(p->class_name))
        return false;
    memcpy(p->class_name, class->name.data, class->name.length);
    return p->bare || page_head(p, false, c->out);
}

static enum rest_status
chunk_write(struct chunk *c, uint32_t *hresult_out)
{
    struct rest_page *p = c->page;
    struct repository_class_full *class;
    size_t most = p->left < CHUNK_INSTANCES ? p->left : CHUNK_INSTANCES;
    int found = chunk_class(c, span_of(p->target.class_name), &class);

    if (found == 0) {
        *hresult_out = INVALID_CLASS;
        return REST_STATUS_NOT_FOUND;
    }
    if (found < 0)
        return REST_STATUS_STORE_FAILED;
    if (!page_open(c, class->class))
        return REST_STATUS_STORE_FAILED;
    /* One more than is written tells whether anything follows. */
    if (repository_instances(c->repo, &p->target.namespace, class->class->name,
                             p->after, most + 1, chunk_visit, c, NULL) < 0 ||
        c->failed)
        return REST_STATUS_STORE_FAILED;
    if (!c->stopped || p->left == 0 || p->full)
        page_close(c);
    p->bytes += c->out->length - c->begin;
    return c->failed || buf_failed(c->out) ? REST_STATUS_STORE_FAILED
                                           : REST_STATUS_OK;
}

static enum rest_status
page_next(struct rest_page *p, struct repository *repo, struct buf *out,
          size_t *count_out, bool *done_out, uint32_t *hresult_out)
{
    struct chunk c = {.page = p,
                      .repo = repo,
                      .out = out,
                      .begin = out->length,
                      .arena = arena_new(),
                      .classes = strmap_new()};
    enum rest_status status = REST_STATUS_STORE_FAILED;

    *hresult_out = 0;
    if (p->complete)
        status = REST_STATUS_OK;
    else if (c.arena != NULL && c.classes != NULL)
        status = chunk_write(&c, hresult_out);
    *count_out = c.count;
    *done_out = p->complete;
    strmap_free(c.classes);
    arena_free(c.arena);
    return status;
}

enum rest_status
rest_page_next(struct rest_page *p, struct repository *repo, struct buf *out,
               bool *done_out, uint32_t *hresult_out)
{
    size_t count;

    return page_next(p, repo, out, &count, done_out, hresult_out);
}

enum rest_status
rest_page_objects(struct rest_page *p, struct repository *repo,
                  struct buf *out, size_t *count_out, bool *done_out,
                  uint32_t *hresult_out)
{
    p->bare = true;
    return page_next(p, repo, out, count_out, done_out, hresult_out);
}

bool
rest_page_head(const struct rest_page *p, struct buf *out)
{
    return page_head(p, p->more, out);
}
