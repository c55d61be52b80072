#include "gateway/sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int
memory_file_new(const char *name, const void *bytes, size_t length,
                struct error *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        error_set_errno(err, errno, "memfd_create");
        return -1;
    }
    if (write_all(fd, bytes, length) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fchmod(fd, 0444) < 0 ||
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
    {
        error_set_errno(err, errno, "memory file '%s'", name);
        close(fd);
        return -1;
    }
    return fd;
}

bool
file_changed(const char *path, struct stat *seen)
{
    struct stat before = *seen;

    if (stat(path, seen) < 0)
        memset(seen, 0, sizeof(*seen));
    return seen->st_ino != before.st_ino || seen->st_dev != before.st_dev ||
           seen->st_size != before.st_size ||
           seen->st_mtim.tv_sec != before.st_mtim.tv_sec ||
           seen->st_mtim.tv_nsec != before.st_mtim.tv_nsec;
}

int
file_read_fd(int fd, size_t max, struct buf *out, struct error *err)
{
    size_t before = out->length, size;
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        (uintmax_t)st.st_size > max)
        return error_set(err, "not a file of at most %zu bytes", max);
    size = (size_t)st.st_size;
    if (!buf_reserve(out, size))
        return error_set_errno(err, ENOMEM, "memory file");
    while (out->length - before < size) {
        size_t done = out->length - before;
        ssize_t n =
            pread(fd, out->data + out->length, size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? errno : EIO, "memory file");
        out->length += (size_t)n;
    }
    buf_add(out, "", 0);
    return 0;
}

/* Opens path if it is a regular file of at most max bytes. */
static int
open_regular(const char *path, size_t max, size_t *size_out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0) {
        error_set_errno(err, errno, "%s", path);
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        error_set(err, "%s: not a regular file", path);
        close(fd);
        return -1;
    }
    if ((uintmax_t)st.st_size > max) {
        error_set(err, "%s: larger than %zu bytes", path, max);
        close(fd);
        return -1;
    }
    *size_out = (size_t)st.st_size;
    return fd;
}

int
file_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    size_t size, before = out->length;
    int fd = open_regular(path, max, &size, err), result = 0;

    if (fd < 0)
        return -1;
    while (result == 0 && out->length - before < size) {
        size_t left = size - (out->length - before);
        ssize_t n;

        if (!buf_reserve(out, left)) {
            result = error_set_errno(err, ENOMEM, "%s", path);
            break;
        }
        n = read(fd, out->data + out->length, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            result = error_set_errno(err, n < 0 ? errno : EIO, "%s", path);
        else
            out->length += (size_t)n;
    }
    buf_add(out, "", 0);
    close(fd);
    return result;
}

void
secret_fini(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->capacity);
    buf_fini(b);
}

int
memory_file_read(const char *path, size_t max, struct error *err)
{
    struct buf bytes = BUF_INIT;
    int result = -1;

    if (file_read(path, max, &bytes, err) == 0)
        result = memory_file_new("nsgate", bytes.data, bytes.length, err);
    secret_fini(&bytes);
    return result;
}

static int
descriptor_compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

void
descriptors_keep(int *keep, size_t count)
{
    unsigned from = STDERR_FILENO + 1;

    qsort(keep, count, sizeof(*keep), descriptor_compare);
    for (size_t i = 0; i < count; i++) {
        unsigned fd = (unsigned)keep[i];

        if (keep[i] < 0 || fd < from)
            continue;
        if (fd > from)
            close_range(from, fd - 1, 0);
        from = fd + 1;
    }
    close_range(from, UINT_MAX, 0);
}

void
descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}
