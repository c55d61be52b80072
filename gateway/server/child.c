#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway/server/master.h"
#include "gateway/server/stores.h"

/* -- kinds ------------------------------------------------------------------ */

static const struct kind {
    const char *name, *process; /* at most 15 bytes (prctl(2)) */
    bool of_setup;              /* one configuration's; a reload replaces it */
    bool events;                /* has a channel to the recorder */
    enum source_kind operations; /* and one to the dispatcher */
} kinds[] = {
    [CHILD_WORKER] = {"worker", "nsgated-worker", true, true, SOURCE_WORKER},
    [CHILD_RECORDER] = {"recorder", "nsgated-record", false, false, 0},
    [CHILD_KEEPER] = {"keeper", "nsgated-keeper", false, false, 0},
    [CHILD_DISPATCHER] = {"dispatcher", "nsgated-dispat", false, true, 0},
    [CHILD_COURIER] = {"courier", "nsgated-courier", true, false,
                       SOURCE_COURIER},
    [CHILD_CLERK] = {"clerk", "nsgated-clerk", true, false, 0},
};

const char *
child_kind_name(enum child_kind kind)
{
    return kinds[kind].name;
}

bool
child_is_of_setup(const struct child *c)
{
    return kinds[c->kind].of_setup;
}

/* -- birth ------------------------------------------------------------------ */

/* The ends of its channels that are the child's. */
struct ends {
    int master_fd, event_fd, operation_fd;
};

/* What is the master's, a brother's or another configuration's is closed: a
 * socket that lives on in a process which has no use for it is never gone. */
static void
descriptors_forget(const struct master *m, const struct child *c,
                   const struct ends *e)
{
    const struct setup *s = c->setup != NULL ? c->setup : m->current;
    int *keep = calloc(8 + s->listeners.count, sizeof(*keep));
    size_t n = 0;

    if (keep == NULL)
        exit(1);
    /* The clerk has no business there, and may be waiting for a KDC when the
     * lock should be free. */
    if (c->kind != CHILD_CLERK)
        keep[n++] = s->state_fd;
    keep[n++] = e->master_fd;
    keep[n++] = e->event_fd;
    keep[n++] = e->operation_fd;
    if (c->kind == CHILD_WORKER) {
        keep[n++] = s->keytab.fd;
        keep[n++] = s->access_fd;
        for (size_t i = 0; i < s->listeners.count; i++)
            keep[n++] = s->listeners.items[i].fd;
    }
    if (c->kind == CHILD_COURIER || c->kind == CHILD_CLERK)
        keep[n++] = s->client_keytab.fd;
    descriptors_keep(keep, n);
    free(keep);
}

void
secrets_forget(struct master *m, const struct child *of)
{
    struct setup *const setups[] = {m->current, m->next};

    for (size_t i = 0; i < ARRAY_COUNT(setups); i++) {
        if (setups[i] != NULL &&
            (of == NULL || of->kind != CHILD_WORKER || of->setup != setups[i]))
        {
            listener_set_forget(&setups[i]->listeners);
            session_keys_wipe(&setups[i]->session_keys);
        }
    }
}

static int
worker_run(struct master *m, struct child *c, const struct ends *e)
{
    const struct setup *s = c->setup;
    const struct worker_boot boot = {
        .id = c->id,
        .config = s->config,
        .listeners = &s->listeners,
        .upstreams = &s->upstreams,
        .session_keys = &s->session_keys,
        .revoked = m->revoked,
        .account = s->user,
        .master_fd = e->master_fd,
        .event_fd = e->event_fd,
        .operation_fd = e->operation_fd,
        .keytab_fd = s->keytab.fd,
        .access_fd = s->access_fd,
        .slots = m->slots,
        .slot = c->slot,
    };

    return worker_main(&boot);
}

static int
courier_run(struct child *c, const struct ends *e)
{
    const struct setup *s = c->setup;
    const struct courier_boot boot = {
        .config = s->config,
        .account = s->user,
        .master_fd = e->master_fd,
        .dispatcher_fd = e->operation_fd,
        .client_keytab_fd = s->client_keytab.fd,
    };

    return courier_main(&boot);
}

static int
clerk_run(struct child *c, const struct ends *e)
{
    const struct setup *s = c->setup;
    const struct clerk_boot boot = {
        .config = s->config,
        .account = s->user,
        .master_fd = e->master_fd,
        .client_keytab_fd = s->client_keytab.fd,
    };

    return clerk_main(&boot);
}

static int
store_run(struct master *m, struct child *c, const struct ends *e)
{
    const struct store_boot boot = {
        .config = m->current->config,
        .account = m->current->store_user,
        .master_fd = e->master_fd,
        .event_fd = e->event_fd,
    };

    switch (c->kind) {
    case CHILD_RECORDER:
        return recorder_main(&boot);
    case CHILD_DISPATCHER:
        return dispatcher_main(&boot);
    default:
        return keeper_main(&boot);
    }
}

static enum log_level
log_level_of(const struct config *c)
{
    static const struct {
        const char *name;
        enum log_level level;
    } names[] = {{"error", LOG_LEVEL_ERROR},
                 {"warning", LOG_LEVEL_WARNING},
                 {"notice", LOG_LEVEL_NOTICE},
                 {"info", LOG_LEVEL_INFO},
                 {"debug", LOG_LEVEL_DEBUG}};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (c->log_level != NULL && strcmp(c->log_level, names[i].name) == 0)
            return names[i].level;
    }
    return LOG_LEVEL_INFO;
}

static void
child_main(struct master *m, struct child *c, const struct ends *e)
{
    char who[32];
    int status;

    loop_free(m->loop);
    descriptors_forget(m, c, e);
    secrets_forget(m, c);
    if (child_is_of_setup(c))
        snprintf(who, sizeof(who), "%s %d", kinds[c->kind].name, c->id);
    else
        snprintf(who, sizeof(who), "%s", kinds[c->kind].name);
    log_open(who, log_level_of(m->current->config));
    prctl(PR_SET_NAME, kinds[c->kind].process);
    if (c->kind == CHILD_WORKER)
        status = worker_run(m, c, e);
    else if (c->kind == CHILD_COURIER)
        status = courier_run(c, e);
    else if (c->kind == CHILD_CLERK)
        status = clerk_run(c, e);
    else
        status = store_run(m, c, e);
    exit(status);
}

/* Hands the other end of a child's channel to the store that reads it. */
static void
source_tell(struct master *m, enum child_kind reader, int fd,
            enum source_kind kind, const struct child *of)
{
    const struct child *c = children_find(m, reader);
    uint64_t worker = 0;

    if (of != NULL && of->kind == CHILD_WORKER)
        worker = (uint64_t)of->id + 1;
    if (c != NULL && c->fd >= 0 && fd >= 0)
        message_send(c->fd, MESSAGE_SOURCE, worker, kind, NULL, fd);
}

/* All there are, to a recorder or a dispatcher that has just begun. */
static void
sources_tell_all(struct master *m, enum child_kind reader)
{
    if (reader == CHILD_RECORDER)
        source_tell(m, reader, m->own_source_fd, SOURCE_EVENTS, NULL);
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (reader == CHILD_RECORDER)
            source_tell(m, reader, c->source_fd, SOURCE_EVENTS, c);
        else
            source_tell(m, reader, c->operation_fd, kinds[c->kind].operations,
                        c);
    }
}

static void
ends_close(const struct ends *e)
{
    if (e->master_fd >= 0)
        close(e->master_fd);
    if (e->event_fd >= 0)
        close(e->event_fd);
    if (e->operation_fd >= 0)
        close(e->operation_fd);
}

/* ours gets the one end, *theirs the other. */
static int
end_open(int *ours, int *theirs, struct error *err)
{
    int ends[2];

    if (channel_pair(ends, err) < 0)
        return -1;
    *ours = ends[0];
    *theirs = ends[1];
    return 0;
}

static int
child_start(struct master *m, struct child *c, struct error *err)
{
    const struct kind *k = &kinds[c->kind];
    struct ends e = {-1, -1, -1};

    if (end_open(&c->fd, &e.master_fd, err) < 0 ||
        (k->events && end_open(&c->source_fd, &e.event_fd, err) < 0) ||
        (k->operations != 0 &&
         end_open(&c->operation_fd, &e.operation_fd, err) < 0))
    {
        ends_close(&e);
        return -1;
    }
    c->born_ms = clock_monotonic_ms();
    c->pid = fork();
    if (c->pid == 0)
        child_main(m, c, &e);
    ends_close(&e);
    if (c->pid < 0)
        return error_set_errno(err, errno, "fork");
    if (loop_add(m->loop, c->fd, EPOLLIN, child_ready, c, err) < 0)
        return -1;
    if (c->kind == CHILD_RECORDER || c->kind == CHILD_DISPATCHER)
        sources_tell_all(m, c->kind);
    if (c->kind != CHILD_RECORDER)
        source_tell(m, CHILD_RECORDER, c->source_fd, SOURCE_EVENTS, c);
    source_tell(m, CHILD_DISPATCHER, c->operation_fd, k->operations, c);
    return 0;
}

void
child_close(struct child *c)
{
    if (c->fd >= 0) {
        loop_remove(c->master->loop, c->fd);
        close(c->fd);
    }
    if (c->source_fd >= 0)
        close(c->source_fd);
    if (c->operation_fd >= 0)
        close(c->operation_fd);
    c->fd = -1;
    c->source_fd = -1;
    c->operation_fd = -1;
}

/* Which slots are taken the master knows by itself: the counters are in
 * memory that every worker can write to. */
static bool
slot_take(struct master *m, size_t *slot_out)
{
    for (size_t i = 0; i < WORKER_SLOTS; i++) {
        if (m->slot_taken[i])
            continue;
        m->slot_taken[i] = true;
        memset(&m->slots[i], 0, sizeof(m->slots[i]));
        atomic_store(&m->slots[i].pid, -1);
        *slot_out = i;
        return true;
    }
    return false;
}

void
slot_release(struct master *m, size_t slot)
{
    m->slot_taken[slot] = false;
    atomic_store(&m->slots[slot].pid, 0);
}

struct child *
child_new(struct master *m, enum child_kind kind, const struct setup *setup,
          struct error *err)
{
    struct child *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        error_set_errno(err, ENOMEM, "process");
        return NULL;
    }
    *c = (struct child){.next = m->children,
                        .master = m,
                        .kind = kind,
                        .fd = -1,
                        .source_fd = -1,
                        .operation_fd = -1,
                        .setup = setup};
    if (kind == CHILD_WORKER && !slot_take(m, &c->slot)) {
        error_set(err, "too many workers are still draining");
        free(c);
        return NULL;
    }
    if (child_is_of_setup(c))
        c->id = m->next_id++;
    m->children = c;
    if (child_start(m, c, err) == 0)
        return c;
    m->children = c->next;
    if (kind == CHILD_WORKER)
        slot_release(m, c->slot);
    child_close(c);
    free(c);
    return NULL;
}

int
children_spawn_stores(struct master *m, struct error *err)
{
    if (child_new(m, CHILD_RECORDER, NULL, err) == NULL ||
        child_new(m, CHILD_KEEPER, NULL, err) == NULL ||
        child_new(m, CHILD_DISPATCHER, NULL, err) == NULL)
        return -1;
    return 0;
}

static int
children_spawn(struct master *m, const struct setup *setup,
               enum child_kind kind, struct error *err)
{
    for (size_t n = children_count(m, kind, setup);
         n < setup_children(setup, kind); n++)
    {
        if (child_new(m, kind, setup, err) == NULL)
            return -1;
    }
    return 0;
}

int
children_spawn_setup(struct master *m, const struct setup *setup,
                     struct error *err)
{
    return children_spawn(m, setup, CHILD_WORKER, err) < 0 ||
                   children_spawn(m, setup, CHILD_COURIER, err) < 0 ||
                   children_spawn(m, setup, CHILD_CLERK, err) < 0
               ? -1
               : 0;
}
