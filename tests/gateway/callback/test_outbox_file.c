#include "gateway/callback/outbox.h"
#include "tests/gateway/callback/box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(outbox_file);

static char dir[512];
static struct error err;

static void
setup(void)
{
    snprintf(dir, sizeof(dir), "%s", test_directory());
}

#define FILE_TEST(name) Test(outbox_file, name, .init = setup)

static const char *
file_path(const char *suffix)
{
    static char path[600];

    snprintf(path, sizeof(path), "%s/%s%s", dir, OUTBOX_FILE, suffix);
    return path;
}

/* -- what lasts ----------------------------------------------------------- */

FILE_TEST(what_is_committed_is_there_after_reopening)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    struct operation_request r = box_request(9);

    box_add_result(b, 1, 2);
    box_commit(b);
    cr_assert_not(outbox_is_dirty(b));
    outbox_close(b);
    b = box_open(dir, OUTBOX_WRITE);
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
    cr_assert(box_batch_is(b, 1, 2, SPAN("1.2")));
    cr_assert_eq(box_count(b, OPERATION_DELIVERING), 1);
    r.operations_per_principal = 1;
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_QUOTA, "the counts last too");
    cr_assert_null(outbox_set_aside(b));
    outbox_close(b);
}

FILE_TEST(what_is_not_committed_is_gone_after_closing)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);

    box_add_result(b, 1, 1);
    box_commit(b);
    box_end(b, 1, OPERATION_DONE);
    box_add_result(b, 2, 1);
    outbox_close(b);
    b = box_open(dir, OUTBOX_WRITE);
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
    cr_assert_eq(box_state(b, 2), OPERATION_STATE_NONE);
    cr_assert(box_batch_is(b, 1, 1, SPAN("1.1")));
    cr_assert_eq(box_count(b, OPERATION_DELIVERING), 1);
    outbox_close(b);
}

FILE_TEST(an_error_rolls_back_everything_since_the_last_commit)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    struct operation_request r = box_request(3);

    box_add_result(b, 1, 1);
    box_commit(b);
    box_add_result(b, 2, 1);
    r.principal = (struct span){NULL, 0}; /* may not be absent */
    cr_assert_eq(outbox_add(b, &r, START, &err), OUTBOX_ADD_FAILED);
    cr_assert_not(outbox_is_dirty(b));
    cr_assert_eq(box_state(b, 2), OPERATION_STATE_NONE);
    cr_assert_eq(box_count(b, OPERATION_DELIVERING), 1);
    cr_assert_eq(outbox_commit(b, &err), -1, "something was lost");
    box_add_result(b, 2, 1);
    box_commit(b);
    cr_assert_eq(box_state(b, 2), OPERATION_DELIVERING);
    outbox_close(b);
}

FILE_TEST(others_than_its_group_cannot_read_it)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    struct outbox *b;
    struct stat st;

    umask(0);
    b = box_open(dir, OUTBOX_WRITE);
    box_add_result(b, 1, 1);
    box_commit(b);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        cr_assert_eq(stat(file_path(parts[i]), &st), 0, "%s", parts[i]);
        cr_assert_eq(st.st_mode & 07777, 0640, "%s: %o", parts[i], st.st_mode);
    }
    outbox_close(b);
}

/* -- a reader beside the writer ------------------------------------------- */

FILE_TEST(a_reader_sees_each_commit_and_nothing_before_it)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    struct outbox *reader = box_open(dir, OUTBOX_READ);

    box_add_result(b, 1, 1);
    cr_assert_eq(box_state(reader, 1), OPERATION_STATE_NONE);
    box_commit(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_DELIVERING);
    cr_assert(box_batch_is(reader, 1, 1, SPAN("1.1")));
    cr_assert_str_eq(box_due(reader, OPERATION_DELIVERING, INT64_MAX, 0), "1");
    /* It holds nothing that would keep the writer or a checkpoint. */
    box_end(b, 1, OPERATION_DONE);
    box_commit(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_DONE);
    outbox_close(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_DONE);
    outbox_close(reader);
}

FILE_TEST(a_reader_changes_nothing)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    struct outbox *reader;
    struct operation_request r = box_request(2);

    box_add_result(b, 1, 1);
    box_commit(b);
    reader = box_open(dir, OUTBOX_READ);
    cr_assert_eq(outbox_add(reader, &r, START, &err), OUTBOX_ADD_FAILED);
    cr_assert_eq(err.code, -EROFS);
    cr_assert_eq(outbox_remove(reader, box_id(1), &err), -1);
    cr_assert_eq(outbox_revive(reader, box_id(1), START, &err), -1);
    cr_assert_not(outbox_is_dirty(reader));
    cr_assert_eq(outbox_run(reader, "DELETE FROM operation", &err), -1,
                 "SQLite says so too");
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
    outbox_close(reader);
    outbox_close(b);
}

FILE_TEST(without_a_file_a_reader_finds_nothing_and_then_what_comes)
{
    struct outbox *reader = box_open(dir, OUTBOX_READ);
    struct outbox *b;
    int64_t due = 0;

    cr_assert_eq(box_state(reader, 1), OPERATION_STATE_NONE);
    cr_assert_not(box_batch_is(reader, 1, 1, SPAN("1.1")));
    cr_assert_str_eq(box_due(reader, OPERATION_DELIVERING, INT64_MAX, 0), "");
    cr_assert_eq(box_count(reader, OPERATION_DELIVERING), 0);
    cr_assert_eq(outbox_next_due(reader, &due, &err), 0);
    cr_assert_eq(due, INT64_MAX);
    cr_assert_neq(access(file_path(""), F_OK), 0, "it made one");
    test_write_file(file_path(""), "", 0);
    cr_assert_eq(box_state(reader, 1), OPERATION_STATE_NONE);
    b = box_open(dir, OUTBOX_WRITE);
    box_add_result(b, 1, 1);
    box_commit(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_DELIVERING);
    outbox_close(reader);
    outbox_close(b);
}

FILE_TEST(a_reader_follows_to_the_file_that_has_taken_its_place)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE), *reader;

    box_add_result(b, 1, 1);
    box_commit(b);
    reader = box_open(dir, OUTBOX_READ);
    cr_assert_eq(box_state(reader, 1), OPERATION_DELIVERING);
    b->damaged = true; /* and so set aside */
    box_add_result(b, 2, 1);
    box_commit(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_STATE_NONE);
    cr_assert_eq(box_state(reader, 2), OPERATION_DELIVERING);
    outbox_close(b);
    outbox_close(reader);
}

enum { FOUND, NOT_FOUND, FAILED };

/* As a worker has it: another user, who may only read. */
static int
read_as(uid_t uid, gid_t gid)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        struct outbox *reader = NULL;
        struct arena *arena = arena_new();
        struct operation o;
        int found = -1;

        if (setgid(gid) == 0 && setuid(uid) == 0 &&
            outbox_open(dir, OUTBOX_READ, &reader, NULL) == 0)
            found = outbox_find(reader, box_id(1), arena, &o, NULL);
        outbox_close(reader);
        arena_free(arena);
        _exit(found == 1 && o.state == OPERATION_DELIVERING ? FOUND
              : found == 0                                  ? NOT_FOUND
                                                            : FAILED);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

FILE_TEST(another_user_reads_it_with_and_without_a_writer)
{
    struct outbox *b;

    if (geteuid() != 0)
        return;
    cr_assert_eq(chown(dir, 65533, 65534), 0);
    cr_assert_eq(chmod(dir, 0750), 0);
    b = box_open(dir, OUTBOX_WRITE);
    box_add_result(b, 1, 1);
    box_commit(b);
    cr_assert_eq(read_as(65532, 65534), FOUND, "beside the writer");
    cr_assert_eq(read_as(65532, 65531), FAILED, "of another group");
    outbox_close(b);
    cr_assert_eq(read_as(65532, 65534), FOUND, "without a writer");
}

/* -- damage --------------------------------------------------------------- */

/* The files beside it that are named after damage. */
static size_t
count_damaged(char name[300])
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;

    while ((e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, OUTBOX_FILE ".damaged-", 18) != 0 ||
            strchr(e->d_name + 18, '-') != NULL)
            continue;
        snprintf(name, 300, "%s", e->d_name);
        n++;
    }
    closedir(d);
    return n;
}

FILE_TEST(a_damaged_file_is_kept_beside_a_new_one)
{
    char garbage[8192], name[300] = "";
    struct outbox *b;

    memset(garbage, 'x', sizeof(garbage));
    test_write_file(file_path(""), garbage, sizeof(garbage));
    b = box_open(dir, OUTBOX_WRITE);
    cr_assert_eq(count_damaged(name), 1);
    cr_assert_str_eq(outbox_set_aside(b), name);
    box_add_result(b, 1, 1);
    box_commit(b);
    outbox_close(b);
    b = box_open(dir, OUTBOX_WRITE);
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
    cr_assert_null(outbox_set_aside(b));
    outbox_close(b);
}

FILE_TEST(a_reader_reports_damage_and_leaves_the_file_alone)
{
    char garbage[8192], name[300];
    struct outbox *reader = box_open(dir, OUTBOX_READ), *b;
    struct arena *arena = arena_new();
    struct operation o;

    memset(garbage, 'x', sizeof(garbage));
    test_write_file(file_path(""), garbage, sizeof(garbage));
    cr_assert_eq(outbox_find(reader, box_id(1), arena, &o, &err), -1);
    cr_assert_not_null(strstr(err.text, OUTBOX_FILE), "%s", err.text);
    cr_assert_eq(count_damaged(name), 0);
    b = box_open(dir, OUTBOX_WRITE);
    box_add_result(b, 1, 1);
    box_commit(b);
    cr_assert_eq(box_state(reader, 1), OPERATION_DELIVERING, "its successor");
    outbox_close(b);
    outbox_close(reader);
    arena_free(arena);
}

/* Overwrites every page but the first. */
static void
damage_pages(void)
{
    char garbage[4096];
    int fd = open(file_path(""), O_WRONLY);
    off_t size = lseek(fd, 0, SEEK_END);

    memset(garbage, 'x', sizeof(garbage));
    for (off_t at = 4096; at < size; at += 4096)
        cr_assert_eq(pwrite(fd, garbage, sizeof(garbage), at), 4096);
    cr_assert(size > 4096);
    close(fd);
}

FILE_TEST(damage_met_at_work_loses_the_change_and_not_the_next)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE), *reader;
    struct operation_request r = box_request(2);
    struct arena *arena = arena_new();
    struct operation o;
    char name[300] = "";

    box_add_result(b, 1, 1);
    box_commit(b);
    outbox_close(b); /* all of it into the file */
    damage_pages();
    b = box_open(dir, OUTBOX_WRITE);
    reader = box_open(dir, OUTBOX_READ);
    cr_assert_eq(outbox_find(reader, box_id(1), arena, &o, &err), -1);
    cr_assert_eq(outbox_add(b, &r, START, &err), OUTBOX_ADD_FAILED);
    cr_assert_not(outbox_is_dirty(b));
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    cr_assert_eq(count_damaged(name), 1);
    cr_assert_str_eq(outbox_set_aside(b), name);
    box_commit(b);
    cr_assert_eq(box_state(reader, 2), OPERATION_ACCEPTED);
    outbox_close(reader);
    outbox_close(b);
    arena_free(arena);
}

FILE_TEST(damage_met_while_reading_is_not_committed_over)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);

    box_add_result(b, 1, 1);
    b->damaged = true; /* as a read of this handle would leave it */
    cr_assert_eq(outbox_remove(b, box_id(2), &err), -1);
    box_add_result(b, 1, 1);
    b->damaged = true;
    cr_assert_eq(outbox_commit(b, &err), -1);
    cr_assert_not(outbox_is_dirty(b));
    cr_assert_eq(outbox_commit(b, &err), 0, "there is nothing to commit");
    box_add_result(b, 2, 1);
    cr_assert_eq(box_state(b, 1), OPERATION_STATE_NONE);
    outbox_close(b);
}

FILE_TEST(what_an_error_undid_is_not_told_to_be_committed)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    struct operation_request r = box_request(2), after = box_request(3);
    struct buf big = BUF_INIT;

    box_add_result(b, 1, 1);
    box_commit(b);
    for (int i = 0; i < 1 << 20; i++)
        buf_add_char(&big, 'x');
    cr_assert_eq(outbox_run(b, "PRAGMA max_page_count = 100", &err), 0);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    cr_assert_eq(outbox_add_batch(b, r.id, buf_span(&big), 1, &err), -1);
    cr_assert_eq(box_add(b, &after), OUTBOX_ADD_OK);
    cr_assert_eq(outbox_commit(b, &err), -1);
    cr_assert_not(outbox_is_dirty(b));
    cr_assert_eq(box_state(b, 1), OPERATION_DELIVERING);
    cr_assert_eq(box_state(b, 2), OPERATION_STATE_NONE);
    cr_assert_eq(box_state(b, 3), OPERATION_STATE_NONE);
    cr_assert_eq(box_add(b, &r), OUTBOX_ADD_OK);
    box_commit(b);
    cr_assert_eq(box_state(b, 2), OPERATION_ACCEPTED);
    buf_fini(&big);
    outbox_close(b);
}

FILE_TEST(a_file_of_a_later_version_is_left_alone)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    char name[300];

    cr_assert_eq(outbox_run(b, "PRAGMA user_version = 2", &err), 0);
    outbox_close(b);
    cr_assert_eq(outbox_open(dir, OUTBOX_WRITE, &b, &err), -1);
    cr_assert_not_null(strstr(err.text, "later version"), "%s", err.text);
    cr_assert_eq(outbox_open(dir, OUTBOX_READ, &b, &err), -1);
    cr_assert_eq(count_damaged(name), 0);
}

FILE_TEST(without_its_directory_there_is_no_outbox)
{
    struct outbox *b;

    strcat(dir, "/missing");
    cr_assert_eq(outbox_open(dir, OUTBOX_WRITE, &b, &err), -1);
    cr_assert_eq(err.code, -ENOENT);
    cr_assert_null(b);
}

/* -- what it costs -------------------------------------------------------- */

/* Instructions of SQLite's machine since the last look. */
static int
steps_of(struct outbox *b, enum outbox_statement which)
{
    return sqlite3_stmt_status(outbox_statement(b, which, &err),
                               SQLITE_STMTSTATUS_VM_STEP, 1);
}

static const enum outbox_statement cheap[] = {
    OUTBOX_QUOTA,    OUTBOX_ADD,     OUTBOX_ADD_BATCH,   OUTBOX_SET_RESULT,
    OUTBOX_SET_SENT, OUTBOX_SET_END, OUTBOX_FIND,        OUTBOX_BATCH,
    OUTBOX_DUE,      OUTBOX_COUNTS,  OUTBOX_EXPIRE,      OUTBOX_NEXT_DUE,
    OUTBOX_REMOVE,   OUTBOX_REVIVE,  OUTBOX_COUNT_BATCH,
};

/* One of everything; the steps of each statement. */
static void
live(struct outbox *b, unsigned n, int steps[ARRAY_COUNT(cheap)])
{
    int64_t due;

    for (size_t i = 0; i < ARRAY_COUNT(cheap); i++)
        steps_of(b, cheap[i]);
    box_add_result(b, n, 1);
    cr_assert(box_batch_is(b, n, 1, SPAN("")) == false);
    box_due(b, OPERATION_DELIVERING, START + SECOND, 1);
    cr_assert_eq(outbox_next_due(b, &due, &err), 0);
    outbox_set_sent(b, box_id(n), 1, &err);
    box_end(b, n, OPERATION_DEAD);
    outbox_revive(b, box_id(n), START, &err);
    box_find(b, n);
    box_count(b, OPERATION_DEAD);
    outbox_expire(b, START, &err);
    outbox_remove(b, box_id(n), &err);
    for (size_t i = 0; i < ARRAY_COUNT(cheap); i++)
        steps[i] = steps_of(b, cheap[i]);
}

FILE_TEST(ten_thousand_operations_make_no_statement_dearer)
{
    struct outbox *b = box_open(dir, OUTBOX_WRITE);
    int few[ARRAY_COUNT(cheap)], many[ARRAY_COUNT(cheap)];

    for (unsigned n = 0; n < 10; n++)
        box_add_result(b, n, 1);
    live(b, 100000, few);
    for (unsigned n = 10; n < 10000; n++) {
        box_add_result(b, n, 1);
        if (n % 3 == 0)
            box_end(b, n, OPERATION_DONE);
    }
    box_commit(b);
    live(b, 100000, many);
    for (size_t i = 0; i < ARRAY_COUNT(cheap); i++) {
        cr_assert(few[i] > 0, "statement %d did not run", (int)cheap[i]);
        cr_assert(many[i] <= few[i] + 16, "statement %d: %d steps, once %d",
                  (int)cheap[i], many[i], few[i]);
        cr_assert_eq(sqlite3_stmt_status(outbox_statement(b, cheap[i], &err),
                                         SQLITE_STMTSTATUS_SORT, 0),
                     0, "statement %d sorts", (int)cheap[i]);
    }
    cr_assert_eq(box_count(b, OPERATION_DELIVERING), 10000 - 3330);
    cr_assert_eq(box_count(b, OPERATION_DONE), 3330);
    outbox_close(b);
}
