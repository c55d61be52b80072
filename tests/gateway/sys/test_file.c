#include "tests/support/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/sys/sys.h"

SUITE(file);

Test(file, reads_regular_files_within_the_limit_only)
{
    const char *dir = test_directory();
    struct buf b = BUF_INIT;
    struct error err;
    char path[512];

    snprintf(path, sizeof(path), "%s/f", dir);
    test_write_file(path, "hello", 5);
    buf_add_string(&b, ">");
    cr_assert_eq(file_read(path, 5, &b, &err), 0);
    cr_assert_str_eq(b.data, ">hello");
    cr_assert_eq(file_read(path, 4, &b, &err), -1);
    cr_assert_not_null(strstr(err.text, "larger than 4"));
    cr_assert_eq(file_read(dir, 100, &b, &err), -1);
    cr_assert_not_null(strstr(err.text, "not a regular file"));
    snprintf(path, sizeof(path), "%s/fifo", dir);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(file_read(path, 100, &b, &err), -1);
    snprintf(path, sizeof(path), "%s/absent", dir);
    cr_assert_eq(file_read(path, 100, &b, &err), -1);
    secret_fini(&b);
}

Test(file, memory_file_cannot_be_changed)
{
    struct error err;
    char got[6] = "";
    int fd = memory_file_new("x", "hello", 5, &err);

    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(read(fd, got, 5), 5);
    cr_assert_str_eq(got, "hello");
    cr_assert_lt(write(fd, "x", 1), 0);
    cr_assert_lt(ftruncate(fd, 0), 0);
    close(fd);
}

Test(file, reads_a_memory_file_from_its_beginning_wherever_it_is)
{
    struct buf b = BUF_INIT;
    struct error err;
    char got[3];
    int fd = memory_file_new("x", "hello", 5, &err), pipe_fds[2];

    cr_assert_eq(read(fd, got, 3), 3);
    for (int i = 0; i < 2; i++) {
        buf_add_string(&b, ">");
        cr_assert_eq(file_read_fd(fd, 5, &b, &err), 0, "%s", err.text);
    }
    cr_assert_str_eq(b.data, ">hello>hello");
    cr_assert_eq(file_read_fd(fd, 4, &b, &err), -1);
    cr_assert_eq(file_read_fd(-1, 4, &b, &err), -1);
    cr_assert_eq(pipe(pipe_fds), 0);
    cr_assert_eq(file_read_fd(pipe_fds[0], 4, &b, &err), -1);
    cr_assert_str_eq(b.data, ">hello>hello");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(fd);
    secret_fini(&b);
}

Test(file, sees_that_a_file_is_another_or_was_written)
{
    const char *dir = test_directory();
    struct stat seen = {0};
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    char path[512], other[512];

    snprintf(path, sizeof(path), "%s/f", dir);
    snprintf(other, sizeof(other), "%s/g", dir);
    cr_assert(!file_changed(path, &seen), "it was not there and is not");
    test_write_file(path, "hello", 5);
    cr_assert(file_changed(path, &seen));
    cr_assert(!file_changed(path, &seen));
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    cr_assert(file_changed(path, &seen), "another time");
    test_write_file(other, "hello", 5);
    cr_assert_eq(utimensat(AT_FDCWD, other, times, 0), 0);
    cr_assert_eq(rename(other, path), 0);
    cr_assert(file_changed(path, &seen), "another file");
    test_write_file(path, "hello!", 6);
    cr_assert(file_changed(path, &seen), "another size");
    cr_assert_eq(unlink(path), 0);
    cr_assert(file_changed(path, &seen), "it is gone");
    cr_assert(!file_changed(path, &seen));
}
