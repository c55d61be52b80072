#include "tests/gateway/server/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
scene_init(struct scene *s)
{
    int fds[2];

    memset(s, 0, sizeof(*s));
    cr_assert(channel_pair(fds, NULL) == 0);
    s->recorder_fd = fds[1];
    s->uids[0] = geteuid();
    s->config.secure_host = "gw.example.com";
    s->config.page_max = 10;
    s->config_listener.name = "one";
    s->config_listener.channel_bindings = CHANNEL_BINDINGS_ALLOW;
    s->config_listener.minimum_level = AUTHN_LEVEL_CONNECT;
    s->config_listener.local_uids = s->uids;
    s->config_listener.local_user_count = 1;
    s->listener.config = &s->config_listener;
    s->boot.id = 7;
    s->boot.config = &s->config;
    s->boot.event_fd = fds[0];
    s->boot.access_fd = memfd_create("access", MFD_CLOEXEC);
    cr_assert(s->boot.access_fd >= 0);
    s->worker.boot = &s->boot;
    s->worker.counters = &s->counters;
    s->worker.events = event_sender_new(fds[0], s->boot.id);
    cr_assert(s->worker.events != NULL);
}

void
scene_request(struct scene *s, struct request *r)
{
    memset(r, 0, sizeof(*r));
    r->worker = &s->worker;
    r->listener = &s->listener;
    snprintf(r->id, sizeof(r->id), "%032d", 1);
    r->began_us = clock_now_us();
    r->declared = r->applied = AUTHN_LEVEL_NONE;
    r->reason = "undecided";
}

static void
handle_complete(struct rig *rig, struct http_request *h)
{
    struct scene *s = rig->arg;

    scene_request(s, &s->request);
    s->request.http = h;
    s->handle(s, &s->request);
    auth_result_fini(&s->request.auth);
}

/* The worker's own handlers in place of the rig's. */
static void
serve_steps(struct scene *s, const struct http_endpoint_options *options)
{
    struct http_handlers handlers = worker_handlers;
    struct error err;

    handlers.arg = &s->worker;
    http_endpoint_free(s->rig.ep);
    cr_assert(http_endpoint_new(options, &handlers, &s->rig.ep, &err) == 0,
              "%s", err.text);
    http_endpoint_set_context(s->rig.ep, &s->listener);
}

void
scene_serve(struct scene *s, enum rig_kind kind)
{
    struct http_endpoint_options options = {
        .name = "one",
        .need_peer_uid = true,
        .connections_max = 8,
        .idle_timeout_s = 30,
        .header_max = 32768,
        .body_max = 4096,
    };

    rig_open(&s->rig, kind, &options);
    options.listen_fd = s->rig.listen_fd;
    s->rig.arg = s;
    s->rig.on_complete = handle_complete;
    if (s->handle == NULL)
        serve_steps(s, &options);
}

void
scene_close(struct scene *s)
{
    if (s->rig.ep != NULL)
        rig_close(&s->rig);
    requests_free(&s->worker);
    event_sender_free(s->worker.events);
    buf_fini(&s->listener.secret);
    close(s->boot.event_fd);
    close(s->boot.access_fd);
    close(s->recorder_fd);
}

void
scene_ask(struct scene *s, const char *method, const char *target,
          const char *lines, struct reply *reply)
{
    struct buf text = BUF_INIT;
    int fd = rig_connect(&s->rig);
    bool answered;

    memset(reply, 0, sizeof(*reply));
    buf_addf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method,
             target, lines);
    rig_send(fd, buf_span(&text));
    answered = strcmp(method, "HEAD") == 0 ? rig_reply_head(&s->rig, fd, reply)
                                           : rig_reply(&s->rig, fd, reply);
    cr_assert(answered, "no answer to %s", text.data);
    close(fd);
    buf_fini(&text);
}

bool
scene_event(struct scene *s, struct event *out)
{
    if (channel_receive(s->recorder_fd, &s->message) != 1)
        return false;
    cr_assert(s->message.type == EVENT_MESSAGE);
    cr_assert(event_decode(s->message.body, s->message.length, out) == 0);
    return true;
}

char *
scene_access(struct scene *s)
{
    off_t size = lseek(s->boot.access_fd, 0, SEEK_END);
    char *text;

    cr_assert(size >= 0);
    text = calloc(1, (size_t)size + 1);
    cr_assert(text != NULL);
    cr_assert(pread(s->boot.access_fd, text, (size_t)size, 0) == size);
    cr_assert(ftruncate(s->boot.access_fd, 0) == 0);
    lseek(s->boot.access_fd, 0, SEEK_SET);
    return text;
}
