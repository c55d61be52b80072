#include "gateway/proxy/transfer.h"

#include <stdlib.h>
#include <string.h>

static bool
line_add(struct curl_slist **list, const struct buf *line)
{
    struct curl_slist *longer =
        buf_failed(line) ? NULL : curl_slist_append(*list, line->data);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/* "host:port" and its addresses. */
static bool
resolve_add(struct curl_slist **list, const char *key, const char *addresses)
{
    struct buf line = BUF_INIT;
    bool ok;

    buf_addf(&line, "%s:%s", key, addresses);
    ok = line_add(list, &line);
    buf_fini(&line);
    return ok;
}

/* What the library was told last, and would keep for ever. */
static bool
stale_add(struct place *p, const struct place *before)
{
    const char *key = before == NULL ? NULL
                      : before->told ? before->key
                                     : before->stale;
    struct buf line = BUF_INIT;
    bool ok;

    if (key == NULL || strcmp(key, p->key) == 0)
        return true;
    p->stale = strdup(key);
    buf_addf(&line, "-%s", key);
    ok = p->stale != NULL && line_add(&p->resolve, &line);
    buf_fini(&line);
    return ok;
}

static bool
connect_to_add(struct place *p, const char *name)
{
    struct buf line = BUF_INIT;
    bool ok;

    buf_addf(&line, "%s:%s", name, p->key);
    ok = line_add(&p->connect_to, &line);
    buf_fini(&line);
    return ok;
}

/* "host:port"; number 0: of the upstream itself, else a name that can never be
 * looked up (RFC 6761 6.4).  NULL: no memory. */
static char *
key_new(const struct config_upstream *u, unsigned number)
{
    struct buf key = BUF_INIT;

    if (number == 0)
        buf_addf(&key, "%s:%u", u->host, (unsigned)u->port);
    else
        buf_addf(&key, "moved-%u.invalid:%u", number, (unsigned)u->port);
    return buf_take(&key);
}

struct place *
place_new(const struct config_upstream *u, const char *addresses,
          unsigned number, const struct place *before)
{
    struct place *p = calloc(1, sizeof(*p));
    char *name = key_new(u, 0);

    if (p != NULL) {
        p->uses = 1;
        p->key = key_new(u, number);
    }
    if (p == NULL || name == NULL || p->key == NULL || !stale_add(p, before) ||
        !resolve_add(&p->resolve, p->key, addresses) ||
        !resolve_add(&p->plain, name, addresses) ||
        (number > 0 && !connect_to_add(p, name)))
    {
        place_leave(p);
        p = NULL;
    }
    free(name);
    return p;
}

struct place *
place_use(struct place *p)
{
    if (p != NULL)
        p->uses++;
    return p;
}

void
place_leave(struct place *p)
{
    if (p == NULL || --p->uses > 0)
        return;
    curl_slist_free_all(p->resolve);
    curl_slist_free_all(p->connect_to);
    curl_slist_free_all(p->plain);
    free(p->key);
    free(p->stale);
    free(p);
}
