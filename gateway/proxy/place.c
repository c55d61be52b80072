#include "gateway/proxy/transfer.h"

#include <stdlib.h>

static struct curl_slist *
line_new(const struct buf *line)
{
    return buf_failed(line) ? NULL : curl_slist_append(NULL, line->data);
}

struct place *
place_new(const struct config_upstream *u, const char *addresses,
          unsigned number)
{
    struct place *p = calloc(1, sizeof(*p));
    struct buf host = BUF_INIT, line = BUF_INIT;
    bool ok;

    if (p == NULL)
        return NULL;
    p->uses = 1;
    if (number == 0)
        buf_add_string(&host, u->host);
    else
        buf_addf(&host, "moved-%u.invalid", number);
    if (!buf_failed(&host))
        buf_addf(&line, "%s:%u:%s", host.data, (unsigned)u->port, addresses);
    p->resolve = line_new(&line);
    buf_reset(&line);
    if (number > 0 && !buf_failed(&host)) {
        buf_addf(&line, "%s:%u:%s:%u", u->host, (unsigned)u->port, host.data,
                 (unsigned)u->port);
        p->connect_to = line_new(&line);
    }
    ok = !buf_failed(&host) && p->resolve != NULL &&
         (number == 0 || p->connect_to != NULL);
    buf_fini(&host);
    buf_fini(&line);
    if (ok)
        return p;
    place_leave(p);
    return NULL;
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
    free(p);
}
