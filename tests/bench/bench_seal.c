/*
 * What a server does for one sealed request, unwrap it and wrap an answer of
 * the same length: security_context_unwrap and _wrap beside gss_unwrap and
 * gss_wrap; and the memory that a kept context takes.
 *
 *     bench_seal [ROUNDS]
 *
 * Makes its own realm; NSGATE_SRCDIR is the source tree.  Rounds take turns;
 * medians are shown.
 */
#include <gssapi/gssapi.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gateway/auth/acceptor.h"
#include "gateway/auth/gss_text.h"
#include "gateway/auth/security_context.h"
#include "gateway/sys/sys.h"

#define ROUNDS_MAX    51
#define BYTES_A_ROUND ((size_t)32 << 20)
#define MESSAGES_MAX  4000
#define KEPT_CONTEXTS 200
#define FAR_AWAY      INT64_MAX
#define CONTEXT_FLAGS                                                         \
    (GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |            \
     GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)

static char directory[] = "/tmp/nsgate-bench.XXXXXX";
static struct acceptor *acceptor;

static void
die(const char *what)
{
    fprintf(stderr, "bench_seal: %s\n", what);
    exit(1);
}

/* -- realm and contexts --------------------------------------------------- */

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
    static const char *const names[] = {"HTTP@localhost"};
    struct acceptor_options options = {names, 1, -1, directory};
    struct error err = {0};
    char text[256];

    if (mkdtemp(directory) == NULL)
        die("mkdtemp");
    snprintf(text, sizeof(text), "start %s", directory);
    realm(text);
    atexit(realm_stop);
    snprintf(text, sizeof(text), "kinit %s alice FILE:%s/cc", directory,
             directory);
    realm(text);
    snprintf(text, sizeof(text), "FILE:%s/cc", directory);
    setenv("KRB5CCNAME", text, 1);
    snprintf(text, sizeof(text), "%s/krb5.conf", directory);
    setenv("KRB5_CONFIG", text, 1);
    snprintf(text, sizeof(text), "%s/http.keytab", directory);
    options.keytab_fd = memory_file_read(text, 1 << 20, &err);
    if (options.keytab_fd < 0 || acceptor_new(&options, &acceptor, &err) < 0)
        die(err.text);
    close(options.keytab_fd);
}

/* The two ends of a sign-in, as the library has them. */
static void
sign_in(gss_ctx_id_t *client, gss_ctx_id_t *server)
{
    char name[] = "HTTP@localhost";
    gss_buffer_desc spn = {strlen(name), name}, answer, token;
    gss_OID mech = (gss_OID)(uintptr_t)&gss_mech_spnego_desc;
    gss_name_t target;
    OM_uint32 major, minor;

    *client = *server = GSS_C_NO_CONTEXT;
    gss_import_name(&minor, &spn, GSS_C_NT_HOSTBASED_SERVICE, &target);
    gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, client, target, mech,
                         CONTEXT_FLAGS, 0, NULL, NULL, NULL, &token, NULL,
                         NULL);
    major =
        gss_accept_sec_context(&minor, server, acceptor->cred, &token, NULL,
                               NULL, NULL, &answer, NULL, NULL, NULL);
    if (major != GSS_S_COMPLETE)
        die("no security context");
    gss_release_buffer(&minor, &token);
    major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, client, target,
                                 mech, CONTEXT_FLAGS, 0, NULL, &answer, NULL,
                                 &token, NULL, NULL);
    if (major != GSS_S_COMPLETE)
        die("no security context");
    gss_release_buffer(&minor, &token);
    gss_release_buffer(&minor, &answer);
    gss_release_name(&minor, &target);
}

/* -- the two ways --------------------------------------------------------- */

struct round {
    struct security_context *ours;
    gss_ctx_id_t server;
    gss_buffer_desc messages[MESSAGES_MAX];
};

/* A buffer that lives on, as a worker's does. */
static bool
serve_ours(struct round *r, gss_buffer_t message)
{
    static struct buf plain, answer;
    enum seal_failure failure;
    size_t header_length;

    buf_reset(&plain);
    buf_reset(&answer);
    return security_context_unwrap(
               r->ours, (struct span){message->value, message->length}, &plain,
               &failure, NULL) == 0 &&
           security_context_wrap(r->ours, buf_span(&plain), &answer,
                                 &header_length, NULL) == 0;
}

static bool
serve_gss(struct round *r, gss_buffer_t message)
{
    gss_buffer_desc plain, answer = GSS_C_EMPTY_BUFFER;
    OM_uint32 major, minor;
    int confidential;

    major =
        gss_unwrap(&minor, r->server, message, &plain, &confidential, NULL);
    if (major == GSS_S_COMPLETE)
        major = gss_wrap(&minor, r->server, 1, GSS_C_QOP_DEFAULT, &plain,
                         &confidential, &answer);
    gss_release_buffer(&minor, &plain);
    gss_release_buffer(&minor, &answer);
    return major == GSS_S_COMPLETE;
}

static const struct way {
    const char *name;
    bool (*serve)(struct round *r, gss_buffer_t message);
} ways[] = {{"gss_unwrap, gss_wrap", serve_gss},
            {"security_context", serve_ours}};

#define WAYS ARRAY_COUNT(ways)

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Seconds of CPU for all messages; the client's part is not counted. */
static double
measure(const struct way *way, size_t length, size_t count)
{
    static struct round r;
    gss_buffer_desc plain = {length, calloc(1, length)};
    gss_ctx_id_t client;
    OM_uint32 minor;
    double begin;

    if (plain.value == NULL)
        die("out of memory");
    sign_in(&client, &r.server);
    for (size_t i = 0; i < count; i++)
        gss_wrap(&minor, client, 1, GSS_C_QOP_DEFAULT, &plain, NULL,
                 &r.messages[i]);
    if (way->serve == serve_ours)
        r.ours = security_context_new(&r.server, CONTEXT_FLAGS, FAR_AWAY);
    begin = now();
    for (size_t i = 0; i < count; i++) {
        if (!way->serve(&r, &r.messages[i]))
            die(way->name);
    }
    begin = now() - begin;
    for (size_t i = 0; i < count; i++)
        gss_release_buffer(&minor, &r.messages[i]);
    security_context_free(r.ours);
    r.ours = NULL;
    gss_delete_sec_context(&minor, &r.server, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
    free(plain.value);
    return begin;
}

/* -- the table ------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
compare_ways(size_t length, size_t rounds)
{
    size_t count = BYTES_A_ROUND / length;
    double seconds[WAYS][ROUNDS_MAX];

    if (count > MESSAGES_MAX)
        count = MESSAGES_MAX;
    for (size_t r = 0; r < rounds; r++) {
        for (size_t w = 0; w < WAYS; w++)
            seconds[w][r] = measure(&ways[w], length, count);
    }
    for (size_t w = 0; w < WAYS; w++) {
        double each;

        qsort(seconds[w], rounds, sizeof(double), compare);
        each = seconds[w][rounds / 2] / (double)count;
        printf("%7zu  %-22s %8.0f requests/s %9.1f us CPU %7.0f MB/s\n",
               length, ways[w].name, 1 / each, each * 1e6,
               2 * (double)length / each / 1e6);
    }
}

static void
weigh_contexts(void)
{
    static struct security_context *kept[KEPT_CONTEXTS];
    gss_ctx_id_t client, server;
    size_t before = 0;
    OM_uint32 minor;

    for (size_t i = 0; i < KEPT_CONTEXTS; i++) {
        if (i == 1) /* the first one fills caches */
            before = mallinfo2().uordblks;
        sign_in(&client, &server);
        gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
        kept[i] = security_context_new(&server, CONTEXT_FLAGS, FAR_AWAY);
    }
    printf("a kept context takes %zu bytes\n",
           (mallinfo2().uordblks - before) / (KEPT_CONTEXTS - 1));
    for (size_t i = 0; i < KEPT_CONTEXTS; i++)
        security_context_free(kept[i]);
}

int
main(int argc, char **argv)
{
    static const size_t lengths[] = {1 << 10, 1 << 16, 1 << 20};
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;

    if (rounds == 0 || rounds > ROUNDS_MAX)
        die("usage: bench_seal [ROUNDS]");
    realm_start();
    printf("bytes, unwrapped and wrapped again, median of %zu\n", rounds);
    fflush(stdout);
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++)
        compare_ways(lengths[i], rounds);
    weigh_contexts();
    acceptor_free(acceptor);
    return 0;
}
