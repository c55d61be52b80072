#include "tests/support/support.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECK 1
#endif
#endif

#ifdef LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

static const char *
path_join(char out[PATH_MAX], const char *variable, const char *relative)
{
    const char *base = getenv(variable);

    snprintf(out, PATH_MAX, "%s/%s", base != NULL ? base : ".", relative);
    return out;
}

const char *
test_source_path(const char *relative)
{
    static char path[PATH_MAX];

    return path_join(path, "NSGATE_SRCDIR", relative);
}

const char *
test_build_path(const char *relative)
{
    static char path[PATH_MAX];

    return path_join(path, "NSGATE_BUILDDIR", relative);
}

static struct {
    char path[PATH_MAX];
    pid_t maker;
} directories[8];
static size_t directory_count;

static int
remove_entry(const char *path, const struct stat *st, int kind,
             struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void
directories_remove(void)
{
    for (size_t i = 0; i < directory_count; i++) {
        if (directories[i].maker == getpid())
            nftw(directories[i].path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    directory_count = 0;
}

const char *
test_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *path;

    cr_assert(directory_count < ARRAY_COUNT(directories));
    path = directories[directory_count].path;
    snprintf(path, PATH_MAX, "%s/nsgate-test.XXXXXX",
             base != NULL ? base : "/tmp");
    cr_assert(mkdtemp(path) != NULL, "mkdtemp: %s", strerror(errno));
    cr_assert(chmod(path, 0755) == 0);
    directories[directory_count++].maker = getpid();
    return path;
}

void
test_shell(const char *format, ...)
{
    char command[4096];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    cr_assert(system(command) == 0, "failed: %s", command);
}

char *
test_read_file(const char *path, size_t *length_out)
{
    FILE *f = fopen(path, "rb");
    struct buf b = BUF_INIT;
    char part[4096];
    size_t n;

    cr_assert(f != NULL, "%s: %s", path, strerror(errno));
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        buf_add(&b, part, n);
    fclose(f);
    buf_add(&b, "", 0);
    if (length_out != NULL)
        *length_out = b.length;
    return buf_take(&b);
}

void
test_write_file(const char *path, const void *bytes, size_t length)
{
    FILE *f = fopen(path, "wb");

    cr_assert(f != NULL, "%s: %s", path, strerror(errno));
    cr_assert(fwrite(bytes, 1, length, f) == length);
    cr_assert(fclose(f) == 0);
}

/* Criterion ends a test's process without exit handlers. */
void
suite_check_leaks(void)
{
    directories_remove();
#ifdef LEAK_CHECK
    if (__lsan_do_recoverable_leak_check() != 0)
        abort();
#endif
}
