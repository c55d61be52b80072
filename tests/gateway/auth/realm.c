#include "tests/gateway/auth/realm.h"

#include <criterion/hooks.h>
#include <criterion/options.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

#define SHARED_REALM "NSGATE_TEST_REALM_DIR"

struct realm_test test;
static char realm_directory[256];

/* -- the shared realm, in the process that runs the tests ----------------- */

static int shell(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static int
shell(const char *format, ...)
{
    char command[2048];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    return system(command);
}

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
    char path[] = "/tmp/nsgate-realm.XXXXXX";

    (void)tests;
    /* Criterion 2.4.1 now and then loses 48 bytes when several tests run at
     * once, which LeakSanitizer holds against the program. */
    criterion_options.jobs = 1;
    if (mkdtemp(path) == NULL || chmod(path, 0755) < 0 ||
        shell("%s start %s", test_source_path("tests/realm/realm.sh"), path))
    {
        fprintf(stderr, "no test realm\n");
        exit(1);
    }
    setenv(SHARED_REALM, path, 1);
}

/* Realms of single tests are below it, so that a failed one leaves no KDC
 * behind. */
ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    const char *path = getenv(SHARED_REALM);

    (void)stats;
    if (path != NULL)
        shell("for d in %s %s/own-*; do %s stop $d; done; rm -rf %s", path,
              path, test_source_path("tests/realm/realm.sh"), path);
}

/* -- the clock ------------------------------------------------------------ */

static long clock_offset;

void
realm_move_clock(int seconds)
{
    clock_offset += seconds;
}

/* These stand before libc's for the shared libraries too.  Called before
 * main, by loaders and sanitizers, so: nothing but a system call. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
    long result = syscall(SYS_clock_gettime, id, ts);

    if (result == 0 && id == CLOCK_REALTIME)
        ts->tv_sec += clock_offset;
    return (int)result;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t
time(time_t *out)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (out != NULL)
        *out = ts.tv_sec;
    return ts.tv_sec;
}

/* -- one test ------------------------------------------------------------- */

const char *
realm_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", realm_directory, name);
    return path;
}

void
realm_use(const char *directory)
{
    snprintf(realm_directory, sizeof(realm_directory), "%s", directory);
    setenv("KRB5_CONFIG", realm_path("krb5.conf"), 1);
    setenv("KRB5_KDC_PROFILE", realm_path("kdc.conf"), 1);
    unsetenv("KRB5CCNAME");
    unsetenv("KRB5RCACHENAME");
}

void
realm_start_own(void)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/own-%ld", getenv(SHARED_REALM),
             (long)getpid());
    test_shell("%s start %s", test_source_path("tests/realm/realm.sh"), path);
    realm_use(path);
}

const char *
realm_kinit(const char *user)
{
    static char caches[4][512];
    static unsigned next;
    unsigned number = next++;
    char *cache = caches[number % 4];

    snprintf(cache, sizeof(caches[0]), "FILE:%s/ccache.%u", test.directory,
             number);
    test_shell("%s kinit %s %s %s", test_source_path("tests/realm/realm.sh"),
               realm_directory, user, cache);
    return cache;
}

int
realm_keytab(const char *path)
{
    struct error err = {0};
    int fd = memory_file_read(path, 1 << 20, &err);

    cr_assert(fd >= 0, "%s", err.text);
    return fd;
}

struct acceptor *
realm_acceptor(const char *keytab_path, size_t name_count,
               const char *const *names)
{
    struct acceptor_options options = {
        names, name_count, realm_keytab(keytab_path), test.directory};
    struct acceptor *a;
    struct error err = {0};

    cr_assert(acceptor_new(&options, &a, &err) == 0, "%s", err.text);
    close(options.keytab_fd);
    return a;
}

void
realm_setup(void)
{
    static const char *const names[] = {"HTTP@localhost"};

    realm_use(getenv(SHARED_REALM));
    snprintf(test.directory, sizeof(test.directory), "%s", test_directory());
    snprintf(test.ccache, sizeof(test.ccache), "%s", realm_kinit("alice"));
    test.acceptor = realm_acceptor(realm_path("http.keytab"), 1, names);
}

void
realm_teardown(void)
{
    auth_result_fini(&test.result);
    acceptor_free(test.acceptor);
    test.acceptor = NULL;
    shell("rm -rf %s", test.directory);
    suite_check_leaks();
}

struct initiator *
realm_initiator(uint32_t flags, bool no_ci, bool raw)
{
    struct initiator_options options = {.spn = "HTTP@localhost",
                                        .req_flags = flags,
                                        .no_ci = no_ci,
                                        .raw_krb5 = raw,
                                        .ccache = test.ccache};
    struct initiator *i;
    struct error err = {0};

    cr_assert(initiator_new(&options, &i, &err) == 0, "%s", err.text);
    return i;
}

char *
realm_header(const char *token)
{
    struct buf b = BUF_INIT;

    buf_addf(&b, "Negotiate %s", token);
    return buf_take(&b);
}

enum auth_outcome
realm_accept_header(struct acceptor *a, const char *header,
                    const struct channel_binding *binding)
{
    auth_result_fini(&test.result);
    acceptor_accept(a, span_of(header), binding, &test.result);
    return test.result.outcome;
}

enum auth_outcome
realm_accept(const char *token)
{
    char *header = realm_header(token);
    enum auth_outcome outcome;

    outcome = realm_accept_header(test.acceptor, header, NULL);
    free(header);
    return outcome;
}

enum auth_outcome
realm_try(uint32_t flags, bool no_ci, bool raw)
{
    struct initiator *i = realm_initiator(flags, no_ci, raw);
    enum auth_outcome outcome = realm_accept(initiator_token(i));

    initiator_free(i);
    return outcome;
}
