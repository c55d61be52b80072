#ifndef GATEWAY_HTTP_PEER_H
#define GATEWAY_HTTP_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "gateway/http/http.h"

/* A descriptor for peer_read's questions to the kernel about loopback TCP
 * (sock_diag(7)); -1 if that is not to be had: then /proc/net is read. */
int peer_diag_open(void);

/*
 * Who is at the other end of the accepted socket fd.  The uid of a Unix peer
 * is what it was at connect(2) (SO_PEERCRED); that of a loopback TCP peer,
 * asked for only with need_uid, is its socket's owner now.
 */
void peer_read(struct http_peer *out, int fd,
               const struct sockaddr_storage *address, bool need_uid,
               int diag_fd);

#endif
