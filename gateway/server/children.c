#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/server/master.h"

#define ACTIVATE_MS    2000 /* for a worker to map a new image */
#define QUICK_DEATH_MS 2000 /* younger ones that die count as a crash loop */
#define QUICK_DEATHS   5
#define RESPAWN_MS     1000

/* -- what they say ------------------------------------------------------------ */

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

/* Which kinds may say what: a taken-over worker speaks for nobody else. */
static bool
child_may_say(const struct child *c, uint32_t type)
{
    switch (type) {
    case MESSAGE_READY:
    case MESSAGE_FAILED:
        return true;
    case MESSAGE_ACTIVE:
    case MESSAGE_LISTENER_SET:
    case MESSAGE_TICKET_WANTED:
        return c->kind == CHILD_WORKER;
    case MESSAGE_TICKETS:
        return c->kind == CHILD_CLERK;
    case MESSAGE_KEYTAB_SET:
        return child_is_of_setup(c);
    case MESSAGE_POLICY:
        return c->kind == CHILD_KEEPER;
    default:
        return false;
    }
}

/* fd: -1: none; it stays the caller's. */
static void
child_said(struct child *c, uint32_t type, const struct message *msg, int fd)
{
    struct master *m = c->master;

    if (!child_may_say(c, type)) {
        log_write(LOG_LEVEL_ERROR, "%s %d says what it may not, and is ended",
                  child_kind_name(c->kind), c->id);
        kill(c->pid, SIGKILL);
        return;
    }
    switch (type) {
    case MESSAGE_READY:
        c->ready = true;
        c->generation = msg->generation;
        if (c->kind == CHILD_WORKER)
            snprintf(m->keytab.text, sizeof(m->keytab.text), "%s", msg->text);
        if (c->kind == CHILD_COURIER || c->kind == CHILD_CLERK)
            snprintf(m->client_keytab.text, sizeof(m->client_keytab.text),
                     "%s", msg->text);
        /* One that takes a dead one's place begins at once. */
        if (m->phase == MASTER_RUNNING && c->kind == CHILD_WORKER &&
            c->setup == m->current)
        {
            c->started = true;
            message_send(c->fd, MESSAGE_START, 0, 0, NULL, -1);
        }
        tickets_give(m, c);
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
    case MESSAGE_LISTENER_SET:
        listener_answered(m, c, msg);
        break;
    case MESSAGE_POLICY:
        policy_answered(m, msg);
        break;
    case MESSAGE_TICKETS:
        tickets_take(m, c, fd);
        break;
    case MESSAGE_TICKET_WANTED:
        ticket_want(m, c, msg->text);
        break;
    default:
        break;
    }
}

void
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
        child_said(c, type, &msg, fd);
        if (fd >= 0)
            close(fd);
    }
}

/* -- death ------------------------------------------------------------------ */

static void
child_replace(struct master *m, const struct child *dead)
{
    bool quick = clock_monotonic_ms() - dead->born_ms < QUICK_DEATH_MS;
    struct error err = {0, ""};
    char text[96];

    snprintf(text, sizeof(text), "%s %d (pid %d) is replaced",
             child_kind_name(dead->kind), dead->id, (int)dead->pid);
    m->quick_deaths = quick ? m->quick_deaths + 1 : 0;
    if (m->quick_deaths > QUICK_DEATHS) {
        m->respawn = true;
        m->respawn_ms = clock_monotonic_ms() + RESPAWN_MS;
    } else if (child_new(m, dead->kind,
                         child_is_of_setup(dead) ? m->current : NULL,
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
                  (!child_is_of_setup(c) || c->setup == m->current);

    if (c->fd >= 0) { /* last words */
        struct message msg;
        uint32_t type;
        int fd;

        while (message_receive(c->fd, &type, &msg, &fd) > 0) {
            child_said(c, type, &msg, fd);
            if (fd >= 0)
                close(fd);
        }
    }
    c->gone = true;
    if (c->kind == CHILD_WORKER) {
        if (c->setup != NULL)
            upstream_set_forget(&c->setup->upstreams, c->slot);
        slot_release(m, c->slot);
    }
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
        resolver_reaped(m, pid, status);
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
    static const enum child_kind stores[] = {CHILD_RECORDER, CHILD_KEEPER,
                                             CHILD_DISPATCHER};
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
    for (size_t i = 0; i < ARRAY_COUNT(stores); i++) {
        if (children_find(m, stores[i]) == NULL)
            child_new(m, stores[i], NULL, &err);
    }
    children_spawn_setup(m, m->current, &err);
}

/* -- all of them -------------------------------------------------------------- */

/* kind 0: any that is of a setup. */
static bool
child_is_one_of(const struct child *c, enum child_kind kind,
                const struct setup *setup)
{
    return child_is_of_setup(c) && (kind == 0 || c->kind == kind) &&
           !c->gone && (setup == NULL || c->setup == setup);
}

void
children_send(struct master *m, enum child_kind kind,
              const struct setup *setup, enum message_type type, int passed_fd)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_one_of(c, kind, setup) || c->fd < 0)
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
children_send_listener(struct master *m, size_t which, int fd)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (!child_is_one_of(c, CHILD_WORKER, m->current) || c->fd < 0)
            continue;
        c->taking++;
        if (message_send(c->fd, MESSAGE_LISTENER, 0, (int)which, NULL, fd) < 0)
            kill(c->pid, SIGKILL);
    }
}

void
children_send_addresses(struct master *m, size_t upstream,
                        const char *addresses)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (child_is_one_of(c, CHILD_WORKER, m->current) && c->fd >= 0 &&
            message_send(c->fd, MESSAGE_ADDRESSES, 0, (int)upstream, addresses,
                         -1) < 0)
            kill(c->pid, SIGKILL);
    }
}

void
children_kill(struct master *m, enum child_kind kind,
              const struct setup *setup)
{
    for (struct child *c = m->children; c != NULL; c = c->next) {
        if (child_is_one_of(c, kind, setup))
            kill(c->pid, SIGKILL);
    }
}

bool
children_all_ready(const struct master *m, const struct setup *setup)
{
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (!c->gone && !c->ready &&
            (!child_is_of_setup(c) || c->setup == setup))
            return false;
    }
    return true;
}

size_t
children_count(const struct master *m, enum child_kind kind,
               const struct setup *setup)
{
    size_t count = 0;

    for (const struct child *c = m->children; c != NULL; c = c->next)
        count += child_is_one_of(c, kind, setup) && !c->draining;
    return count;
}

void
children_renew(struct master *m, enum child_kind kind)
{
    struct child *old = children_find(m, kind);
    struct error err = {0, ""};

    if (old != NULL) {
        old->draining = true; /* nobody wants it back */
        kill(old->pid, SIGKILL);
    }
    if (child_new(m, kind, NULL, &err) == NULL) {
        log_write(LOG_LEVEL_ERROR, "%s", err.text);
        m->respawn = true;
        m->respawn_ms = clock_monotonic_ms();
    }
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
        if (!child_is_one_of(c, CHILD_WORKER, NULL) || c->fd < 0)
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
        if (!child_is_one_of(c, CHILD_WORKER, NULL))
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
        if (c->kind == kind && !c->gone && !c->draining)
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
