/* Writers take turns, from the beginning of a transaction until its image is
 * in place: longer than SQLite's own lock lasts. */
#include "policy/repository/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE    "repository.lock"
#define WAIT_STEP_MS 20

int
state_file_create(const char *state_dir, const char *path, mode_t mode,
                  struct error *err)
{
    int fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    struct stat to;
    int r = 0;

    if (fd < 0)
        return errno == EEXIST ? 0 : error_set_errno(err, errno, "%s", path);
    if (stat(state_dir, &to) < 0 || fchmod(fd, mode) < 0 ||
        (geteuid() == 0 && fchown(fd, to.st_uid, to.st_gid) < 0))
        r = error_set_errno(err, errno, "%s", path);
    close(fd);
    return r;
}

bool
turn_wait(struct repository *repo)
{
    struct timespec step = {0, WAIT_STEP_MS * 1000000L};

    if (repo->waiting != NULL)
        repo->waiting(repo->waiting_arg);
    repo->waiting = NULL;
    if (clock_monotonic_ms() >= repo->wait_until_ms)
        return false;
    nanosleep(&step, NULL);
    return true;
}

/* A lock of the open file description (fcntl(2)): unlike SQLite's it is not
 * lost when somebody closes another descriptor. */
static int
lock(struct repository *repo, int fd, const char *path, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return error_set_errno(err, errno, "%s", path);
        if (!turn_wait(repo))
            return error_set_errno(err, EBUSY,
                                   "another compile has the repository");
    }
    return 0;
}

/* A reader of the state, which may lock what it may read, would keep every
 * writer out; so nobody but writers may open the file. */
static int
lock_open(const char *state_dir, const char *path, struct error *err)
{
    struct stat st;
    int fd;

    if (state_file_create(state_dir, path, 0600, err) < 0)
        return -1;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0 && fchmod(fd, 0600) < 0)
    {
        error_set_errno(err, errno, "%s", path);
        close(fd);
        return -1;
    }
    return fd;
}

int
turn_take(struct repository *repo, struct error *err)
{
    char path[512];
    int fd;

    turn_end(repo);
    snprintf(path, sizeof(path), "%s/" LOCK_FILE, repo->state_dir);
    fd = lock_open(repo->state_dir, path, err);
    if (fd < 0)
        return -1;
    if (lock(repo, fd, path, err) < 0) {
        close(fd);
        return -1;
    }
    repo->turn = fd;
    return 0;
}

void
turn_end(struct repository *repo)
{
    if (repo->turn >= 0)
        close(repo->turn);
    repo->turn = -1;
}
