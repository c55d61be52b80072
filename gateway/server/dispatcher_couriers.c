/* Which courier is given which operation, so that no sink has them all. */
#include "gateway/server/dispatcher.h"

#include <stdio.h>
#include <string.h>

#define SLOW_MS           500
#define TROUBLE_MAX_US    60000000
#define TROUBLE_FORGET_MS 300000

/* -- sinks ------------------------------------------------------------------ */

/* scheme, host and port of a URL as sink_parse writes it. */
static void
sink_key(struct span url, char out[SINK_KEY_MAX])
{
    size_t n = 0, slashes = 0;

    while (n < url.length && n < SINK_KEY_MAX - 1) {
        slashes += url.data[n] == '/';
        if (slashes == 3)
            break;
        out[n] = url.data[n];
        n++;
    }
    out[n] = '\0';
}

static struct trouble *
trouble_find(struct dispatcher *d, const char *sink)
{
    for (size_t i = 0; i < TROUBLES_MAX; i++) {
        if (strcmp(d->troubles[i].sink, sink) == 0)
            return &d->troubles[i];
    }
    return NULL;
}

void
trouble_add(struct dispatcher *d, const char *sink)
{
    struct trouble *t = trouble_find(d, sink);
    uint64_t now_ms = clock_monotonic_ms();
    int64_t delay_us;

    if (t == NULL) { /* the place of the one that is over soonest */
        t = d->troubles;
        for (size_t i = 1; i < TROUBLES_MAX; i++) {
            if (d->troubles[i].until_ms < t->until_ms)
                t = &d->troubles[i];
        }
        memset(t, 0, sizeof(*t));
        snprintf(t->sink, sizeof(t->sink), "%s", sink);
    }
    if (now_ms > t->until_ms + TROUBLE_FORGET_MS)
        t->failures = 0;
    delay_us = delivery_backoff_us(++t->failures, ++d->random);
    if (delay_us > TROUBLE_MAX_US)
        delay_us = TROUBLE_MAX_US;
    t->until_ms = now_ms + (uint64_t)delay_us / 1000;
}

void
trouble_remove(struct dispatcher *d, const char *sink)
{
    struct trouble *t = trouble_find(d, sink);

    if (t != NULL)
        memset(t, 0, sizeof(*t));
}

static size_t
couriers_at(const struct dispatcher *d, const char *sink)
{
    size_t n = 0;

    for (const struct source *s = d->sources; s != NULL; s = s->next)
        n += s->courier && s->job[0] != '\0' && strcmp(s->sink, sink) == 0;
    return n;
}

size_t
couriers_count(const struct dispatcher *d)
{
    size_t n = 0;

    for (const struct source *s = d->sources; s != NULL; s = s->next)
        n += s->courier;
    return n;
}

/* How many may be at one sink: all but one while it is quick, so that there
 * is always one for another sink; few when it keeps them waiting. */
static size_t
couriers_allowed(const struct dispatcher *d, const char *sink)
{
    uint64_t now_ms = clock_monotonic_ms();
    size_t all = couriers_count(d);

    for (const struct source *s = d->sources; s != NULL; s = s->next) {
        if (s->courier && s->job[0] != '\0' && strcmp(s->sink, sink) == 0 &&
            now_ms - s->began_ms > SLOW_MS)
            return all > 4 ? all / 4 : 1;
    }
    return all > 1 ? all - 1 : 1;
}

/* A sink in trouble has one courier at a time, and not too soon. */
static bool
sink_may_have_courier(struct dispatcher *d, const char *sink, const char *url)
{
    const char *const names[] = {sink, url};
    size_t there = couriers_at(d, sink);

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct trouble *t = trouble_find(d, names[i]);

        if (t != NULL && (clock_monotonic_ms() < t->until_ms || there > 0))
            return false;
    }
    return there < couriers_allowed(d, sink);
}

/* -- giving it to couriers ------------------------------------------------------ */

static bool
is_at_work(const struct dispatcher *d, const char *id)
{
    for (const struct source *s = d->sources; s != NULL; s = s->next) {
        if (s->courier && strcmp(s->job, id) == 0)
            return true;
    }
    return false;
}

/* An idle one, if possible with a session to this sink. */
static struct source *
courier_find(const struct dispatcher *d, const char *sink)
{
    struct source *found = NULL;

    for (struct source *s = d->sources; s != NULL; s = s->next) {
        if (!s->courier || s->job[0] != '\0')
            continue;
        if (strcmp(s->sink, sink) == 0)
            return s;
        if (found == NULL || found->sink[0] != '\0')
            found = s;
    }
    return found;
}

static bool
due_visit(void *arg, const char *id, struct span sink)
{
    struct dispatcher *d = arg;
    struct operation_note n;
    char key[SINK_KEY_MAX], url[SINK_URL_MAX + 1];
    struct source *s;

    sink_key(sink, key);
    snprintf(url, sizeof(url), "%.*s", (int)sink.length, sink.data);
    s = courier_find(d, key);
    if (s == NULL)
        return false;
    if (is_at_work(d, id) || !sink_may_have_courier(d, key, url))
        return true;
    memset(&n, 0, sizeof(n));
    snprintf(n.id, sizeof(n.id), "%s", id);
    if (channel_send(s->fd, OPERATION_MESSAGE_DELIVER, &n, sizeof(n), -1) < 0)
        return true; /* its end is seen soon */
    snprintf(s->job, sizeof(s->job), "%s", id);
    snprintf(s->sink, sizeof(s->sink), "%s", key);
    snprintf(s->url, sizeof(s->url), "%s", url);
    s->began_ms = clock_monotonic_ms();
    return true;
}

int
couriers_work(struct dispatcher *d, struct error *err)
{
    return outbox_due(d->outbox, OPERATION_DELIVERING, clock_now_us(), 0,
                      due_visit, d, err);
}
