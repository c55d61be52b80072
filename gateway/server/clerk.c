/*
 * The clerk: gets the tickets that workers show to the servers of routes with
 * identity = negotiate, and gets others before they end.  It alone waits for
 * the KDC there, and it talks to nobody else; what it hands on is good at
 * those servers and nowhere else.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/auth/auth.h"
#include "gateway/server/credential.h"
#include "gateway/server/messages.h"
#include "gateway/server/stores.h"
#include "gateway/server/tickets.h"

#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS  60000
/* One that is not wanted any more, since a server refuses it: not sooner
 * after the last. */
#define RENEW_MS 5000
/* Between two times that the master is told of something: before the next
 * ticket is asked for, which may take long, and not faster than workers
 * read. */
#define TELL_MS 10

struct service {
    const char *name;
    struct buf ticket; /* empty: none */
    int64_t ends_us;
    char failure[ERROR_TEXT_MAX]; /* of the last attempt; "": it was good */
    unsigned failures;
    uint64_t tried_ms, due_ms;
};

struct clerk {
    const struct clerk_boot *boot;
    const char *principal; /* wanted, NULL: the keytab's first */
    struct client_credential *credential;
    struct service *services;
    const char **names;
    size_t count;
    bool untold; /* something has changed that the master does not know */
    uint64_t told_ms;
    bool draining;
};

/* -- telling ----------------------------------------------------------------- */

static int
tickets_file(const struct clerk *c, struct error *err)
{
    struct buf bytes = BUF_INIT;
    int fd = -1;

    for (size_t i = 0; i < c->count; i++) {
        const struct service *s = &c->services[i];
        const struct ticket_entry e = {
            .service = span_of(s->name),
            .ticket = {s->ticket.data, s->ticket.length},
            .failure = span_of(s->failure)};

        ticket_entry_add(&bytes, &e);
    }
    if (buf_failed(&bytes))
        error_set_errno(err, ENOMEM, "tickets");
    else
        fd = memory_file_new("nsgate", bytes.data, bytes.length, err);
    secret_fini(&bytes);
    return fd;
}

static void
clerk_tell(struct clerk *c)
{
    struct pollfd p = {.fd = c->boot->master_fd, .events = POLLOUT};
    struct error err = {0, ""};
    int fd = tickets_file(c, &err);

    c->told_ms = clock_monotonic_ms();
    c->untold = fd < 0; /* again, then */
    if (fd < 0) {
        log_write(LOG_LEVEL_ERROR, "tickets: %s", err.text);
        return;
    }
    while (message_send(c->boot->master_fd, MESSAGE_TICKETS, 0, 0, NULL, fd) <
               0 &&
           errno == EAGAIN)
        poll(&p, 1, -1);
    close(fd);
}

/* -- one ticket --------------------------------------------------------------- */

static uint64_t
retry_ms(unsigned failures)
{
    uint64_t wait = FIRST_RETRY_MS;

    while (--failures > 0 && wait < LAST_RETRY_MS)
        wait *= 2;
    return wait < LAST_RETRY_MS ? wait : LAST_RETRY_MS;
}

static void
service_failed(struct clerk *c, struct service *s, const struct error *err)
{
    bool news = strcmp(s->failure, err->text) != 0;

    s->due_ms = s->tried_ms + retry_ms(++s->failures);
    if (!news)
        return;
    snprintf(s->failure, sizeof(s->failure), "%s", err->text);
    log_write(LOG_LEVEL_WARNING, "no ticket: %s", err->text);
    c->untold = true;
}

/* The rest of its life is enough for some attempts at the next. */
static uint64_t
renewal_ms(const struct ticket_times *t)
{
    int64_t left_us = t->ends_us - clock_now_us();

    return left_us > 4 * FIRST_RETRY_MS * 1000
               ? (uint64_t)left_us / 1000 / 4 * 3
               : FIRST_RETRY_MS;
}

static void
service_try(struct clerk *c, struct service *s)
{
    struct buf ticket = BUF_INIT;
    struct ticket_times times;
    struct error err = {0, ""};
    int result = client_credential_ticket(c->credential, s->name, &ticket,
                                          &times, &err);

    s->tried_ms = clock_monotonic_ms();
    if (result < 0) {
        secret_fini(&ticket);
        service_failed(c, s, &err);
        return;
    }
    if (s->failures > 0)
        log_write(LOG_LEVEL_NOTICE, "there is a ticket for %s again", s->name);
    secret_fini(&s->ticket);
    s->ticket = ticket;
    s->ends_us = times.ends_us;
    s->failure[0] = '\0';
    s->failures = 0;
    s->due_ms = s->tried_ms + renewal_ms(&times);
    c->untold = true;
}

/* -- hearing ------------------------------------------------------------------ */

/* A worker has none that is good, or a server did not take it: its key may
 * have changed. */
static void
service_wanted(struct clerk *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++) {
        struct service *s = &c->services[i];
        uint64_t at =
            s->tried_ms + (s->failures > 0 ? FIRST_RETRY_MS : RENEW_MS);

        if (strcmp(s->name, name) == 0 && at < s->due_ms)
            s->due_ms = at;
    }
}

static void
clerk_take_keytab(struct clerk *c, int fd)
{
    struct client_credential *credential =
        credential_receive(c->boot->master_fd, fd, c->principal);

    if (credential == NULL)
        return;
    client_credential_free(c->credential);
    c->credential = credential;
    for (size_t i = 0; i < c->count; i++)
        c->services[i].due_ms = 0;
}

static bool
clerk_hear(struct clerk *c)
{
    struct message m;
    uint32_t type;
    int fd = -1, got;

    while ((got = message_receive(c->boot->master_fd, &type, &m, &fd)) > 0) {
        if (type == MESSAGE_DRAIN)
            c->draining = true;
        if (type == MESSAGE_TICKET_WANTED)
            service_wanted(c, m.text);
        if (type == MESSAGE_KEYTAB && fd >= 0)
            clerk_take_keytab(c, fd);
        if (fd >= 0)
            close(fd);
    }
    return got >= 0;
}

/* -- life ----------------------------------------------------------------------- */

static struct service *
service_next(const struct clerk *c)
{
    struct service *next = c->services;

    for (size_t i = 1; i < c->count; i++) {
        if (c->services[i].due_ms < next->due_ms)
            next = &c->services[i];
    }
    return next;
}

/* For how long there is nothing to do. */
static int
clerk_idle_ms(const struct clerk *c)
{
    uint64_t now = clock_monotonic_ms(),
             at = c->untold ? c->told_ms + TELL_MS : service_next(c)->due_ms;

    if (at <= now)
        return 0;
    return at - now < 3600000 ? (int)(at - now) : 3600000;
}

static void
clerk_run(struct clerk *c)
{
    struct pollfd p = {.fd = c->boot->master_fd, .events = POLLIN};

    while (!c->draining) {
        int ready = poll(&p, 1, clerk_idle_ms(c));

        if (ready > 0 && !clerk_hear(c))
            return;
        if (ready != 0 || clerk_idle_ms(c) > 0)
            continue;
        if (c->untold)
            clerk_tell(c);
        else
            service_try(c, service_next(c));
    }
}

static int
clerk_open(struct clerk *c, struct error *err)
{
    const struct clerk_boot *b = c->boot;

    signal(SIGPIPE, SIG_IGN);
    if (privileges_drop(&b->account, err) < 0)
        return -1;
    privileges_hide_memory();
    c->names = config_services(b->config, &c->count);
    c->services = calloc(c->count + 1, sizeof(*c->services));
    if (c->names == NULL || c->services == NULL)
        return error_set_errno(err, ENOMEM, "tickets");
    for (size_t i = 0; i < c->count; i++)
        c->services[i].name = c->names[i];
    if (client_credential_new(b->client_keytab_fd, c->principal,
                              &c->credential, err) < 0)
        return error_prefix(err, "%s", b->config->callback.client_keytab);
    return sandbox_clerk(err);
}

int
clerk_main(const struct clerk_boot *boot)
{
    struct clerk c = {.boot = boot,
                      .principal = boot->config->callback.client_principal};
    struct error err = {0, ""};
    int status = 0;

    if (clerk_open(&c, &err) < 0) {
        message_send(boot->master_fd, MESSAGE_FAILED, 0, -1, err.text, -1);
        status = 1;
    } else {
        message_send(boot->master_fd, MESSAGE_READY, 0, 0,
                     client_credential_principal(c.credential), -1);
        clerk_run(&c);
    }
    for (size_t i = 0; c.services != NULL && i < c.count; i++)
        secret_fini(&c.services[i].ticket);
    free(c.services);
    free(c.names);
    client_credential_free(c.credential);
    return status;
}
