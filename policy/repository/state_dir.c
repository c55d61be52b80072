#include "policy/repository/repository.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Whom to be again; valid while entered.  File system ids belong to a thread
 * in Linux, setfsuid(2), and so does this: one thread's work on the state
 * leaves the others of a process what they are.
 */
static _Thread_local struct {
    bool entered;
    gid_t gid;
} state_owner;

/* setfsuid and setfsgid have no failure to return; what is in force
 * afterwards tells, and an id that can't be one only asks. */
static bool
fsuid_take(uid_t uid)
{
    setfsuid(uid);
    return (uid_t)setfsuid((uid_t)-1) == uid;
}

static bool
fsgid_take(gid_t gid)
{
    setfsgid(gid);
    return (gid_t)setfsgid((gid_t)-1) == gid;
}

int
state_owner_enter(const char *state_dir, struct error *err)
{
    struct stat st;

    if (state_owner.entered || geteuid() != 0)
        return 0;
    if (stat(state_dir, &st) < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    state_owner.gid = getegid();
    if (!fsgid_take(st.st_gid))
        return error_set_errno(err, EPERM, "group %u of %s",
                               (unsigned)st.st_gid, state_dir);
    if (!fsuid_take(st.st_uid)) {
        setfsgid(state_owner.gid);
        return error_set_errno(err, EPERM, "owner %u of %s",
                               (unsigned)st.st_uid, state_dir);
    }
    state_owner.entered = true;
    return 0;
}

void
state_owner_leave(void)
{
    if (!state_owner.entered)
        return;
    /* The effective uid is still root's: this can't be refused, and if it
     * were, less privilege is what remains. */
    if (fsuid_take(0) && fsgid_take(state_owner.gid))
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
