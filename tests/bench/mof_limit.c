/*
 * What bench_mof.py compares the compiler with, and its front half alone.
 *
 *     mof_limit text FILE ROUNDS   one pass over the text: one look at each
 *                                  byte, tokens, syntax, and syntax and
 *                                  meaning
 *     mof_limit rows DIR ROUNDS    the instances of the repository in DIR,
 *                                  read before, into a new table of one index
 *                                  in one transaction
 *     mof_limit run COMMAND...     a process: seconds by the clock and of CPU,
 *                                  peak KiB; this one is small, so that what
 *                                  it was before its exec does not count
 *
 * The first two tell seconds of CPU time, the median of rounds that take
 * turns.  The answer is JSON.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/mof/lexer.h"
#include "policy/mof/mof.h"
#include "tests/bench/rig.h"

#define ROUNDS_MAX 101

/* Of this process, so that others that are busy count less. */
static double
cpu_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int
compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double
median(double *seconds, size_t count)
{
    qsort(seconds, count, sizeof(*seconds), compare_seconds);
    return seconds[count / 2];
}

/* -- a text ----------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t length;
};

static void
text_read(const char *path, struct text *out)
{
    struct error err;

    if (source_read(path, &out->bytes, &out->length, &err) < 0)
        rig_die(err.text);
}

/* One look at each byte, by a table, as any lexer must. */
static void
bytes_pass(const struct text *t)
{
    static unsigned char counted[256];
    volatile size_t sum = 0;
    size_t n = 0;

    counted['\n'] = 1;
    counted[';'] = 1;
    for (size_t i = 0; i < t->length; i++)
        n += counted[(unsigned char)t->bytes[i]];
    sum += n;
    (void)sum;
}

static void
token_report(void *context, uint32_t code, uint32_t offset, uint32_t width,
             const char *text)
{
    (void)context;
    (void)code;
    (void)offset;
    (void)width;
    rig_die(text);
}

static void
tokens_pass(const struct text *t)
{
    struct source s = {.name = "bench"};
    struct lexer lx;
    struct token token;
    uint32_t guessed;
    char *copy = malloc(t->length + 1);

    if (copy == NULL)
        rig_die("copy");
    memcpy(copy, t->bytes, t->length);
    if (source_decode(&s, copy, t->length, &guessed) != SOURCE_OK)
        rig_die("decode");
    lexer_init(&lx, &s, token_report, NULL);
    do {
        lexer_next(&lx, &token);
    } while (token.kind != TOKEN_END);
    source_fini(&s);
}

static void
compile_pass(const struct text *t, bool syntax_only)
{
    const struct mof_options options = {.syntax_only = syntax_only};
    struct mof_compilation *c = mof_compilation_new(&options);

    if (c == NULL || mof_compile_buffer(c, "bench", t->bytes, t->length) < 0 ||
        mof_check(c) < 0)
        rig_die("compile");
    mof_compilation_free(c);
}

static void
syntax_pass(const struct text *t)
{
    compile_pass(t, true);
}

static void
meaning_pass(const struct text *t)
{
    compile_pass(t, false);
}

static const struct {
    const char *name;
    void (*run)(const struct text *t);
} passes[] = {
    {"bytes", bytes_pass},
    {"tokens", tokens_pass},
    {"syntax", syntax_pass},
    {"meaning", meaning_pass},
};

static void
measure_text(const char *path, size_t rounds)
{
    double seconds[ARRAY_COUNT(passes)][ROUNDS_MAX];
    struct text t;

    text_read(path, &t);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(passes); i++) {
            double start = cpu_now();

            passes[i].run(&t);
            seconds[i][round] = cpu_now() - start;
        }
    }
    printf("{\"length\": %zu", t.length);
    for (size_t i = 0; i < ARRAY_COUNT(passes); i++)
        printf(", \"%s\": %.9f", passes[i].name, median(seconds[i], rounds));
    printf("}\n");
    free(t.bytes);
}

/* -- rows ------------------------------------------------------------------- */

struct row {
    int64_t class;
    char *key, *body;
    int key_length, body_length;
};

struct rows {
    struct row *items;
    size_t count, capacity;
};

static void
sql_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        rig_die(sqlite3_errmsg(db));
}

static sqlite3_stmt *
sql_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        rig_die(sqlite3_errmsg(db));
    return s;
}

static char *
column_copy(sqlite3_stmt *s, int i, int *length_out)
{
    const void *bytes = sqlite3_column_blob(s, i);
    char *copy;

    *length_out = sqlite3_column_bytes(s, i);
    copy = malloc((size_t)*length_out + 1);
    if (copy == NULL)
        rig_die("rows");
    if (*length_out > 0)
        memcpy(copy, bytes, (size_t)*length_out);
    return copy;
}

static void
rows_read(const char *dir, struct rows *out)
{
    char path[4096];
    sqlite3_stmt *s;
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/repository.db", dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        rig_die(path);
    s = sql_prepare(db, "SELECT class, key, body FROM instance");
    while (sqlite3_step(s) == SQLITE_ROW) {
        struct row row = {.class = sqlite3_column_int64(s, 0)};

        row.key = column_copy(s, 1, &row.key_length);
        row.body = column_copy(s, 2, &row.body_length);
        if (out->count == out->capacity) {
            out->capacity = out->capacity * 2 + 1024;
            out->items = reallocarray(out->items, out->capacity, sizeof(row));
            if (out->items == NULL)
                rig_die("rows");
        }
        out->items[out->count++] = row;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
}

static void
rows_insert(sqlite3 *db, const struct rows *rows)
{
    sqlite3_stmt *s;

    sql_run(db, "BEGIN");
    s = sql_prepare(db, "INSERT INTO instance (class, key, body) "
                        "VALUES (?1, ?2, ?3)");
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *r = &rows->items[i];

        sqlite3_bind_int64(s, 1, r->class);
        sqlite3_bind_text(s, 2, r->key, r->key_length, SQLITE_STATIC);
        sqlite3_bind_blob(s, 3, r->body, r->body_length, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE)
            rig_die(sqlite3_errmsg(db));
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    sql_run(db, "COMMIT");
}

/* Into a fresh file beside the repository, closed and flushed within the
 * time, as a compile does. */
static double
rows_pass(const char *dir, const struct rows *rows)
{
    char path[4096];
    sqlite3 *db;
    double start;

    snprintf(path, sizeof(path), "%s/limit.db", dir);
    unlink(path);
    start = cpu_now();
    if (sqlite3_open(path, &db) != SQLITE_OK)
        rig_die(path);
    sql_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "CREATE TABLE instance (id INTEGER PRIMARY KEY, class "
                "INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, "
                "UNIQUE (class, key))");
    rows_insert(db, rows);
    sqlite3_close(db);
    start = cpu_now() - start;
    unlink(path);
    return start;
}

static void
measure_rows(const char *dir, size_t rounds)
{
    double seconds[ROUNDS_MAX];
    struct rows rows = {0};

    rows_read(dir, &rows);
    for (size_t round = 0; round < rounds; round++)
        seconds[round] = rows_pass(dir, &rows);
    printf("{\"rows\": %zu, \"seconds\": %.9f}\n", rows.count,
           median(seconds, rounds));
    for (size_t i = 0; i < rows.count; i++) {
        free(rows.items[i].key);
        free(rows.items[i].body);
    }
    free(rows.items);
}

/* -- a process -------------------------------------------------------------- */

static int
measure_run(char **command)
{
    double start = rig_now();
    struct rusage usage;
    int status;
    pid_t pid = fork();

    if (pid < 0)
        rig_die("fork");
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execv(command[0], command);
        rig_die(command[0]);
    }
    if (wait4(pid, &status, 0, &usage) < 0)
        rig_die("wait4");
    printf("{\"seconds\": %.9f, \"cpu\": %.6f, \"peak\": %ld}\n",
           rig_now() - start,
           seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
           usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int
main(int argc, char **argv)
{
    size_t rounds;

    if (argc > 2 && strcmp(argv[1], "run") == 0)
        return measure_run(argv + 2);
    if (argc != 4) {
        fprintf(stderr, "usage: mof_limit text FILE ROUNDS | rows DIR ROUNDS "
                        "| run COMMAND...\n");
        return 2;
    }
    rounds = rig_number(argv[3]);
    if (rounds > ROUNDS_MAX)
        rounds = ROUNDS_MAX;
    if (strcmp(argv[1], "text") == 0)
        measure_text(argv[2], rounds);
    else if (strcmp(argv[1], "rows") == 0)
        measure_rows(argv[2], rounds);
    else
        rig_die(argv[1]);
    return 0;
}
