/*
 * What the gateway cannot be faster than: its libraries alone.
 *
 *     limit accept KEYTAB DIR PROCESSES COUNT CCACHE
 *     limit http PROCESSES [KEYTAB DIR]
 *
 * The first takes COUNT fresh tokens with gss_accept_sec_context and prints,
 * as JSON, seconds and seconds of CPU.  The second serves a fixed answer with
 * libmicrohttpd, prints its port and serves until standard input ends; with
 * KEYTAB it takes the token of each request first: the smallest gateway
 * there could be.  The credential is nsgated's (MEMORY: keytab, replay cache
 * in DIR).
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/auth/acceptor.h"
#include "gateway/auth/base64.h"
#include "gateway/sys/sys.h"
#include "tests/bench/rig.h"

#define BODY            "{\"name\":\"root\\\\Open\"}\n"
#define CONNECTIONS_MAX 1024
#define SCHEME          "Negotiate "

static struct acceptor *
make_acceptor(const char *keytab, const char *directory)
{
    static const char *const names[] = {"HTTP@localhost"};
    struct acceptor_options options = {names, 1, -1, directory};
    struct acceptor *a = NULL;
    struct error err = {0, ""};

    options.keytab_fd = memory_file_read(keytab, 1 << 20, &err);
    if (options.keytab_fd < 0 || acceptor_new(&options, &a, &err) < 0)
        rig_die(err.text);
    close(options.keytab_fd);
    return a;
}

static bool
accept_token(struct acceptor *a, const char *text)
{
    gss_buffer_desc token, reply = GSS_C_EMPTY_BUFFER;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    unsigned char bytes[4096];
    OM_uint32 major, minor;

    token.value = bytes;
    if (base64_decoded_max(strlen(text)) > sizeof(bytes) ||
        !base64_decode(span_of(text), bytes, &token.length))
        return false;
    major = gss_accept_sec_context(&minor, &context, a->cred, &token, NULL,
                                   NULL, NULL, &reply, NULL, NULL, NULL);
    gss_release_buffer(&minor, &reply);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    return major == GSS_S_COMPLETE;
}

/* -- tokens out of memory -------------------------------------------------- */

static double
cpu_used(int whose)
{
    struct rusage u;

    getrusage(whose, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
accept_all(int argc, char **argv)
{
    size_t processes, count;
    struct acceptor *a;
    char **tokens;
    double began;
    int status, failed = 0;

    if (argc != 7)
        rig_die("arguments");
    processes = rig_number(argv[4]);
    count = rig_number(argv[5]);
    a = make_acceptor(argv[2], argv[3]);
    tokens = rig_tokens(argv[6], count);
    began = rig_now();
    for (size_t p = 0; p < processes; p++) {
        pid_t pid = fork();

        if (pid < 0)
            rig_die("fork");
        for (size_t n = p; pid == 0 && n < count; n += processes) {
            if (!accept_token(a, tokens[n]))
                _exit(1);
        }
        if (pid == 0)
            _exit(0);
    }
    while (wait(&status) > 0)
        failed |= status;
    printf("{\"seconds\": %f, \"cpu\": %f}\n", rig_now() - began,
           cpu_used(RUSAGE_CHILDREN));
    acceptor_free(a);
    return failed != 0;
}

/* -- a server --------------------------------------------------------------- */

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url,
       const char *method, const char *version, const char *data, size_t *size,
       void **context)
{
    struct acceptor *a = arg;
    struct MHD_Response *response;
    enum MHD_Result result;
    unsigned status = 200;

    (void)url, (void)method, (void)version, (void)data, (void)size;
    if (*context == NULL) {
        *context = c;
        return MHD_YES;
    }
    if (a != NULL) {
        const char *text =
            MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");

        if (text == NULL || strncmp(text, SCHEME, strlen(SCHEME)) != 0 ||
            !accept_token(a, text + strlen(SCHEME)))
            status = 401;
    }
    response = MHD_create_response_from_buffer(strlen(BODY), (void *)BODY,
                                               MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Until the parent ends. */
static void
serve(int listen_fd, struct acceptor *a)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, handle, a, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)32768, MHD_OPTION_END);
    struct pollfd ready = {.events = POLLIN};

    if (daemon == NULL)
        rig_die("MHD_start_daemon");
    ready.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        bool timed = MHD_get_timeout(daemon, &ms) == MHD_YES;

        poll(&ready, 1, timed ? (int)ms : -1);
        MHD_run(daemon);
    }
}

static int
serve_all(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    size_t processes = rig_number(argv[2]);
    struct acceptor *a = NULL;
    socklen_t length = sizeof(at);
    char byte;

    if (argc > 4)
        a = make_acceptor(argv[3], argv[4]);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) < 0 ||
        listen(fd, CONNECTIONS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &length) < 0)
        rig_die("listen");
    for (size_t p = 0; p < processes; p++) {
        pid_t pid = fork();

        if (pid < 0)
            rig_die("fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(fd, a);
        }
    }
    printf("%u\n", (unsigned)ntohs(at.sin_port));
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    kill(0, SIGKILL); /* a process group of our own */
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "accept") == 0)
        return accept_all(argc, argv);
    if (argc > 2 && strcmp(argv[1], "http") == 0) {
        setpgid(0, 0);
        return serve_all(argc, argv);
    }
    fprintf(stderr, "limit accept KEYTAB DIR PROCESSES COUNT CCACHE\n"
                    "limit http PROCESSES [KEYTAB DIR]\n");
    return 2;
}
