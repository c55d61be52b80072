#ifndef GATEWAY_SERVER_LISTENER_H
#define GATEWAY_SERVER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "gateway/auth/auth.h"
#include "gateway/config/config.h"
#include "policy/base/base.h"

/*
 * The listening sockets with what belongs to each: certificate, key, secret,
 * channel binding.  Made by the master, inherited by the workers.
 */
enum listener_file {
    LISTENER_CERTIFICATE = 0,
    LISTENER_KEY,
    LISTENER_PROXY_CERTIFICATE,
    LISTENER_SECRET,
    LISTENER_FILES,
};

struct listener {
    const struct config_listener *config;
    int fd;
    bool passed; /* by the service manager: a socket file stays its own */
    char address[160]; /* as bound: "127.0.0.1:40123", "unix:/path" */
    uint16_t port;     /* as bound; 0: Unix */
    struct buf certificate, key; /* PEM */
    struct buf secret;
    struct channel_binding binding; /* of the certificate in its file: what a
                                       proxy's clients see; a TLS session of
                                       our own is asked itself */

    /* the master's: */
    struct stat seen[LISTENER_FILES]; /* what was read last */
    uint64_t unfit_ms; /* since when they cannot be used; 0: they can */
    bool told;         /* that they cannot */
    bool handed_on;    /* changed ones, to workers that have not answered */
};

struct listener_set {
    size_t count;
    struct listener *items;
};

/*
 * Binds what `config` names, not listening yet.  A socket of `previous` (may
 * be NULL) with the same name and address is shared instead; one that the
 * service manager passed under the listener's name is taken.  On failure
 * nothing stays bound.
 */
int listener_set_open(const struct config *config,
                      const struct listener_set *previous,
                      struct listener_set *out, struct error *err);
/* From here on they answer, and socket files have the owner and mode that
 * this configuration says, whatever an earlier one said. */
int listener_set_listen(const struct listener_set *set, struct error *err);
/* Closes the descriptors and wipes keys; socket files are removed unless
 * `successor` (may be NULL) has them, or keep_files. */
void listener_set_close(struct listener_set *set,
                        const struct listener_set *successor, bool keep_files);
/* In a process that serves none of them: keys and secrets are wiped. */
void listener_set_forget(struct listener_set *set);
/* The port of the first TLS listener that clients reach directly; 0: none. */
uint16_t listener_set_tls_port(const struct listener_set *set);

/* -- files (listener_files.c) ---------------------------------------------- */

/* Reads them; on failure, blamed on its key, l is what it was. */
int listener_files_load(struct listener *l, struct error *err);
/*
 * Looks whether they have changed.  1: l has new ones.  0: there is nothing
 * new.  -1: they cannot be used, and l is what it was; said once, when they
 * have stayed as they are for a while: certificate and key are replaced one
 * after the other, and need not be written at once.
 */
int listener_files_look(struct listener *l, uint64_t now_ms,
                        struct error *err);
/* What was read, for workers that run: a memory file, or -1. */
int listener_files_pack(const struct listener *l, struct error *err);
/* fd stays the caller's; on failure l is what it was. */
int listener_files_unpack(struct listener *l, int fd, struct error *err);
/* What was read for `from` is l's. */
void listener_files_move(struct listener *l, struct listener *from);
/* Wipes and frees. */
void listener_files_fini(struct listener *l);

#endif
