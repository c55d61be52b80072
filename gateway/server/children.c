#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/server/master.h"
#include "gateway/server/stores.h"

#define ACTIVATE_MS    2000 /* for a worker to map a new image */
#define QUICK_DEATH_MS 2000 /* younger ones that die count as a crash loop */
#define QUICK_DEATHS   5
#define RESPAWN_MS     1000

/* -- birth ------------------------------------------------------------------ */

/* In a new child: what is the master's or a brother's is closed. */
static void
child_forget_master(struct master *m, const struct child *self)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (c != self && c->fd >= 0)
            close(c->fd);
        if (c->source_fd >= 0)
            close(c->source_fd);
    }
    control_forget(m);
    if (m->own_source_fd >= 0)
        close(m->own_source_fd);
    close(m->event_fd);
    loop_free(m->loop);
}

static int
worker_run(struct master *m, struct child *c, int master_fd, int event_fd)
{
    const struct setup *s = c->setup;
    const struct worker_boot boot = {
        .id = c->id,
        .config = s->config,
        .listeners = &s->listeners,
        .account = s->user,
        .master_fd = master_fd,
        .event_fd = event_fd,
        .keytab_fd = s->keytab_fd,
        .access_fd = s->access_fd,
        .slots = m->slots,
        .slot = c->slot,
    };

    return worker_main(&boot);
}

static int
store_run(struct master *m, struct child *c, int master_fd)
{
    const struct store_boot boot = {
        .config = m->current->config,
        .account = m->current->store_user,
        .master_fd = master_fd,
    };

    return c->kind == CHILD_RECORDER ? recorder_main(&boot)
                                     : keeper_main(&boot);
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
child_main(struct master *m, struct child *c, int master_fd, int event_fd)
{
    char who[32];
    int status;

    child_forget_master(m, c);
    close(c->fd);
    if (c->kind == CHILD_WORKER)
        snprintf(who, sizeof(who), "worker %d", c->id);
    else
        snprintf(who, sizeof(who), "%s",
                 c->kind == CHILD_RECORDER ? "recorder" : "keeper");
    log_open(who, log_level_of(m->current->config));
    prctl(PR_SET_NAME, c->kind == CHILD_WORKER     ? "nsgated-worker"
                       : c->kind == CHILD_RECORDER ? "nsgated-record"
                                                   : "nsgated-keeper");
    status = c->kind == CHILD_WORKER ? worker_run(m, c, master_fd, event_fd)
                                     : store_run(m, c, master_fd);
    exit(status);
}

static void child_ready(void *arg, uint32_t events);

/* Hands the recorder's end of a channel of events to the recorder. */
static void
source_tell(struct master *m, int source_fd)
{
    const struct child *rec = children_find(m, CHILD_RECORDER);

    if (rec != NULL && source_fd >= 0)
        message_send(rec->fd, MESSAGE_SOURCE, 0, 0, NULL, source_fd);
}

static void
sources_tell_all(struct master *m)
{
    source_tell(m, m->own_source_fd);
    for (struct child *c = m->children; c != NULL; c = c->next)
        source_tell(m, c->source_fd);
}

static int
child_start(struct master *m, struct child *c, struct error *err)
{
    int ends[2] = {-1, -1}, event_ends[2] = {-1, -1};

    if (channel_pair(ends, err) < 0)
        return -1;
    if (c->kind == CHILD_WORKER && channel_pair(event_ends, err) < 0) {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    c->fd = ends[0];
    c->source_fd = event_ends[1];
    c->born_ms = clock_monotonic_ms();
    c->pid = fork();
    if (c->pid == 0)
        child_main(m, c, ends[1], event_ends[0]);
    close(ends[1]);
    if (event_ends[0] >= 0)
        close(event_ends[0]);
    if (c->pid < 0)
        return error_set_errno(err, errno, "fork");
    if (loop_add(m->loop, c->fd, EPOLLIN, child_ready, c, err) < 0)
        return -1;
    if (c->kind == CHILD_RECORDER)
        sources_tell_all(m);
    else
        source_tell(m, c->source_fd);
    return 0;
}

static void
child_close(struct child *c)
{
    if (c->fd >= 0) {
        loop_remove(c->master->loop, c->fd);
        close(c->fd);
    }
    if (c->source_fd >= 0)
        close(c->source_fd);
    c->fd = -1;
    c->source_fd = -1;
}

static struct child *
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
                        .setup = setup};
    if (kind == CHILD_WORKER) {
        while (c->slot < WORKER_SLOTS &&
               atomic_load(&m->slots[c->slot].pid) != 0)
            c->slot++;
        if (c->slot == WORKER_SLOTS) {
            error_set(err, "too many workers are still draining");
            free(c);
            return NULL;
        }
        memset(&m->slots[c->slot], 0, sizeof(m->slots[c->slot]));
        atomic_store(&m->slots[c->slot].pid, -1);
        c->id = m->next_id++;
    }
    m->children = c;
    if (child_start(m, c, err) == 0)
        return c;
    m->children = c->next;
    if (kind == CHILD_WORKER)
        atomic_store(&m->slots[c->slot].pid, 0);
    child_close(c);
    free(c);
    return NULL;
}

int
children_spawn_stores(struct master *m, struct error *err)
{
    if (child_new(m, CHILD_RECORDER, NULL, err) == NULL ||
        child_new(m, CHILD_KEEPER, NULL, err) == NULL)
        return -1;
    return 0;
}

int
children_spawn_workers(struct master *m, const struct setup *setup,
                       struct error *err)
{
    for (unsigned i = 0; i < setup->config->workers; i++) {
        if (child_new(m, CHILD_WORKER, setup, err) == NULL)
            return -1;
    }
    return 0;
}

/* -- what they say ------------------------------------------------------------ */

static void
keytab_answered(struct master *m, const struct child *c,
                const struct message *msg)
{
    if (c->setup != m->current || m->keytab_next < 0)
        return;
    if (!m->keytab_told)
        master_event(
            m, msg->result < 0 ? EVENT_KEYTAB_FAILED : EVENT_KEYTAB_CHANGED,
            msg->text);
    m->keytab_told = true;
    if (msg->result < 0) {
        close(m->keytab_next);
    } else {
        close(m->current->keytab_fd);
        m->current->keytab_fd = m->keytab_next;
        snprintf(m->keytab_text, sizeof(m->keytab_text), "%s", msg->text);
    }
    m->keytab_next = -1;
}

static void
policy_answered(struct master *m, const struct message *msg)
{
    char text[64];

    if (msg->result < 0) {
        snprintf(m->policy_text, sizeof(m->policy_text), "%s", msg->text);
        master_event(m, EVENT_POLICY_UNAVAILABLE, msg->text);
        return;
    }
    m->policy_text[0] = '\0';
    if (msg->result == 0)
        return;
    snprintf(text, sizeof(text), "generation %llu",
             (unsigned long long)msg->generation);
    master_event(m, EVENT_POLICY_REBUILT, text);
    children_activate(m);
}

static void
active_answered(struct child *c, const struct message *msg)
{
    struct master *m = c->master;

    if (msg->result <= 0)
        c->deadline_ms = 0;
    c->generation = msg->result < 0 ? 0 : msg->generation;
    if (msg->result < 0)
        snprintf(m->policy_text, sizeof(m->policy_text), "%s", msg->text);
    else
        m->policy_text[0] = '\0';
    control_settle(m);
}

static void
child_said(struct child *c, uint32_t type, const struct message *msg)
{
    struct master *m = c->master;

    switch (type) {
    case MESSAGE_READY:
        c->ready = true;
        c->generation = msg->generation;
        if (c->kind == CHILD_WORKER)
            snprintf(m->keytab_text, sizeof(m->keytab_text), "%s", msg->text);
        /* One that takes a dead one's place begins at once. */
        if (m->phase == MASTER_RUNNING && c->kind == CHILD_WORKER &&
            c->setup == m->current)
        {
            c->started = true;
            message_send(c->fd, MESSAGE_START, 0, 0, NULL, -1);
        }
        master_progress(m);
        break;
    case MESSAGE_FAILED:
        log_write(LOG_LEVEL_ERROR, "a process could not start: %s", msg->text);
        if (m->phase == MASTER_STARTING || (c->setup == m->next && m->next))
            master_fail(m, msg->text);
        break;
    case MESSAGE_ACTIVE:
        active_answered(c, msg);
        break;
    case MESSAGE_KEYTAB_SET:
        keytab_answered(m, c, msg);
        break;
    case MESSAGE_POLICY:
        policy_answered(m, msg);
        break;
    default:
        break;
    }
}

static void
child_ready(void *arg, uint32_t events)
{
    struct child *c = arg;
    struct message msg;
    uint32_t type;
    int fd, got;

    (void)events;
    while (c->fd >= 0 && (got = message_receive(c->fd, &type, &msg, &fd)) != 0)
    {
        if (got < 0) {
            /* The rest is SIGCHLD's; a child that only closed its channel
             * or broke the rules is ended. */
            loop_remove(c->master->loop, c->fd);
            kill(c->pid, SIGKILL);
            return;
        }
        if (fd >= 0)
            close(fd);
        child_said(c, type, &msg);
    }
}

/* -- death ------------------------------------------------------------------ */

static void
child_replace(struct master *m, const struct child *dead)
{
    static const char *const names[] = {[CHILD_WORKER] = "worker",
                                        [CHILD_RECORDER] = "recorder",
                                        [CHILD_KEEPER] = "keeper"};
    bool quick = clock_monotonic_ms() - dead->born_ms < QUICK_DEATH_MS;
    struct error err = {0, ""};
    char text[96];

    snprintf(text, sizeof(text), "%s %d (pid %d) is replaced",
             names[dead->kind], dead->id, (int)dead->pid);
    m->quick_deaths = quick ? m->quick_deaths + 1 : 0;
    if (m->quick_deaths > QUICK_DEATHS) {
        m->respawn = true;
        m->respawn_ms = clock_monotonic_ms() + RESPAWN_MS;
    } else if (child_new(m, dead->kind,
                         dead->kind == CHILD_WORKER ? m->current : NULL,
                         &err) == NULL)
    {
        log_write(LOG_LEVEL_ERROR, "%s", err.text);
        m->respawn = true;
        m->respawn_ms = clock_monotonic_ms() + RESPAWN_MS;
    }
    master_event(m, EVENT_WORKER_DIED, text);
}

static void
child_died(struct master *m, struct child *c, int status)
{
    bool wanted = m->phase == MASTER_RUNNING && !c->draining &&
                  (c->kind != CHILD_WORKER || c->setup == m->current);

    if (c->fd >= 0) { /* last words */
        struct message msg;
        uint32_t type;
        int fd;

        while (message_receive(c->fd, &type, &msg, &fd) > 0) {
            if (fd >= 0)
                close(fd);
            child_said(c, type, &msg);
        }
    }
    c->gone = true;
    if (c->kind == CHILD_WORKER)
        atomic_store(&m->slots[c->slot].pid, 0);
    child_close(c);
    if (WIFSIGNALED(status))
        log_write(LOG_LEVEL_WARNING, "pid %d was ended by signal %d",
                  (int)c->pid, WTERMSIG(status));
    if (wanted)
        child_replace(m, c);
    else if (m->phase == MASTER_STARTING ||
             (m->next != NULL && c->setup == m->next))
        master_fail(m, "a process ended while starting");
    else if (m->phase == MASTER_RUNNING && c->kind == CHILD_WORKER)
        control_settle(m);
}

void
children_reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (struct child *c = m->children; c != NULL; c = c->next) {
            if (c->pid == pid && !c->gone) {
                child_died(m, c, status);
                break;
            }
        }
    }
    for (struct child **at = &m->children; *at != NULL;) {
        struct child *c = *at;

        if (c->gone) {
            *at = c->next;
            free(c);
        } else {
            at = &c->next;
        }
    }
    master_progress(m);
}

/* Deadlines, and what had to wait. */
void
children_tick(struct master *m)
{
    uint64_t now = clock_monotonic_ms();
    struct error err = {0, ""};

    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (c->deadline_ms != 0 && now > c->deadline_ms && !c->gone) {
            log_write(LOG_LEVEL_ERROR,
                      "worker %d does not answer and is replaced", c->id);
            c->deadline_ms = UINT64_MAX; /* unsettled until it is gone */
            kill(c->pid, SIGKILL);
        }
    }
    if (!m->respawn || now < m->respawn_ms || m->phase != MASTER_RUNNING)
        return;
    m->respawn = false;
    if (children_find(m, CHILD_RECORDER) == NULL)
        child_new(m, CHILD_RECORDER, NULL, &err);
    if (children_find(m, CHILD_KEEPER) == NULL)
        child_new(m, CHILD_KEEPER, NULL, &err);
    for (size_t n = children_count(m, CHILD_WORKER);
         n < m->current->config->workers; n++)
        child_new(m, CHILD_WORKER, m->current, &err);
}

/* -- all of them -------------------------------------------------------------- */

static bool
child_is_worker_of(const struct child *c, const struct setup *setup)
{
    return c->kind == CHILD_WORKER && !c->gone &&
           (setup == NULL || c->setup == setup);
}

void
children_send(struct master *m, const struct setup *setup,
              enum message_type type, int passed_fd)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_worker_of(c, setup) || c->fd < 0)
            continue;
        if (message_send(c->fd, type, 0, 0, NULL, passed_fd) < 0)
            kill(c->pid, SIGKILL); /* it does not read any more */
        if (type == MESSAGE_START)
            c->started = true;
        if (type == MESSAGE_DRAIN)
            c->draining = true;
    }
}

void
children_kill(struct master *m, const struct setup *setup)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (child_is_worker_of(c, setup))
            kill(c->pid, SIGKILL);
    }
}

bool
children_all_ready(const struct master *m, const struct setup *setup)
{
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (!c->gone && !c->ready &&
            (c->kind != CHILD_WORKER || c->setup == setup))
            return false;
    }
    return true;
}

size_t
children_count(const struct master *m, enum child_kind kind)
{
    size_t count = 0;

    for (const struct child *c = m->children; c != NULL; c = c->next)
        count += c->kind == kind && !c->gone && !c->draining;
    return count;
}

void
children_orphan(struct master *m, const struct setup *setup)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (c->setup == setup)
            c->setup = NULL;
    }
}

void
children_activate(struct master *m)
{
    uint64_t deadline = clock_monotonic_ms() + ACTIVATE_MS;

    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_worker_of(c, NULL) || c->fd < 0)
            continue;
        if (message_send(c->fd, MESSAGE_ACTIVATE, 0, 0, NULL, -1) < 0)
            kill(c->pid, SIGKILL);
        c->deadline_ms = deadline;
    }
}

uint64_t
children_generation(const struct master *m, bool *settled_out)
{
    uint64_t lowest = UINT64_MAX;

    *settled_out = true;
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_worker_of(c, NULL))
            continue;
        if (!c->ready || c->deadline_ms != 0)
            *settled_out = false;
        if (c->generation < lowest)
            lowest = c->generation;
    }
    return lowest == UINT64_MAX ? 0 : lowest;
}

struct child *
children_find(const struct master *m, enum child_kind kind)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (c->kind == kind && !c->gone)
            return c;
    }
    return NULL;
}

void
children_free(struct master *m)
{
    while (m->children != NULL) {
        struct child *c = m->children;

        m->children = c->next;
        child_close(c);
        free(c);
    }
}
