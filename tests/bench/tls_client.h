#ifndef TESTS_BENCH_TLS_CLIENT_H
#define TESTS_BENCH_TLS_CLIENT_H

#include <netinet/in.h>

/* The client of bench_tls: TLS 1.3, any certificate, requests whose answer is
 * 200 with this body. */
#define TLS_CLIENT_BODY        "hello\n"
#define TLS_CLIENT_CONNECTIONS 32

void tls_client_init(void);
/* So many requests, one at a time on each of TLS_CLIENT_CONNECTIONS. */
void tls_client_keep_alive(const struct sockaddr_in *to, unsigned requests);
/* So many connections one after another, each with one request. */
void tls_client_connections(const struct sockaddr_in *to, unsigned count);

#endif
