#ifndef TESTS_GATEWAY_HTTP_RIG_H
#define TESTS_GATEWAY_HTTP_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http/http.h"

/*
 * An endpoint in the test's own process, and clients that are plain sockets.
 * Whoever waits for a client's bytes turns the endpoint's crank meanwhile, so
 * that there is one thread and no chance.
 *
 *     struct rig rig;
 *     rig_open(&rig, RIG_TCP, NULL);
 *     int fd = rig_connect(&rig);
 *     rig_send(fd, SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
 *     rig_reply(&rig, fd, &reply);       one whole answer, or false: closed
 *     rig_close(&rig);
 */

enum rig_kind { RIG_TCP, RIG_TCP6, RIG_UNIX };

struct rig_finish {
    int status;
    uint64_t bytes;
    bool completed;
};

struct rig {
    struct http_endpoint *ep;
    enum rig_kind kind;
    int listen_fd;
    struct sockaddr_storage address;
    socklen_t address_length;
    /* The handler's part: NULL answers 200 with method and target. */
    void (*on_begin)(struct rig *, struct http_request *);
    void (*on_complete)(struct rig *, struct http_request *);
    void (*on_finished)(struct rig *, struct http_request *);
    void *arg;
    struct http_request *held;
    unsigned begun, completed, finished, refused;
    int refused_status;
    const char *refused_reason;
    struct http_peer peer; /* of the last request or refusal */
    struct buf seen;       /* "GET /a;" of each request */
    struct rig_finish last;
};

/* What a test wants otherwise: zero members are left at their defaults. */
void rig_open(struct rig *rig, enum rig_kind kind,
              const struct http_endpoint_options *but);
void rig_close(struct rig *rig);
int rig_connect(struct rig *rig); /* non-blocking */
void rig_send(int fd, struct span bytes);
/* One turn: whatever is ready, waiting for it at most wait_ms. */
void rig_turn(struct rig *rig, int client_fd, int wait_ms);
/* Turns until condition holds; fails the test after some seconds. */
#define rig_until(rig, condition)                                             \
    do {                                                                      \
        for (int turns_ = 0; !(condition); turns_++) {                        \
            cr_assert_lt(turns_, 500, "never came true: %s", #condition);     \
            rig_turn(rig, -1, 10);                                            \
        }                                                                     \
    } while (0)

struct reply {
    int status;
    char head[4096]; /* status line and headers */
    char body[65536];
    size_t body_length;
    bool closed;       /* the connection ended instead */
    char ahead[65536]; /* bytes behind this reply, kept for the next */
    size_t ahead_length;
};

/* The next answer; false if the connection was closed before it.  reply is
 * zeroed before the first and then kept for one connection. */
bool rig_reply(struct rig *rig, int fd, struct reply *reply);
/* The same for an answer to HEAD. */
bool rig_reply_head(struct rig *rig, int fd, struct reply *reply);
/* True once the server has closed, with nothing more to read. */
bool rig_closed(struct rig *rig, int fd, const struct reply *reply);
/* True once the server has closed, whatever it sent before. */
bool rig_ends(struct rig *rig, int fd);
/* "value" of a header in reply's head, NULL if absent; a static buffer. */
const char *reply_header(const struct reply *reply, const char *name);

void rig_answer(struct http_request *r, int status, const char *body);

#endif
