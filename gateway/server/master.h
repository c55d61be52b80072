#ifndef GATEWAY_SERVER_MASTER_H
#define GATEWAY_SERVER_MASTER_H

#include "gateway/event/event.h"
#include "gateway/server/messages.h"
#include "gateway/server/resolver.h"
#include "gateway/server/setup.h"
#include "gateway/server/worker.h"

/*
 * The master: binds, reads keytab and keys, keeps the other processes alive,
 * answers the control socket.  It parses nothing that a client sent.
 */

struct master;

struct child {
    struct child *next;
    struct master *master;
    enum child_kind kind;
    pid_t pid;
    int fd; /* channel to it; -1: closed */
    /* workers, couriers, clerk; NULL: of one that is gone */
    const struct setup *setup;
    int id;
    size_t slot;      /* workers */
    int source_fd;    /* the recorder's end of its events, kept for the next
                      recorder; -1: none */
    int operation_fd; /* the dispatcher's end of its operations, likewise */
    bool ready, started, draining, gone;
    unsigned taking;      /* changed files of listeners, not answered */
    uint64_t generation;  /* last told */
    uint64_t deadline_ms; /* of an answer to ACTIVATE; 0: none awaited */
    uint64_t born_ms;
};

/* A keytab that has changed, on its way to those that use it. */
struct key_change {
    int next;                  /* given to them, not confirmed; -1: none */
    char text[ERROR_TEXT_MAX]; /* what is in use */
};

struct client;

enum master_phase {
    MASTER_STARTING = 0,
    MASTER_RUNNING,
    MASTER_STOPPING, /* workers drain */
    MASTER_ENDING,   /* the stores end */
};

struct master {
    struct loop *loop;
    enum master_phase phase;
    struct setup *current;
    struct setup *next; /* a reload at work, NULL: none */
    struct child *children;
    struct worker_counters *slots;
    struct revoked *revoked;
    bool slot_taken[WORKER_SLOTS];
    int next_id;
    const char *notify; /* for the service manager; NULL: it has it */
    int control_fd;
    struct client *clients;
    int own_source_fd; /* the recorder's end of the master's events */
    int event_fd;
    struct event_sender *events;
    struct key_change keytab, client_keytab;
    struct resolver resolver;
    uint64_t started_ms, phase_ms;
    unsigned quick_deaths;
    uint64_t respawn_ms; /* not before */
    bool respawn;
    char policy_text[ERROR_TEXT_MAX]; /* why there is none; "": there is */
    int status;
    struct error error; /* of a failed start */
};

/* -- master.c -- */
void master_event(struct master *m, enum event_id id, const char *detail);
/* A worker or a store has become ready, or is gone. */
void master_progress(struct master *m);
void master_fail(struct master *m, const char *text);
/* Begins a reload; the clients that wait are answered when it is over. */
int master_reload(struct master *m, struct error *err);

/* -- watch.c: what changes while the gateway runs -- */
void master_watch(void *master);
/* Whether workers have taken what listeners were given is told. */
void listeners_settle(struct master *m);
void keytab_answered(struct master *m, const struct child *c,
                     const struct message *msg);
void listener_answered(struct master *m, struct child *c,
                       const struct message *msg);
/* From the clerk, to the workers of its setup; fd stays the caller's. */
void tickets_take(struct master *m, const struct child *clerk, int fd);
/* What there is, to a worker that has just begun. */
void tickets_give(struct master *m, const struct child *worker);
/* From a worker, to the clerk of its setup. */
void ticket_want(struct master *m, const struct child *worker,
                 const char *service);

/* -- child.c -- */
int children_spawn_stores(struct master *m, struct error *err);
/* Workers, couriers and the clerk, as many as are missing. */
int children_spawn_setup(struct master *m, const struct setup *setup,
                         struct error *err);
/* Keys of listeners are for workers, and theirs only; of: NULL: of none. */
void secrets_forget(struct master *m, const struct child *of);
struct child *child_new(struct master *m, enum child_kind kind,
                        const struct setup *setup, struct error *err);
void child_close(struct child *c);
void slot_release(struct master *m, size_t slot);
const char *child_kind_name(enum child_kind kind);
/* Whether there is one for each configuration, and not one for all. */
bool child_is_of_setup(const struct child *c);

/* -- children.c -- */
void child_ready(void *arg, uint32_t events);
void children_reap(struct master *m);
void children_tick(struct master *m);
/* Of one kind (0: all that are of a setup) and one setup (NULL: any). */
void children_send(struct master *m, enum child_kind kind,
                   const struct setup *setup, enum message_type type,
                   int passed_fd);
/* The files of the current setup's listener `which`, to its workers. */
void children_send_listener(struct master *m, size_t which, int fd);
/* Where the current setup's upstream is, to its workers. */
void children_send_addresses(struct master *m, size_t upstream,
                             const char *addresses);
void children_kill(struct master *m, enum child_kind kind,
                   const struct setup *setup);
bool children_all_ready(const struct master *m, const struct setup *setup);
size_t children_count(const struct master *m, enum child_kind kind,
                      const struct setup *setup);
/* Another in the place of a store that is good at being killed: it takes the
 * limits of the new configuration along. */
void children_renew(struct master *m, enum child_kind kind);
/* The old ones of a setup that goes away. */
void children_orphan(struct master *m, const struct setup *setup);
/* All workers map the image anew; each must answer in time. */
void children_activate(struct master *m);
/* The lowest generation any serving worker decides by, and whether each has
 * answered. */
uint64_t children_generation(const struct master *m, bool *settled_out);
struct child *children_find(const struct master *m, enum child_kind kind);
void children_free(struct master *m);

/* -- control.c -- */
int control_open(struct master *m, struct error *err);
void control_close(struct master *m);
/* Looks whether a waiting client can be answered. */
void control_settle(struct master *m);
void control_reload_done(struct master *m, const char *error);

#endif
