#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/server/master.h"

/* -- keytabs ----------------------------------------------------------------- */

/* A changed keytab goes to those that use it; until one has taken it, and if
 * none can, the old one stays (threat 36). */
static void
key_file_look(struct master *m, struct key_file *k, const char *path,
              struct key_change *change, enum child_kind users)
{
    struct error err = {0, ""};
    int fd;

    if (k->fd < 0 || change->next >= 0 || !file_changed(path, &k->seen))
        return;
    fd = memory_file_read(path, KEYTAB_BYTES_MAX, &err);
    if (fd < 0) {
        master_event(m, EVENT_KEYTAB_FAILED, err.text);
        return;
    }
    change->next = fd;
    children_send(m, users, m->current, MESSAGE_KEYTAB, fd);
    if (users == CHILD_COURIER)
        children_send(m, CHILD_CLERK, m->current, MESSAGE_KEYTAB, fd);
}

/* Of the workers for the acceptor's keys, of couriers and clerk for the
 * client's; the first to answer speaks for all. */
void
keytab_answered(struct master *m, const struct child *c,
                const struct message *msg)
{
    bool client = c->kind != CHILD_WORKER;
    struct key_change *change = client ? &m->client_keytab : &m->keytab;
    struct key_file *file =
        client ? &m->current->client_keytab : &m->current->keytab;

    if (c->setup != m->current || change->next < 0)
        return;
    master_event(m,
                 msg->result < 0 ? EVENT_KEYTAB_FAILED : EVENT_KEYTAB_CHANGED,
                 msg->text);
    if (msg->result < 0) {
        close(change->next);
    } else {
        close(file->fd);
        file->fd = change->next;
        snprintf(change->text, sizeof(change->text), "%s", msg->text);
    }
    change->next = -1;
}

/* -- certificates and secrets of listeners ----------------------------------- */

static void
listener_event(struct master *m, enum event_id id, const struct listener *l,
               const char *detail)
{
    struct event e = {.id = id, .time_us = clock_now_us(), .worker = -1};

    e.fields[EVENT_FIELD_LISTENER] = span_of(l->config->name);
    e.fields[EVENT_FIELD_DETAIL] = span_of(detail);
    event_send(m->events, &e);
}

/* The master has them at once, so that a worker which begins now has them
 * too; those that run are told. */
static void
listener_look(struct master *m, size_t which)
{
    struct listener *l = &m->current->listeners.items[which];
    struct error err = {0, ""};
    int fd, result = listener_files_look(l, clock_monotonic_ms(), &err);

    if (result < 0)
        listener_event(m, EVENT_CERTIFICATE_FAILED, l, err.text);
    if (result <= 0)
        return;
    fd = listener_files_pack(l, &err);
    if (fd < 0) {
        listener_event(m, EVENT_CERTIFICATE_FAILED, l, err.text);
        memset(l->seen, 0, sizeof(l->seen)); /* again */
        return;
    }
    children_send_listener(m, which, fd);
    close(fd);
    l->handed_on = true;
}

void
listener_answered(struct master *m, struct child *c, const struct message *msg)
{
    if (c->taking > 0)
        c->taking--;
    if (msg->result < 0 && c->setup == m->current) {
        log_write(LOG_LEVEL_ERROR, "worker %d keeps an old certificate: %s",
                  c->id, msg->text);
        kill(c->pid, SIGKILL); /* its successor begins with the new one */
    }
    listeners_settle(m);
}

static const char *
listener_file_name(const struct config_listener *c)
{
    if (c->tls_certificate != NULL)
        return c->tls_certificate;
    return c->proxy_tls_certificate != NULL ? c->proxy_tls_certificate
                                            : c->secret_file;
}

void
listeners_settle(struct master *m)
{
    struct listener_set *set = &m->current->listeners;

    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (c->setup == m->current && !c->gone && c->taking > 0)
            return;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct listener *l = &set->items[i];

        if (l->handed_on)
            listener_event(m, EVENT_CERTIFICATE_CHANGED, l,
                           listener_file_name(l->config));
        l->handed_on = false;
    }
}

/* -- tickets for upstreams ----------------------------------------------------- */

static struct setup *
setup_of(struct master *m, const struct child *c)
{
    if (c->setup == NULL)
        return NULL;
    return c->setup == m->current ? m->current
           : c->setup == m->next  ? m->next
                                  : NULL;
}

void
tickets_take(struct master *m, const struct child *clerk, int fd)
{
    struct setup *s = setup_of(m, clerk);

    if (s == NULL || fd < 0)
        return;
    if (s->tickets_fd >= 0)
        close(s->tickets_fd);
    s->tickets_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (c->setup == s && c->ready && !c->gone)
            tickets_give(m, c);
    }
}

void
tickets_give(struct master *m, const struct child *worker)
{
    const struct setup *s = setup_of(m, worker);

    if (worker->kind == CHILD_WORKER && worker->fd >= 0 && s != NULL &&
        s->tickets_fd >= 0 &&
        message_send(worker->fd, MESSAGE_TICKETS, 0, 0, NULL, s->tickets_fd) <
            0)
        kill(worker->pid, SIGKILL); /* it does not read any more */
}

void
ticket_want(struct master *m, const struct child *worker, const char *service)
{
    for (const struct child *c = m->children; c != NULL; c = c->next) {
        if (c->kind == CHILD_CLERK && !c->gone && c->fd >= 0 &&
            worker->setup != NULL && c->setup == worker->setup)
            message_send(c->fd, MESSAGE_TICKET_WANTED, 0, 0, service, -1);
    }
}

/* -- all of them -------------------------------------------------------------- */

void
master_watch(void *master)
{
    struct master *m = master;
    struct setup *s = m->current;

    if (m->phase != MASTER_RUNNING)
        return;
    key_file_look(m, &s->keytab, s->config->keytab, &m->keytab, CHILD_WORKER);
    key_file_look(m, &s->client_keytab, s->config->callback.client_keytab,
                  &m->client_keytab, CHILD_COURIER);
    for (size_t i = 0; i < s->listeners.count; i++)
        listener_look(m, i);
}
