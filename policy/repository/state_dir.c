#include "policy/repository/repository.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whom to be again; valid while entered. */
static struct {
    bool entered;
    gid_t gid;
} state_owner;

int
state_owner_enter(const char *state_dir, struct error *err)
{
    struct stat st;

    if (state_owner.entered || geteuid() != 0)
        return 0;
    if (stat(state_dir, &st) < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    state_owner.gid = getegid();
    if (setegid(st.st_gid) < 0)
        return error_set_errno(err, errno, "group %u of %s",
                               (unsigned)st.st_gid, state_dir);
    if (seteuid(st.st_uid) < 0) {
        int e = errno;

        if (setegid(state_owner.gid) < 0)
            e = errno;
        return error_set_errno(err, e, "owner %u of %s", (unsigned)st.st_uid,
                               state_dir);
    }
    state_owner.entered = true;
    return 0;
}

void
state_owner_leave(void)
{
    if (!state_owner.entered)
        return;
    /* The real uid is still root's: this can't be refused, and if it were,
     * less privilege is what remains. */
    if (seteuid(0) == 0 && setegid(state_owner.gid) == 0)
        state_owner.entered = false;
}

int
state_dir_check(const char *state_dir, struct error *err)
{
    struct stat st;

    if (stat(state_dir, &st) < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    if (!S_ISDIR(st.st_mode))
        return error_set_errno(err, ENOTDIR, "%s", state_dir);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(
            err, "%s may be written to by %s; chmod go-w it first", state_dir,
            (st.st_mode & S_IWOTH) != 0 ? "everyone" : "its group");
    if (geteuid() != 0 && st.st_uid != geteuid() && st.st_uid != 0)
        return error_set(err, "%s belongs to another user (uid %u)", state_dir,
                         (unsigned)st.st_uid);
    return 0;
}
