#ifndef TESTS_GATEWAY_SERVER_SCENE_H
#define TESTS_GATEWAY_SERVER_SCENE_H

#include "gateway/server/request.h"
#include "tests/gateway/http/rig.h"
#include "tests/support/support.h"

/*
 * A worker's surroundings in the test's own process: one listener on a real
 * endpoint, a channel in the recorder's place, an access log in memory.  No
 * acceptor: whoever gets as far as authentication brings no token and is
 * answered 401, and the event of that tells what was found out before.
 *
 *     struct scene s;
 *     scene_init(&s);
 *     s.config_listener.channel = ...
 *     scene_serve(&s, RIG_TCP);
 *     scene_ask(&s, "GET", "/cim/root", "X-A: b\r\n", &reply);
 *     scene_event(&s, &event);
 *     scene_close(&s);
 *
 * Or with `handle`: it is given a fresh request instead of the steps, and
 * answers it.
 */
struct scene {
    struct rig rig;
    struct config config;
    struct config_listener config_listener;
    struct listener listener;
    struct worker_boot boot;
    struct worker worker;
    struct worker_counters counters;
    struct request request; /* of handle */
    void (*handle)(struct scene *, struct request *);
    uint32_t uids[1]; /* local_uids: the test's own */
    int recorder_fd;
    struct channel_message message; /* the last event's bytes */
};

void scene_init(struct scene *s);
void scene_serve(struct scene *s, enum rig_kind kind);
void scene_close(struct scene *s);
/* One request on a connection of its own; lines end in CR LF each. */
void scene_ask(struct scene *s, const char *method, const char *target,
               const char *lines, struct reply *reply);
/* The next event; false: there is none.  Its fields live until the next. */
bool scene_event(struct scene *s, struct event *out);
/* What the access log got since the last call. malloc'ed. */
char *scene_access(struct scene *s);
/* A request such as the steps make, without an endpoint behind it. */
void scene_request(struct scene *s, struct request *r);

#endif
