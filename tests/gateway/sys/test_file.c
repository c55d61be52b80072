#include "tests/support/support.h"

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
