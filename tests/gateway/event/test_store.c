#include "gateway/event/merge.h"
#include "gateway/event/event.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(store);

#define START INT64_C(1700000000000000)

static struct event
refusal(const char *request, const char *principal, const char *client,
        int64_t time_us)
{
    struct event e = {
        .id = EVENT_ENCRYPTION_REQUIRED, .time_us = time_us, .generation = 4};

    e.fields[EVENT_FIELD_REQUEST_ID] = span_of(request);
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\a");
    e.fields[EVENT_FIELD_PRINCIPAL] = span_of(principal);
    e.fields[EVENT_FIELD_CLIENT] = span_of(client);
    e.fields[EVENT_FIELD_REASON] = SPAN("channel-not-private");
    e.fields[EVENT_FIELD_DETAIL] = span_of("first");
    return e;
}

/* Everything that is read, in short. */
struct seen {
    size_t rows;
    uint64_t occurrences;
    int64_t first, last;
    char text[4096];
};

static bool
see(void *arg, int64_t row, const struct event *e)
{
    struct seen *s = arg;
    struct buf b = BUF_INIT;

    if (s->rows == 0)
        s->first = row;
    cr_assert(row > s->last, "ascending");
    s->last = row;
    s->rows++;
    s->occurrences += e->count;
    event_format_line(e, &b);
    snprintf(s->text, sizeof(s->text), "%s", b.data);
    buf_fini(&b);
    return true;
}

static struct seen
read_all(const char *dir, const struct event_filter *f)
{
    struct event_filter everything = {0};
    struct event_reader *r;
    struct seen s = {0};
    struct error err = {0};

    cr_assert(event_reader_open(dir, &r, &err) == 0, "%s", err.text);
    cr_assert(
        event_reader_each(r, f != NULL ? f : &everything, see, &s, &err) == 0,
        "%s", err.text);
    event_reader_close(r);
    return s;
}

static struct event_store *
open_store(const char *dir, size_t rows_max)
{
    struct event_store *s;
    struct error err = {0};

    cr_assert(event_store_open(dir, rows_max, &s, &err) == 0, "%s", err.text);
    return s;
}

/* Whether it was counted in an earlier row. */
static bool
write_one(struct event_store *s, struct event e)
{
    struct error err = {0};
    int written = event_store_write(s, &e, &err);

    cr_assert(written >= 0, "%s", err.text);
    return written == 1;
}

static void
commit(struct event_store *s)
{
    struct error err = {0};

    cr_assert(event_store_commit(s, &err) == 0, "%s", err.text);
}

Test(store, keeps_what_is_written_and_is_read_beside_the_writer)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct event odd = {.id = EVENT_AUTHENTICATION_FAILED, .time_us = START};
    struct seen seen;

    odd.fields[EVENT_FIELD_TARGET] = (struct span){"a\0b\xff", 4};
    odd.fields[EVENT_FIELD_DETAIL] = SPAN("");
    write_one(s, odd);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == 0, "not before the commit");
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == 1 && seen.occurrences == 1);
    cr_assert(strstr(seen.text, "target=\"a\\u0000b\\xff\" detail=\"\"") !=
                  NULL,
              "%s", seen.text);
    event_store_close(s);
}

Test(store, makes_a_file_that_others_cannot_read)
{
    const char *dir = test_directory();
    struct event_store *s;
    char path[4200];
    struct stat st;

    umask(0);
    s = open_store(dir, 1000);
    write_one(s, refusal("1", "p", "c", START));
    commit(s);
    for (int i = 0; i < 3; i++) {
        static const char *const parts[] = {"", "-wal", "-shm"};

        snprintf(path, sizeof(path), "%s/%s%s", dir, EVENT_FILE, parts[i]);
        cr_assert(stat(path, &st) == 0);
        cr_assert((st.st_mode & 07777) == 0640, "%s: %o", path, st.st_mode);
    }
    event_store_close(s);
}

/* Threat 35: the count adds up. */
Test(store, merges_repeats_within_a_minute_and_counts_them)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct seen seen;
    char request[16], client[32];

    for (int i = 0; i < 500; i++) {
        snprintf(request, sizeof(request), "r%d", i);
        snprintf(client, sizeof(client), "192.0.2.1:%d", 1024 + i);
        cr_assert_eq(
            write_one(s, refusal(request, "p@R", client, START + i * 1000)),
            i >= MERGE_AFTER);
        if (i % 100 == 0)
            commit(s);
    }
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == MERGE_AFTER && seen.occurrences == 500,
              "%zu rows, %zu", seen.rows, (size_t)seen.occurrences);
    write_one(s, refusal("late", "p@R", "192.0.2.1:9", START + 60000000));
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == MERGE_AFTER + 1 && seen.occurrences == 501);
    event_store_close(s);
}

Test(store, takes_no_impossible_time)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX};
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    char year[5], now[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_COUNT(times); i++)
        write_one(s, refusal("1", "p", "c", times[i]));
    commit(s);
    clock_format(clock_now_us(), now);
    snprintf(year, sizeof(year), "%.4s", now);
    cr_assert(strncmp(read_all(dir, NULL).text, year, 3) == 0);
    event_store_close(s);
}

Test(store, merges_many_kinds_side_by_side_in_bounded_memory)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 100000);
    struct seen seen;
    char client[32];

    for (int i = 0; i < 20000; i++) {
        snprintf(client, sizeof(client), "192.0.%d.%d:7", i / 250, i % 250);
        write_one(s, refusal("1", "p", client, START + i));
    }
    for (int i = 0; i < 1000; i++)
        write_one(s, refusal("1", "p", "192.0.2.1:1", START + 30000));
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.occurrences == 21000);
    cr_assert(seen.rows <= 20000 + MERGE_AFTER);
    event_store_close(s);
}

Test(store, does_not_merge_what_differs)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct event e = refusal("1", "p@R", "192.0.2.1:1", START);
    struct seen seen;

    for (int i = 0; i < MERGE_AFTER; i++)
        write_one(s, e);
    write_one(s, refusal("2", "P@R", "192.0.2.1:1", START));
    write_one(s, refusal("3", "p@R", "192.0.2.2:1", START));
    e.fields[EVENT_FIELD_REASON] = SPAN("context-not-private");
    write_one(s, e);
    e = refusal("4", "p@R", "192.0.2.1:1", START);
    e.id = EVENT_ACCESS_REFUSED;
    write_one(s, e);
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\b");
    write_one(s, e);
    /* A boundary moved from one field to the next is another event. */
    e.fields[EVENT_FIELD_NAMESPACE] = SPAN("root\\bp");
    e.fields[EVENT_FIELD_PRINCIPAL] = SPAN("@R");
    write_one(s, e);
    e.id = EVENT_STARTED;
    write_one(s, e);
    write_one(s, e);
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == MERGE_AFTER + 8 &&
                  seen.occurrences == MERGE_AFTER + 8,
              "%zu", seen.rows);
    event_store_close(s);
}

static void
keep_line(void *arg, int64_t row, const struct event *e)
{
    (void)row;
    event_format_line(e, arg);
}

static void
assert_why(const char *dir, const char *request, const char *part)
{
    struct event_reader *r;
    struct buf line = BUF_INIT;
    struct error err = {0};
    int rc;

    cr_assert(event_reader_open(dir, &r, &err) == 0, "%s", err.text);
    rc = event_reader_why(r, span_of(request), keep_line, &line, &err);
    cr_assert(rc == (part != NULL), "%s: %d %s", request, rc, err.text);
    if (part != NULL)
        cr_assert(strstr(line.data, part) != NULL, "%s not in %s", part,
                  line.data);
    buf_fini(&line);
    event_reader_close(r);
}

Test(store, finds_each_request_with_its_own_particulars)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct event e = refusal("one", "p@R", "192.0.2.1:1", START);

    for (int i = 1; i < MERGE_AFTER; i++)
        write_one(s, refusal("before", "p@R", "192.0.2.1:1", START));
    write_one(s, e);
    e = refusal("two", "p@R", "192.0.2.1:2", START + 1000000);
    e.fields[EVENT_FIELD_DETAIL] = SPAN("second");
    write_one(s, e);
    e = refusal("three", "p@R", "192.0.2.1:2", START + 2000000);
    e.fields[EVENT_FIELD_DETAIL] = (struct span){NULL, 0};
    e.fields[EVENT_FIELD_TARGET] = SPAN("/cim/root/a");
    write_one(s, e);
    commit(s);
    cr_assert(read_all(dir, NULL).rows == MERGE_AFTER);
    assert_why(dir, "one",
               "requestId=one namespace=root\\a principal=p@R "
               "client=192.0.2.1:1 reason=channel-not-private "
               "detail=first generation=4");
    assert_why(dir, "two",
               "requestId=two namespace=root\\a principal=p@R "
               "client=192.0.2.1:2 reason=channel-not-private "
               "detail=second generation=4");
    assert_why(dir, "two", "2023-11-14T22:13:21.000Z");
    assert_why(dir, "three",
               "client=192.0.2.1:2 target=/cim/root/a "
               "reason=channel-not-private generation=4");
    assert_why(dir, "four", NULL);
    assert_why(dir, "", NULL);
    event_store_close(s);
}

Test(store, drops_the_oldest_beyond_the_limit)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 10);
    struct event e = {.id = EVENT_STARTED};
    struct seen seen;
    char request[16];

    for (int i = 1; i <= 35; i++) {
        snprintf(request, sizeof(request), "r%d", i);
        e.fields[EVENT_FIELD_REQUEST_ID] = span_of(request);
        write_one(s, e);
        if (i % 7 == 0)
            commit(s);
    }
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == 10 && seen.first == 26 && seen.last == 35);
    assert_why(dir, "r26", "requestId=r26");
    assert_why(dir, "r25", NULL);
    event_store_close(s);
}

Test(store, filters_by_id_namespace_row_and_number)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct event e = {.id = EVENT_STARTED};
    struct event_filter f = {0};
    struct seen seen;

    for (int i = 0; i < 20; i++) {
        e.id = i % 2 ? EVENT_STARTED : EVENT_RELOADED;
        e.fields[EVENT_FIELD_NAMESPACE] =
            i < 10 ? SPAN("root\\a") : SPAN("Root\\B");
        write_one(s, e);
    }
    commit(s);
    f.id = EVENT_RELOADED;
    cr_assert(read_all(dir, &f).rows == 10);
    f.namespace = SPAN("root\\b");
    seen = read_all(dir, &f);
    cr_assert(seen.rows == 5 && seen.first == 11);
    f = (struct event_filter){.limit = 3};
    seen = read_all(dir, &f);
    cr_assert(seen.rows == 3 && seen.first == 1 && seen.last == 3);
    f.tail = true;
    seen = read_all(dir, &f);
    cr_assert(seen.rows == 3 && seen.first == 18 && seen.last == 20);
    f = (struct event_filter){.after_row = 15};
    seen = read_all(dir, &f);
    cr_assert(seen.rows == 5 && seen.first == 16);
    f.namespace = SPAN("root\\a' OR 1 --");
    cr_assert(read_all(dir, &f).rows == 0);
    event_store_close(s);
}

Test(store, goes_on_with_the_same_rows_after_a_restart)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);

    write_one(s, refusal("1", "p", "c", START));
    event_store_close(s);
    s = open_store(dir, 1000);
    write_one(s, refusal("2", "p", "c", START));
    commit(s);
    cr_assert(read_all(dir, NULL).last == 2);
    event_store_close(s);
}

Test(store, is_read_when_nobody_writes)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);

    write_one(s, refusal("1", "p", "c", START));
    event_store_close(s);
    cr_assert(read_all(dir, NULL).rows == 1);
}

static void
run_sql(const char *dir, const char *sql)
{
    char path[4200];
    sqlite3 *db;

    snprintf(path, sizeof(path), "%s/%s", dir, EVENT_FILE);
    cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
              sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* Threat 35, 31: a full disk. */
Test(store, counts_what_a_failing_file_could_not_take)
{
    const char *dir = test_directory();
    struct event_store *s = open_store(dir, 1000);
    struct event e = {.id = EVENT_STARTED};
    struct error err = {0};
    struct seen seen;

    write_one(s, e);
    commit(s);
    write_one(s, e);
    write_one(s, refusal("1", "p", "c", START));
    write_one(s, refusal("2", "p", "c", START));
    commit(s);
    /* From now on a write with a request id fails. */
    run_sql(dir, "CREATE TRIGGER t BEFORE INSERT ON request BEGIN "
                 "SELECT RAISE(FAIL, 'full'); END");
    write_one(s, e);
    e = refusal("3", "p", "c", START);
    cr_assert(event_store_write(s, &e, &err) < 0);
    cr_assert(strncmp(err.text, "event log: ", 11) == 0, "%s", err.text);
    cr_assert(read_all(dir, NULL).occurrences == 4);
    run_sql(dir, "DROP TRIGGER t");
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.occurrences == 6, "%zu", (size_t)seen.occurrences);
    cr_assert(strstr(seen.text, "events-lost") != NULL);
    cr_assert(strstr(seen.text, "count=2 reason=store-failed") != NULL);
    write_one(s, refusal("4", "p", "c", START));
    commit(s);
    cr_assert(read_all(dir, NULL).occurrences == 7);
    event_store_close(s);
}

static size_t
count_set_aside(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    size_t n = 0;

    cr_assert(d != NULL);
    while ((entry = readdir(d)) != NULL)
        n += strncmp(entry->d_name, "events.db.damaged-", 18) == 0;
    closedir(d);
    return n;
}

/* Threat 31. */
Test(store, sets_a_damaged_file_aside_and_says_so)
{
    const char *dir = test_directory();
    char path[4200];
    struct event_store *s;
    struct seen seen;

    snprintf(path, sizeof(path), "%s/%s", dir, EVENT_FILE);
    test_shell("head -c 9000 /dev/zero | tr '\\0' x > %s", path);
    s = open_store(dir, 1000);
    commit(s);
    seen = read_all(dir, NULL);
    cr_assert(seen.rows == 1);
    cr_assert(strstr(seen.text, "reason=log-damaged") != NULL, "%s",
              seen.text);
    cr_assert(count_set_aside(dir) == 1);
    event_store_close(s);
}

Test(store, is_not_opened_where_there_is_nothing)
{
    const char *dir = test_directory();
    struct event_store *s;
    struct event_reader *r;
    struct error err = {0};

    cr_assert(event_store_open("/nonexistent", 10, &s, &err) < 0);
    cr_assert(s == NULL);
    cr_assert_str_eq(err.text,
                     "/nonexistent/events.db: No such file or directory");
    cr_assert(event_reader_open("/nonexistent", &r, &err) < 0);
    cr_assert(r == NULL);
    test_shell("echo no database > %s/events.db", dir);
    cr_assert(event_reader_open(dir, &r, &err) < 0);
}

/* As another user: the reader of a live log needs no right to write. */
static void
read_as(uid_t uid, const char *dir, size_t rows)
{
    pid_t child = fork();
    int status;

    cr_assert(child >= 0);
    if (child == 0) {
        struct event_filter f = {0};
        struct event_reader *r;
        struct seen s = {0};

        if (setgid(uid) < 0 || setuid(uid) < 0 ||
            event_reader_open(dir, &r, NULL) < 0)
            _exit(2);
        if (event_reader_each(r, &f, see, &s, NULL) < 0 || s.rows != rows)
            _exit(3);
        event_reader_close(r);
        _exit(0);
    }
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d",
              status);
}

Test(store, is_read_by_a_user_who_may_only_read)
{
    const char *dir = test_directory();
    struct event_store *s;
    struct stat st;
    char path[4200];

    if (geteuid() != 0)
        cr_skip("needs root to become somebody else");
    cr_assert(chown(dir, 60001, 60002) == 0 && chmod(dir, 0750) == 0);
    s = open_store(dir, 1000);
    write_one(s, refusal("1", "p", "c", START));
    commit(s);
    read_as(60002, dir, 1);
    event_store_close(s);
    read_as(60002, dir, 1);
    cr_assert(read_all(dir, NULL).rows == 1, "root");
    for (int i = 0; i < 3; i++) {
        static const char *const parts[] = {"", "-wal", "-shm"};

        snprintf(path, sizeof(path), "%s/%s%s", dir, EVENT_FILE, parts[i]);
        cr_assert(stat(path, &st) < 0 || st.st_uid == 60001, "%s", path);
    }
    read_as(60002, dir, 1);
    read_as(60001, dir, 1);
}
