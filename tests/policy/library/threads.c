/*
 * Several threads of one program: each compiles with a compiler of its own,
 * two of them into the same state, while others ask one policy.  Public
 * functions only, so that it also runs against the shared library, and under
 * ThreadSanitizer (docs/testing.md).  Prints TAP.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/library/nspolicy.h"

#define COMPILERS 4
#define ASKERS    3
#define ROUNDS    12

static const char format[] =
    "#pragma namespace(\"root\\\\Thread%d\")\n"
    "class Thread_Class { [key] string Name; real64 x = 1.5; };\n"
    "instance of Thread_Class { Name = \"%d\"; };\n"
    "[RequiresEncryption(%s)] instance of __SystemSecurity { };\n";

struct worker {
    pthread_t thread;
    int number;
    char dir[300];
    struct nspolicy_policy *shared; /* asked by all at once */
};

static pthread_barrier_t start;
static atomic_bool over;
static atomic_int failures;
static atomic_ullong asked;

static void
fail(const char *what, const char *why)
{
    printf("# %s: %s\n", what, why);
    atomic_fetch_add(&failures, 1);
}

static void
compile(const struct worker *w, struct nspolicy_compiler *c, int round)
{
    WBEM_COMPILE_STATUS_INFO info;
    char text[600];
    int n = snprintf(text, sizeof(text), format, w->number, round,
                     round % 2 == 0 ? "TRUE" : "FALSE");

    if (nspolicy_compile_buffer(c, n, text, NULL, NULL, NULL, NULL, 0, 0, 0,
                                &info) != WBEM_S_NO_ERROR)
        fail("compile", nspolicy_compiler_error(c)->text);
    /* One that fails, too. */
    if (nspolicy_compile_buffer(c, 7, "class {", NULL, NULL, NULL, NULL, 0, 0,
                                0, &info) != WBEM_S_FALSE ||
        info.lPhaseError != 1)
        fail("compile", "nonsense was taken");
}

static void
expect_policy(const struct worker *w, int round)
{
    struct nspolicy_error error;
    struct nspolicy_policy *p;
    char name[40];

    snprintf(name, sizeof(name), "root/thread%d", w->number);
    if (nspolicy_policy_open(w->dir, &p, &error) < 0) {
        fail("open", error.text);
        return;
    }
    if (nspolicy_policy_requires_encryption(p, name) != (round % 2 == 0))
        fail("policy", "not what was compiled");
    nspolicy_policy_unref(p);
}

static void *
compiler_run(void *arg)
{
    struct worker *w = arg;
    struct nspolicy_compiler *c;
    struct nspolicy_error error;

    pthread_barrier_wait(&start);
    if (nspolicy_compiler_new(w->dir, &c, &error) < 0) {
        fail("new", error.text);
        return NULL;
    }
    for (int round = 0; round < ROUNDS; round++) {
        compile(w, c, round);
        expect_policy(w, round);
    }
    nspolicy_compiler_free(c);
    return NULL;
}

/* Asks the shared policy, and one that follows the first state. */
static void *
asker_run(void *arg)
{
    struct worker *w = arg;
    struct nspolicy_policy *mine = nspolicy_policy_ref(w->shared);
    struct nspolicy_error error;
    char text[400];

    pthread_barrier_wait(&start);
    while (!atomic_load(&over)) {
        if (nspolicy_policy_decide(
                w->shared, "root\\Shared", NSPOLICY_LEVEL_PKT_PRIVACY,
                NSPOLICY_LEVEL_CONNECT, NULL) != NSPOLICY_DENY)
            fail("shared", "not refused");
        nspolicy_policy_explain(w->shared, "root\\Shared",
                                NSPOLICY_LEVEL_PKT_PRIVACY,
                                NSPOLICY_LEVEL_CONNECT, text, sizeof(text));
        if (nspolicy_policy_reload(&mine, &error) < 0)
            fail("reload", error.text);
        if (nspolicy_policy_requires_encryption(mine, "root\\Shared") != 1)
            fail("mine", "not what was compiled");
        atomic_fetch_add(&asked, 1);
    }
    nspolicy_policy_unref(mine);
    return NULL;
}

/* In a process of its own, so that the threads find a library that has not
 * been used yet. */
static int
compile_shared(const char *dir)
{
    static const char text[] = "#pragma namespace(\"root\\\\Shared\")\n"
                               "class A { };\n"
                               "[RequiresEncryption(TRUE)]\n"
                               "instance of __SystemSecurity { };\n";
    struct nspolicy_compiler *c;
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        _exit(nspolicy_compiler_new(dir, &c, NULL) < 0 ||
              nspolicy_compile_buffer(c, sizeof(text) - 1, text, NULL, NULL,
                                      NULL, NULL, 0, 0, 0,
                                      NULL) != WBEM_S_NO_ERROR);
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int
make_states(const char *top, struct worker *workers)
{
    for (int i = 0; i < COMPILERS + ASKERS; i++) {
        workers[i].number = i;
        /* Compilers 0 and 1 share a state, which the askers follow. */
        snprintf(workers[i].dir, sizeof(workers[i].dir), "%s/%d", top,
                 i < 2 || i >= COMPILERS ? 0 : i);
        mkdir(workers[i].dir, 0755);
    }
    return compile_shared(workers[0].dir);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int
main(void)
{
    struct worker workers[COMPILERS + ASKERS];
    struct nspolicy_policy *shared;
    char top[] = "/tmp/nsgate-threads.XXXXXX";

    memset(workers, 0, sizeof(workers));
    if (mkdtemp(top) == NULL || make_states(top, workers) < 0 ||
        nspolicy_policy_open(workers[0].dir, &shared, NULL) < 0)
        return 2;
    pthread_barrier_init(&start, NULL, COMPILERS + ASKERS);
    for (int i = 0; i < COMPILERS + ASKERS; i++) {
        workers[i].shared = shared;
        pthread_create(&workers[i].thread, NULL,
                       i < COMPILERS ? compiler_run : asker_run, &workers[i]);
    }
    for (int i = 0; i < COMPILERS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&over, true);
    for (int i = COMPILERS; i < COMPILERS + ASKERS; i++)
        pthread_join(workers[i].thread, NULL);
    nspolicy_policy_unref(shared);
    nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    printf("# %llu questions while %d compiled\n", atomic_load(&asked),
           2 * COMPILERS * ROUNDS);
    printf("%sok 1 - threads compile and ask at once\n1..1\n",
           atomic_load(&failures) > 0 ? "not " : "");
    return atomic_load(&failures) > 0;
}
