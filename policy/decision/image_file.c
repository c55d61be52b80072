#include "policy/decision/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/decision/image.h"

static int
write_all(int fd, const char *bytes, size_t size, struct error *err)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, errno, "write");
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* The file belongs to whom the directory belongs to, whoever writes it. */
static int
owner_like_directory(int directory, int fd, struct error *err)
{
    struct stat to, is;

    if (fstat(directory, &to) < 0 || fstat(fd, &is) < 0)
        return error_set_errno(err, errno, "fstat");
    if ((to.st_uid != is.st_uid || to.st_gid != is.st_gid) &&
        fchown(fd, to.st_uid, to.st_gid) < 0)
        return error_set_errno(err, errno, "fchown");
    if (fchmod(fd, 0640) < 0)
        return error_set_errno(err, errno, "fchmod");
    return 0;
}

static int
write_at(int directory, const char *name, const void *bytes, size_t size,
         struct error *err)
{
    int fd, r = -1;

    if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
        return error_set_errno(err, errno, "unlink");
    fd = openat(directory, name,
                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "create");
    if (write_all(fd, bytes, size, err) == 0 &&
        owner_like_directory(directory, fd, err) == 0)
        r = 0;
    if (r == 0 && fsync(fd) < 0)
        r = error_set_errno(err, errno, "fsync");
    if (close(fd) < 0 && r == 0)
        r = error_set_errno(err, errno, "close");
    if (r < 0)
        unlinkat(directory, name, 0);
    return r;
}

int
image_file_write(const char *state_dir, const char *name, const void *bytes,
                 size_t size, struct error *err)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (directory < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    r = write_at(directory, name, bytes, size, err);
    close(directory);
    return r < 0 ? error_prefix(err, "%s/%s", state_dir, name) : 0;
}

void
image_file_remove(const char *state_dir, const char *name)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0)
        return;
    unlinkat(directory, name, 0);
    close(directory);
}

void
policy_image_discard(const char *state_dir)
{
    image_file_remove(state_dir, IMAGE_NEW_FILE);
}

int
policy_image_activate(const char *state_dir, struct error *err)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    if (directory < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    /* The rename must outlive a power failure like the commit before it. */
    if (renameat(directory, IMAGE_NEW_FILE, directory, POLICY_IMAGE_FILE) <
            0 ||
        fsync(directory) < 0)
        r = error_set_errno(err, errno, "%s/%s", state_dir, IMAGE_NEW_FILE);
    close(directory);
    return r;
}
