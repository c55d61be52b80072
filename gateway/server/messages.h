#ifndef GATEWAY_SERVER_MESSAGES_H
#define GATEWAY_SERVER_MESSAGES_H

#include <stdint.h>

#include "policy/base/base.h"

/*
 * What master and children say to one another over a channel: one body of
 * one size for all types, so that the master parses nothing (events, which a
 * worker sends to the recorder, are event.h's).
 */
enum message_type {
    /* child to master */
    MESSAGE_READY = 1,     /* worker: may be started; text: its keys */
    MESSAGE_FAILED,        /* text; it exits */
    MESSAGE_ACTIVE,        /* generation it decides by; result < 0: none, text;
                           1: found by itself, no answer to ACTIVATE */
    MESSAGE_KEYTAB_SET,    /* result, text */
    MESSAGE_LISTENER_SET,  /* result, text */
    MESSAGE_POLICY,        /* keeper: generation of the image, result, text */
    MESSAGE_TICKETS,       /* clerk: fd of the tickets (tickets.h); the master
                             hands it to the workers */
    MESSAGE_TICKET_WANTED, /* worker: text: of which service; the master hands
                              it to the clerk */
    MESSAGE_FOUND,         /* resolver: which upstream, text: its addresses */
    MESSAGE_NOT_FOUND,     /* resolver: which upstream, text: why */

    /* master to child */
    MESSAGE_START = 32, /* worker: accept connections */
    MESSAGE_DRAIN,      /* worker, courier: finish what is there and exit */
    MESSAGE_ACTIVATE,   /* worker: map the image anew, say ACTIVE */
    MESSAGE_KEYTAB,     /* worker: fd of the new keytab */
    MESSAGE_LISTENER,   /* worker: fd of the changed files of a listener,
                           result: which */
    MESSAGE_REBUILD,    /* keeper: image from repository if that is newer;
                           result 1: even if the image is missing or bad */
    MESSAGE_SOURCE,     /* recorder, dispatcher: fd, one more channel; result:
                           enum source_kind; generation: the worker's id and
                           one, 0: no worker */
    MESSAGE_ADDRESSES,  /* worker: result: which upstream, text: where it is
                           from now on */
};

enum source_kind {
    SOURCE_EVENTS = 0,
    SOURCE_WORKER,
    SOURCE_COURIER,
};

struct message {
    uint64_t generation;
    int32_t result;
    char text[ERROR_TEXT_MAX];
};

/* 0, or -1 with errno as channel_send. text may be NULL. */
int message_send(int fd, enum message_type type, uint64_t generation,
                 int result, const char *text, int passed_fd);
/* 1 a message (its fd, -1: none, is the caller's), 0 none there, -1 gone or
 * not one of ours. */
int message_receive(int fd, uint32_t *type_out, struct message *message_out,
                    int *fd_out);

#endif
