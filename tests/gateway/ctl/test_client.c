#include "gateway/ctl/client.h"
#include "tests/support/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(client);

/* A server of one connection in a child: reads a request, writes `answer`,
 * then sends what it read to the parent by a pipe. */
struct server {
    pid_t pid;
    int listen_fd, pipe_fd;
    uint16_t port;
};

static void
serve_once(int listen_fd, int pipe_fd, const char *answer)
{
    char request[8192];
    size_t length = 0;
    int fd = accept(listen_fd, NULL, NULL);

    while (length < sizeof(request) - 1) {
        ssize_t n = read(fd, request + length, sizeof(request) - 1 - length);

        if (n <= 0)
            break;
        length += (size_t)n;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    if (write(fd, answer, strlen(answer)) < 0 ||
        write(pipe_fd, request, length) < 0)
        _exit(1);
    shutdown(fd, SHUT_WR);
    _exit(0);
}

static void
server_fork(struct server *s, const char *answer)
{
    int ends[2];

    cr_assert_eq(listen(s->listen_fd, 1), 0);
    cr_assert_eq(pipe(ends), 0);
    s->pid = fork();
    cr_assert_geq(s->pid, 0);
    if (s->pid == 0)
        serve_once(s->listen_fd, ends[1], answer);
    close(ends[1]);
    s->pipe_fd = ends[0];
}

static struct server
server_tcp(const char *answer)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof(a);
    struct server s;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s.listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(s.listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(getsockname(s.listen_fd, (struct sockaddr *)&a, &size), 0);
    s.port = ntohs(a.sin_port);
    server_fork(&s, answer);
    return s;
}

/* What the client sent. */
static void
server_end(struct server *s, char request[8192])
{
    size_t length = 0;
    ssize_t n;

    while ((n = read(s->pipe_fd, request + length, 8191 - length)) > 0)
        length += (size_t)n;
    request[length] = '\0';
    close(s->pipe_fd);
    close(s->listen_fd);
    waitpid(s->pid, NULL, 0);
}

static char url_text[64];

static struct client_request
get(const struct server *s)
{
    snprintf(url_text, sizeof(url_text), "http://127.0.0.1:%u/a/../b",
             s->port);
    return (struct client_request){
        .url = url_text, .method = "GET", .timeout_ms = 5000};
}

Test(client, takes_host_and_scheme_from_a_url)
{
    static const struct {
        const char *url, *host;
        bool tls;
    } rows[] = {
        {"http://localhost/x", "localhost", false},
        {"https://gw.example.com:8443/", "gw.example.com", true},
        {"HTTPS://[::1]:8443/cim", "::1", true},
        {"ftp://gw/", NULL, false},
        {"gw.example.com", NULL, false},
        {"file:///etc/passwd", NULL, false},
        {"", NULL, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char host[256];
        bool tls = false;
        int result =
            client_url_parse(rows[i].url, host, sizeof(host), &tls, NULL);

        cr_assert_eq(result == 0, rows[i].host != NULL, "%s", rows[i].url);
        if (rows[i].host == NULL)
            continue;
        cr_assert_str_eq(host, rows[i].host);
        cr_assert_eq(tls, rows[i].tls);
    }
}

Test(client, gives_status_headers_and_body)
{
    struct server s = server_tcp("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                                 "HTTP/1.1 403 No\r\nX-A: 1\r\nx-a:  2 \r\n"
                                 "Content-Length: 3\r\n\r\nabc");
    struct client_request request = get(&s);
    struct client_response r;
    struct error err = {0, ""};
    char sent[8192];

    cr_assert_eq(client_send(&request, &r, &err), 0, "%s", err.text);
    server_end(&s, sent);
    cr_assert_eq(r.status, 403);
    cr_assert_eq(r.header_count, 3);
    cr_assert_null(client_header(&r, "x-early"));
    cr_assert_str_eq(client_header(&r, "x-a"), "1");
    cr_assert_str_eq(r.headers[1].value, "2");
    assert_span(buf_span(&r.body), "abc");
    cr_assert_eq(r.certificate.length, 0);
    client_response_fini(&r);
}

Test(client, follows_no_redirect)
{
    struct server s = server_tcp("HTTP/1.1 302 Found\r\nLocation: "
                                 "http://127.0.0.1:1/\r\n"
                                 "Content-Length: 0\r\n\r\n");
    struct client_request request = get(&s);
    struct client_response r;
    char sent[8192];

    cr_assert_eq(client_send(&request, &r, NULL), 0);
    server_end(&s, sent);
    cr_assert_eq(r.status, 302);
    client_response_fini(&r);
}

Test(client, sends_exactly_what_it_was_given)
{
    static const char *const headers[] = {"Authorization: Negotiate YQ=="};
    struct server s = server_tcp("HTTP/1.1 204 Done\r\n\r\n");
    struct client_request request = get(&s);
    struct client_response r;
    char sent[8192];

    request.method = "POST";
    request.headers = headers;
    request.header_count = 1;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    cr_assert_eq(client_send(&request, &r, NULL), 0);
    server_end(&s, sent);
    cr_assert(strncmp(sent, "POST /a/../b HTTP/1.1\r\n", 23) == 0, "%s", sent);
    cr_assert_not_null(strstr(sent, "\r\nAuthorization: Negotiate YQ==\r\n"));
    cr_assert_not_null(strstr(sent, "\r\nContent-Length: 0\r\n"));
    cr_assert_null(strstr(sent, "Content-Type"));
    cr_assert_null(strstr(sent, "Expect"));
    client_response_fini(&r);
}

Test(client, a_cut_answer_is_an_error)
{
    struct server s =
        server_tcp("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    struct client_request request = get(&s);
    struct client_response r;
    struct error err = {0, ""};
    char sent[8192];

    cr_assert_eq(client_send(&request, &r, &err), -1);
    server_end(&s, sent);
    cr_assert_neq(err.text[0], '\0');
    cr_assert_eq(r.header_count, 0);
}

Test(client, reaches_a_unix_socket)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct client_request request = {.url = "http://localhost/x",
                                     .method = "GET",
                                     .unix_path = a.sun_path,
                                     .timeout_ms = 5000};
    struct client_response r;
    struct server s;
    char sent[8192];

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", test_directory());
    s.listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(s.listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    server_fork(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(client_send(&request, &r, NULL), 0);
    server_end(&s, sent);
    cr_assert_not_null(strstr(sent, "\r\nHost: localhost\r\n"));
    client_response_fini(&r);
}
