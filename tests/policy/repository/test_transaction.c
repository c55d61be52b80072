#include "tests/policy/repository/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(transaction);

static uint64_t
generation_of(struct repository *repo)
{
    struct error err;
    uint64_t generation;

    cr_assert(repository_read_begin(repo, &generation, &err) == 0, "%s",
              err.text);
    repository_read_end(repo);
    return generation;
}

static bool
has_namespace(struct repository *repo, const char *text)
{
    struct namespace_path ns = path_of(text);
    struct repository_namespace found;
    struct error err;
    uint64_t generation;
    int r;

    cr_assert(repository_read_begin(repo, &generation, &err) == 0);
    r = repository_namespace_find(repo, &ns, &found, &err);
    cr_assert(r >= 0, "%s", err.text);
    repository_read_end(repo);
    return r > 0;
}

static void
store_namespace(struct repository *repo, const char *ns)
{
    struct unit u = unit_new();

    unit_namespace(&u, ns);
    unit_store(repo, &u, NULL);
    unit_free(&u);
}

Test(transaction, a_new_repository_has_root_and_generation_zero)
{
    struct repository *repo = repository_new(NULL);
    struct error err;

    cr_assert(generation_of(repo) == 0);
    cr_assert(has_namespace(repo, "root"));
    cr_assert(!has_namespace(repo, "root\\default"));
    cr_assert(repository_check(repo, &err) == 0, "%s", err.text);
    repository_close(repo);
}

Test(transaction, generation_counts_commits_that_change)
{
    struct repository *repo = repository_new(NULL);
    struct error err;
    uint64_t first, again;

    store_namespace(repo, "root\\a");
    cr_assert(generation_of(repo) == 1);
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0);
    cr_assert(repository_next_generation(repo, &first, &err) == 0);
    cr_assert(repository_next_generation(repo, &again, &err) == 0);
    cr_assert(first == 2 && again == 2);
    cr_assert(repository_commit(repo, &err) == 0);
    cr_assert(generation_of(repo) == 2);
    repository_close(repo);
}

Test(transaction, rollback_leaves_everything_as_it_was)
{
    struct repository *repo = repository_new(NULL);
    struct unit u = unit_new();
    struct error err;
    uint64_t generation;

    unit_namespace(&u, "root\\a");
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0);
    cr_assert(unit_apply(repo, &u, NULL, NULL) == 0);
    cr_assert(repository_next_generation(repo, &generation, &err) == 0);
    repository_rollback(repo);
    cr_assert(!has_namespace(repo, "root\\a"));
    cr_assert(generation_of(repo) == 0);
    unit_free(&u);
    repository_close(repo);
}

Test(transaction, a_close_without_commit_changes_nothing)
{
    const char *dir;
    struct repository *repo = repository_new(&dir);
    struct unit u = unit_new();
    struct error err;

    unit_namespace(&u, "root\\a");
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) == 0);
    cr_assert(unit_apply(repo, &u, NULL, NULL) == 0);
    repository_close(repo);
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &repo, &err) == 0);
    cr_assert(!has_namespace(repo, "root\\a"));
    unit_free(&u);
    repository_close(repo);
}

Test(transaction, a_reader_keeps_its_snapshot)
{
    const char *dir;
    struct repository *writer = repository_new(&dir), *reader;
    struct namespace_path a = path_of("root\\a");
    struct repository_namespace found;
    struct error err;
    uint64_t generation;

    cr_assert(repository_open(dir, REPOSITORY_READ, &reader, &err) == 0, "%s",
              err.text);
    cr_assert(repository_read_begin(reader, &generation, &err) == 0);
    cr_assert(generation == 0);
    store_namespace(writer, "root\\a");
    cr_assert(repository_namespace_find(reader, &a, &found, &err) == 0);
    repository_read_end(reader);
    cr_assert(repository_read_begin(reader, &generation, &err) == 0);
    cr_assert(generation == 1);
    cr_assert(repository_namespace_find(reader, &a, &found, &err) == 1);
    repository_read_end(reader);
    repository_close(reader);
    repository_close(writer);
}

static void
count_wait(void *arg)
{
    ++*(int *)arg;
}

Test(transaction, one_writer_at_a_time_and_the_other_is_told_once)
{
    const char *dir;
    struct repository *first = repository_new(&dir), *second;
    struct error err = {0};
    int waited = 0;

    cr_assert(repository_open(dir, REPOSITORY_WRITE, &second, &err) == 0);
    cr_assert(repository_begin(first, 0, NULL, NULL, &err) == 0);
    cr_assert(repository_begin(second, 100, count_wait, &waited, &err) < 0);
    cr_assert(waited == 1 && err.code == -EBUSY);
    repository_rollback(first);
    cr_assert(repository_begin(second, 0, count_wait, &waited, &err) == 0);
    cr_assert(waited == 1);
    repository_close(second);
    repository_close(first);
}

Test(transaction, the_turn_outlives_the_commit_until_its_end)
{
    const char *dir;
    struct repository *first = repository_new(&dir), *second;
    struct error err = {0};
    uint64_t generation;

    cr_assert(repository_open(dir, REPOSITORY_WRITE, &second, &err) == 0);
    store_namespace(first, "root\\a");
    /* Reading does not end it, neither here nor there. */
    cr_assert(generation_of(first) == 1 && generation_of(second) == 1);
    cr_assert(repository_begin(second, 0, NULL, NULL, &err) < 0);
    cr_assert(err.code == -EBUSY);
    repository_end(first);
    cr_assert(repository_begin(second, 0, NULL, NULL, &err) == 0);
    cr_assert(repository_generation(second, &generation, &err) == 0);
    cr_assert(generation == 1);
    repository_rollback(second);
    cr_assert(repository_begin(first, 0, NULL, NULL, &err) == 0);
    repository_close(first);
    cr_assert(repository_begin(second, 0, NULL, NULL, &err) == 0);
    repository_close(second);
}

Test(transaction, nothing_is_written_outside_a_transaction)
{
    struct repository *repo = repository_new(NULL);
    struct mof_unit unit = {0};
    struct repository_change change;
    struct error err;
    uint64_t generation;

    cr_assert(repository_apply(repo, &unit, NULL, NULL, NULL, &change, &err) <
              0);
    cr_assert(repository_next_generation(repo, &generation, &err) < 0);
    cr_assert(repository_commit(repo, &err) < 0);
    cr_assert(repository_read_begin(repo, &generation, &err) == 0);
    cr_assert(repository_apply(repo, &unit, NULL, NULL, NULL, &change, &err) <
              0);
    repository_read_end(repo);
    repository_rollback(repo);
    repository_close(repo);
}

Test(transaction, a_reader_never_creates_and_never_writes)
{
    const char *dir = test_directory();
    struct repository *repo;
    char path[300];
    struct error err = {0};

    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) < 0);
    cr_assert(err.code == -ENOENT && repo == NULL);
    snprintf(path, sizeof(path), "%s/%s", dir, REPOSITORY_FILE);
    cr_assert(access(path, F_OK) < 0);
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &repo, &err) == 0);
    repository_close(repo);
    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) == 0, "%s",
              err.text);
    cr_assert(repository_begin(repo, 0, NULL, NULL, &err) < 0);
    repository_close(repo);
}

static void
assert_no_repository(const char *dir)
{
    struct repository *repo;

    for (int mode = REPOSITORY_READ; mode <= REPOSITORY_WRITE; mode++) {
        struct error err = {0};

        cr_assert(
            repository_open(dir, (enum repository_mode)mode, &repo, &err) < 0,
            "mode %d", mode);
        cr_assert(repo == NULL && err.text[0] != '\0');
    }
}

Test(transaction, refuses_files_that_are_no_repository)
{
    const char *dir = test_directory();
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", dir, REPOSITORY_FILE);
    test_write_file(path, "this is not a database, only text", 33);
    cr_assert(chmod(path, 0640) == 0);
    assert_no_repository(dir);
    cr_assert(unlink(path) == 0);
    cr_assert(mkdir(path, 0755) == 0);
    assert_no_repository(dir);
    cr_assert(rmdir(path) == 0);
    cr_assert(symlink("/dev/null", path) == 0);
    assert_no_repository(dir);
    cr_assert(unlink(path) == 0);
    test_shell("sqlite3 %s 'create table t(x)' && chmod 640 %s", path, path);
    assert_no_repository(dir);
}

Test(transaction, refuses_a_newer_schema_and_a_file_others_may_write)
{
    const char *dir;
    char path[300];

    repository_close(repository_new(&dir));
    snprintf(path, sizeof(path), "%s/%s", dir, REPOSITORY_FILE);
    test_shell("sqlite3 %s 'pragma user_version = 3'", path);
    assert_no_repository(dir);
    test_shell("sqlite3 %s 'pragma user_version = 2'", path);
    test_shell("chmod 660 %s", path);
    assert_no_repository(dir);
}

Test(transaction, brings_an_older_schema_up_to_date_when_it_writes)
{
    const char *dir;
    struct repository *repo = repository_new(&dir);
    struct error err = {0};
    char path[300];

    store_namespace(repo, "root\\a");
    repository_close(repo);
    snprintf(path, sizeof(path), "%s/%s", dir, REPOSITORY_FILE);
    test_shell("sqlite3 %s 'drop table descriptor; drop table qualifier; "
               "pragma user_version = 1'",
               path);
    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) < 0);
    cr_assert(strstr(err.text, "older") != NULL, "%s", err.text);
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &repo, &err) == 0, "%s",
              err.text);
    cr_assert(repository_check(repo, &err) == 0, "%s", err.text);
    repository_close(repo);
    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) == 0);
    repository_close(repo);
}

Test(transaction, check_finds_damage)
{
    const char *dir;
    struct repository *repo = repository_new(&dir);
    char path[300];
    struct error err;
    size_t size;
    char *bytes;

    store_namespace(repo, "root\\a");
    repository_close(repo);
    snprintf(path, sizeof(path), "%s/%s", dir, REPOSITORY_FILE);
    bytes = test_read_file(path, &size);
    cr_assert(size > 8192);
    memset(bytes + 4096, 0xa5, size - 4096);
    test_write_file(path, bytes, size);
    free(bytes);
    if (repository_open(dir, REPOSITORY_READ, &repo, &err) < 0)
        return;
    cr_assert(repository_check(repo, &err) < 0);
    repository_close(repo);
}

Test(transaction, check_finds_a_schema_that_was_changed)
{
    const char *dir;
    struct repository *repo;
    struct error err;

    repository_close(repository_new(&dir));
    test_shell("sqlite3 %s/%s 'create trigger t after update on namespace "
               "begin select 1; end'",
               dir, REPOSITORY_FILE);
    cr_assert(repository_open(dir, REPOSITORY_READ, &repo, &err) == 0);
    cr_assert(repository_check(repo, &err) < 0);
    repository_close(repo);
}

Test(transaction, files_belong_to_the_owner_of_the_directory)
{
    static const char *const files[] = {
        REPOSITORY_FILE, REPOSITORY_FILE "-wal", REPOSITORY_FILE "-shm"};
    char dir[256], path[300];
    struct repository *repo;
    struct error err;
    struct stat st;

    if (geteuid() != 0)
        cr_skip("needs root");
    snprintf(dir, sizeof(dir), "%s", test_directory());
    cr_assert(chown(dir, 4242, 4243) == 0);
    cr_assert(state_owner_enter(dir, &err) == 0, "%s", err.text);
    cr_assert(setfsuid((uid_t)-1) == 4242 && setfsgid((gid_t)-1) == 4243);
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &repo, &err) == 0, "%s",
              err.text);
    store_namespace(repo, "root\\a");
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        cr_assert(stat(path, &st) == 0, "%s", path);
        cr_assert(st.st_uid == 4242 && st.st_gid == 4243, "%s", path);
        cr_assert((st.st_mode & 07777) == 0640, "%s %o", path, st.st_mode);
    }
    repository_close(repo);
    state_owner_leave();
    cr_assert(setfsuid((uid_t)-1) == 0 && setfsgid((gid_t)-1) == 0);
}

static void *
other_thread(void *arg)
{
    const char *dir = arg;
    struct error err;

    return state_owner_enter(dir, &err) == 0 && setfsuid((uid_t)-1) == 4244
               ? arg
               : NULL;
}

Test(transaction, the_owners_ids_are_taken_by_one_thread_alone)
{
    char dir[256];
    pthread_t thread;
    void *good;

    if (geteuid() != 0)
        cr_skip("needs root");
    snprintf(dir, sizeof(dir), "%s", test_directory());
    cr_assert(chown(dir, 4244, 4245) == 0);
    cr_assert(pthread_create(&thread, NULL, other_thread, dir) == 0);
    pthread_join(thread, &good);
    cr_expect(good == dir);
    cr_expect(setfsuid((uid_t)-1) == 0 && setfsgid((gid_t)-1) == 0);
}

/* As the daemon's workers do: another uid, in the files' group. */
Test(transaction, another_user_of_the_group_reads_with_and_without_a_writer)
{
    char dir[256];
    struct repository *writer;
    struct error err;

    if (geteuid() != 0)
        cr_skip("needs root");
    snprintf(dir, sizeof(dir), "%s", test_directory());
    cr_assert(chown(dir, 4242, 4243) == 0 && chmod(dir, 0750) == 0);
    cr_assert(state_owner_enter(dir, &err) == 0);
    cr_assert(repository_open(dir, REPOSITORY_WRITE, &writer, &err) == 0);
    store_namespace(writer, "root\\a");
    state_owner_leave();
    for (int open = 1; open >= 0; open--) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
            struct repository *reader;

            if (setgid(4243) != 0 || setuid(4244) != 0 ||
                repository_open(dir, REPOSITORY_READ, &reader, &err) < 0)
            {
                fprintf(stderr, "%s\n", err.text);
                _exit(1);
            }
            _exit(has_namespace(reader, "root\\a") ? 0 : 2);
        }
        cr_assert(waitpid(pid, &status, 0) == pid && status == 0,
                  "writer %d: %x", open, status);
        if (open == 1) {
            cr_assert(state_owner_enter(dir, &err) == 0);
            repository_close(writer);
            state_owner_leave();
        }
    }
}

Test(transaction, a_directory_others_may_write_to_is_refused)
{
    static const struct {
        mode_t mode;
        int result;
    } cases[] = {{0750, 0},  {0700, 0},  {0755, 0},
                 {0770, -1}, {0757, -1}, {01777, -1}};
    const char *dir = test_directory();
    struct error err;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_assert(chmod(dir, cases[i].mode) == 0);
        cr_assert(state_dir_check(dir, &err) == cases[i].result, "%o",
                  cases[i].mode);
    }
    cr_assert(state_dir_check("/nonexistent", &err) < 0);
    cr_assert(state_dir_check("/dev/null", &err) < 0);
}
