/*
 * Fresh tokens accepted per second and CPU time of one: acceptor_accept
 * beside gss_accept_sec_context alone with the very same credential (MEMORY:
 * keytab, replay cache), with one process and with two.  What lies between
 * them is the client's name: the library makes a new krb5 context to write
 * it, each time it passes through SPNEGO.
 *
 *     bench_accept [TOKENS [ROUNDS]]
 *
 * Makes its own realm; NSGATE_SRCDIR is the source tree.  Rounds take turns;
 * medians are shown.
 */
#include <gssapi/gssapi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/auth/acceptor.h"
#include "gateway/auth/base64.h"
#include "gateway/sys/sys.h"

#define PROCESSES_MAX 2
#define ROUNDS_MAX    51

static char directory[] = "/tmp/nsgate-bench.XXXXXX";
static char **headers; /* "Negotiate ...", each good for one accept */
static size_t header_count;

static void
die(const char *what)
{
    fprintf(stderr, "bench_accept: %s\n", what);
    exit(1);
}

static void
realm(const char *command)
{
    const char *source = getenv("NSGATE_SRCDIR");
    char line[512];

    snprintf(line, sizeof(line), "%s/tests/realm/realm.sh %s",
             source != NULL ? source : ".", command);
    if (system(line) != 0)
        die(line);
}

static void
realm_stop(void)
{
    char command[128];

    snprintf(command, sizeof(command), "stop %s", directory);
    realm(command);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    if (system(command) != 0)
        perror(directory);
}

static void
realm_start(void)
{
    char text[256];

    if (mkdtemp(directory) == NULL)
        die("mkdtemp");
    snprintf(text, sizeof(text), "start %s", directory);
    realm(text);
    snprintf(text, sizeof(text), "kinit %s alice FILE:%s/cc", directory,
             directory);
    realm(text);
    snprintf(text, sizeof(text), "%s/krb5.conf", directory);
    setenv("KRB5_CONFIG", text, 1);
}

/* As a browser or curl asks for them. */
static void
make_tokens(void)
{
    char ccache[128];
    struct initiator_options options = {.spn = "HTTP@localhost",
                                        .req_flags = GSS_C_MUTUAL_FLAG,
                                        .ccache = ccache};
    struct error err = {0};

    snprintf(ccache, sizeof(ccache), "FILE:%s/cc", directory);
    for (size_t n = 0; n < header_count; n++) {
        struct initiator *i;

        free(headers[n]);
        if (initiator_new(&options, &i, &err) < 0 ||
            asprintf(&headers[n], "Negotiate %s", initiator_token(i)) < 0)
            die(err.text);
        initiator_free(i);
    }
}

/* -- the two ways --------------------------------------------------------- */

static bool
accept_ours(struct acceptor *a, const char *header)
{
    struct auth_result result;
    bool good;

    acceptor_accept(a, span_of(header), NULL, &result);
    good = result.outcome == AUTH_OK;
    auth_result_fini(&result);
    return good;
}

static bool
accept_gss(struct acceptor *a, const char *header, bool with_name)
{
    struct span text = span_of(header + strlen("Negotiate "));
    gss_buffer_desc token, reply = GSS_C_EMPTY_BUFFER;
    gss_buffer_desc name_text = GSS_C_EMPTY_BUFFER;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_name_t name = GSS_C_NO_NAME;
    unsigned char bytes[4096];
    OM_uint32 major, minor;

    token.value = bytes;
    if (base64_decoded_max(text.length) > sizeof(bytes) ||
        !base64_decode(text, bytes, &token.length))
        return false;
    major = gss_accept_sec_context(&minor, &context, a->cred, &token, NULL,
                                   with_name ? &name : NULL, NULL, &reply,
                                   NULL, NULL, NULL);
    if (with_name && major == GSS_S_COMPLETE)
        major = gss_display_name(&minor, name, &name_text, NULL);
    gss_release_buffer(&minor, &name_text);
    gss_release_name(&minor, &name);
    gss_release_buffer(&minor, &reply);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    return major == GSS_S_COMPLETE;
}

static bool
accept_bare(struct acceptor *a, const char *header)
{
    return accept_gss(a, header, false);
}

static bool
accept_named(struct acceptor *a, const char *header)
{
    return accept_gss(a, header, true);
}

static const struct way {
    const char *name;
    bool (*accept)(struct acceptor *a, const char *header);
} ways[] = {{"gss_accept_sec_context", accept_bare},
            {"and gss_display_name", accept_named},
            {"acceptor_accept", accept_ours}};

#define WAYS ARRAY_COUNT(ways)

/* -- one measurement ------------------------------------------------------ */

struct outcome {
    double begin, end, cpu; /* seconds */
};

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu_used(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct acceptor *
make_acceptor(void)
{
    static const char *const names[] = {"HTTP@localhost"};
    struct acceptor_options options = {names, 1, -1, directory};
    struct acceptor *a = NULL;
    struct error err = {0};
    char path[128];

    snprintf(path, sizeof(path), "%s/http.keytab", directory);
    options.keytab_fd = memory_file_read(path, 1 << 20, &err);
    if (options.keytab_fd < 0 || acceptor_new(&options, &a, &err) < 0)
        die(err.text);
    close(options.keytab_fd);
    return a;
}

/* The child's part: ready, wait for the start, every count-th token. */
static void
work(const struct way *way, size_t first, size_t step, int ready, int start,
     int report)
{
    struct acceptor *a = make_acceptor();
    struct outcome o;
    cpu_set_t core;
    char byte = 0;

    /* The children of one parent may share its core for a while. */
    CPU_ZERO(&core);
    CPU_SET(first, &core);
    sched_setaffinity(0, sizeof(core), &core);
    if (write(ready, &byte, 1) != 1 || read(start, &byte, 1) != 0)
        _exit(1);
    o.begin = now();
    o.cpu = cpu_used();
    for (size_t n = first; n < header_count; n += step) {
        if (!way->accept(a, headers[n]))
            _exit(1);
    }
    o.cpu = cpu_used() - o.cpu;
    o.end = now();
    _exit(write(report, &o, sizeof(o)) != (ssize_t)sizeof(o));
}

static void
sum_up(int report, size_t processes, struct outcome *sum)
{
    *sum = (struct outcome){0, 0, 0};
    for (size_t p = 0; p < processes; p++) {
        struct outcome o;

        if (read(report, &o, sizeof(o)) != (ssize_t)sizeof(o))
            die("a process failed");
        sum->begin = p == 0 || o.begin < sum->begin ? o.begin : sum->begin;
        sum->end = o.end > sum->end ? o.end : sum->end;
        sum->cpu += o.cpu;
    }
}

static struct outcome
measure(const struct way *way, size_t processes)
{
    int ready[2], start[2], report[2];
    struct outcome sum;
    char byte, cache[128];

    snprintf(cache, sizeof(cache), "%s/nsgate.rcache2", directory);
    unlink(cache);
    if (pipe(ready) < 0 || pipe(start) < 0 || pipe(report) < 0)
        die("pipe");
    for (size_t p = 0; p < processes; p++) {
        if (fork() == 0) {
            close(start[1]);
            close(report[0]);
            work(way, p, processes, ready[1], start[0], report[1]);
        }
    }
    close(report[1]);
    for (size_t p = 0; p < processes; p++) {
        if (read(ready[0], &byte, 1) != 1)
            die("a process failed");
    }
    close(start[1]); /* end of file starts them all */
    sum_up(report[0], processes, &sum);
    while (wait(NULL) > 0)
        ;
    close(ready[0]);
    close(ready[1]);
    close(start[0]);
    close(report[0]);
    return sum;
}

/* -- the table ------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static void
compare_ways(size_t processes, size_t rounds)
{
    double rate[WAYS][ROUNDS_MAX], cpu[WAYS][ROUNDS_MAX], bare = 0;

    for (size_t r = 0; r < rounds; r++) {
        for (size_t w = 0; w < WAYS; w++) {
            struct outcome o;

            make_tokens();
            o = measure(&ways[w], processes);
            rate[w][r] = (double)header_count / (o.end - o.begin);
            cpu[w][r] = o.cpu * 1e6 / (double)header_count;
        }
    }
    for (size_t w = 0; w < WAYS; w++) {
        double m = median(rate[w], rounds);

        bare = w == 0 ? m : bare;
        printf("%zu  %-24s %8.0f accepts/s %8.1f us CPU  %5.1f %%\n",
               processes, ways[w].name, m, median(cpu[w], rounds),
               100 * m / bare);
    }
}

int
main(int argc, char **argv)
{
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;

    header_count = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
    if (header_count == 0 || rounds == 0 || rounds > ROUNDS_MAX)
        die("usage: bench_accept [TOKENS [ROUNDS]]");
    headers = calloc(header_count, sizeof(*headers));
    if (headers == NULL)
        die("out of memory");
    realm_start();
    atexit(realm_stop);
    printf("processes, %zu fresh tokens a round, median of %zu\n",
           header_count, rounds);
    fflush(stdout);
    for (size_t p = 1; p <= PROCESSES_MAX; p++)
        compare_ways(p, rounds);
    for (size_t n = 0; n < header_count; n++)
        free(headers[n]);
    free(headers);
    return 0;
}
