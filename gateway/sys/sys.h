#ifndef GATEWAY_SYS_SYS_H
#define GATEWAY_SYS_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "policy/base/base.h"

/*
 * What the processes of the gateway stand on: the log, the event loop, the
 * messages between processes, privileges and the sandbox.
 */

/* -- log ---------------------------------------------------------------- */

enum log_level {
    LOG_LEVEL_ERROR = 3, /* syslog's numbers: sd-daemon(3) prefixes */
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

/* who is the process: "master", "worker 2". Lines below max are dropped.
 * One write(2) a line to stderr; "<N>" in front when the journal reads it
 * (JOURNAL_STREAM).  Never blocks on a service. */
void log_open(const char *who, enum log_level max);
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -- loop --------------------------------------------------------------- */

/* One epoll set, its handlers and timers; one thread. */
struct loop;

struct loop *loop_new(struct error *err);
void loop_free(struct loop *l); /* descriptors stay open */
/* events: EPOLLIN, EPOLLEXCLUSIVE, ...  The handler may remove any
 * descriptor, its own included. */
int loop_add(struct loop *l, int fd, uint32_t events,
             void (*ready)(void *arg, uint32_t events), void *arg,
             struct error *err);
/* Other events for a descriptor that was added; costs nothing if they are
 * the same. */
int loop_change(struct loop *l, int fd, uint32_t events, struct error *err);
void loop_remove(struct loop *l, int fd);
/* Called every interval_ms until it is removed by loop_every_stop. */
struct loop_timer;
struct loop_timer *loop_every(struct loop *l, uint32_t interval_ms,
                              void (*due)(void *arg), void *arg);
void loop_every_stop(struct loop *l, struct loop_timer *timer);
/* Asked before each wait for how long it may last at most, in ms, -1 for no
 * limit; and called after each round of handlers. */
void loop_before_wait(struct loop *l, int (*timeout_ms)(void *arg), void *arg);
/* signals: 0-terminated; they are blocked and read from a descriptor. */
int loop_signals(struct loop *l, const int *signals,
                 void (*caught)(void *arg, int signal), void *arg,
                 struct error *err);
int loop_run(struct loop *l, struct error *err); /* until loop_stop */
void loop_stop(struct loop *l);

/* -- channel: messages between our own processes ------------------------- */

/*
 * A SOCK_SEQPACKET pair: a message arrives whole or not at all.  At most
 * CHANNEL_BODY_MAX bytes and one descriptor.  Never blocks.
 */
#define CHANNEL_BODY_MAX 8192

struct channel_message {
    uint32_t type; /* of the users' enum; 0 is refused */
    uint32_t length;
    int fd; /* received: owned by the receiver; -1: none */
    char body[CHANNEL_BODY_MAX];
};

int channel_pair(int fds_out[2], struct error *err);
/* 0; -1 with errno EAGAIN when the peer does not keep up, another errno
 * when it is gone. fd -1: none; it stays the caller's. */
int channel_send(int fd, uint32_t type, const void *body, size_t length,
                 int passed_fd);
/* 1 a message, 0 none there now, -1 the peer is gone or broke the rules. */
int channel_receive(int fd, struct channel_message *message_out);

/* -- control: the master's own socket ------------------------------------ */

/*
 * runtime_dir/control.sock, SOCK_SEQPACKET, 0600.  A request is one packet
 * of text ("status", "reload", "compile", "activate 17"); the answer is one
 * packet, '+' and a JSON object or '-' and a line for people.  A client talks
 * to a master that is root's or its own only.
 */
#define CONTROL_SOCKET      "control.sock"
#define CONTROL_REQUEST_MAX 256
#define CONTROL_REPLY_MAX   65536

/* A connection, or -1; err->code -ENOENT or -ECONNREFUSED: no gateway is
 * running. */
int control_connect(const char *runtime_dir, struct error *err);
/* reply: the JSON text. -1: the master said no (its words in err), is silent
 * for timeout_ms, or is gone. */
int control_call(int fd, const char *request, unsigned timeout_ms,
                 struct buf *reply, struct error *err);
/* The master's end: a bound, listening socket.  A stale socket file is
 * replaced; one that answers is "address in use". */
int control_listen(const char *runtime_dir, struct error *err);

/* -- privileges --------------------------------------------------------- */

struct account {
    uid_t uid;
    gid_t gid;
    char name[64];
};

int account_find(const char *name, struct account *out, struct error *err);
/* All of setgroups, setgid, setuid for good, and no new privileges; checks
 * that there is no way back.  When not root: only succeeds for oneself. */
int privileges_drop(const struct account *to, struct error *err);
/* Keep only what the master needs (capabilities(7)) as root. */
int privileges_keep_master(struct error *err);
/* Not dumpable, no core with keys in it. */
void privileges_hide_memory(void);

/* -- heap ---------------------------------------------------------------- */

/* Of what requests take and give back again and again a MiB stays: getting it
 * from the kernel anew each time costs more than a request's own work. */
void heap_keep(void);

/* Allow-list of system calls; refused ones answer EPERM and exec kills. A
 * no-op in builds with sanitizers, whose runtimes need more. */
int sandbox_worker(struct error *err);
int sandbox_forwarding_worker(struct error *err); /* it may connect, too */
int sandbox_store(struct error *err); /* recorder, keeper, dispatcher */
int sandbox_courier(struct error *err);
int sandbox_clerk(struct error *err);

/* -- files and service manager ------------------------------------------ */

/* Appends the bytes of path, a regular file of at most max bytes; NUL
 * behind them. */
int file_read(const char *path, size_t max, struct buf *out,
              struct error *err);
/* Whether path is another file than *seen or was written since, which then
 * is what it is now; all zero while it is not there. */
bool file_changed(const char *path, struct stat *seen);
/* Appends what is in fd, a regular file of at most max bytes, wherever its
 * offset is; NUL behind them. */
int file_read_fd(int fd, size_t max, struct buf *out, struct error *err);
/* Wipes, then frees. */
void secret_fini(struct buf *b);
/* A sealed, close-on-exec memory file with the bytes of path (a regular
 * file of at most max bytes), rewound; the descriptor or -1. */
int memory_file_read(const char *path, size_t max, struct error *err);
int memory_file_new(const char *name, const void *bytes, size_t length,
                    struct error *err);

/* Closes all descriptors above standard error but these; -1 stands for none.
 * Sorts keep. */
void descriptors_keep(int *keep, size_t count);
/* As many as the hard limit allows. */
void descriptors_raise(void);

/* "READY=1" and the like to $NOTIFY_SOCKET; nothing happens without one.
 * False: the manager does not keep up; try again later.  Never blocks. */
bool service_notify(const char *state);
/* Half of WATCHDOG_USEC in ms, 0 when the manager asks for none. */
uint32_t service_watchdog_ms(void);
/* A duplicate of the listening socket passed under this name
 * (sd_listen_fds_with_names(3), FileDescriptorName=); -1: none. */
int service_socket(const char *name);

#endif
