#include "gateway/sys/sys.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int
account_find(const char *name, struct account *out, struct error *err)
{
    struct passwd *pw;

    errno = 0;
    pw = getpwnam(name);
    if (pw == NULL) {
        if (errno != 0)
            return error_set_errno(err, errno, "user '%s'", name);
        return error_set(err,
                         "there is no user '%s'; create it with: useradd"
                         " --system --no-create-home %s",
                         name, name);
    }
    out->uid = pw->pw_uid;
    out->gid = pw->pw_gid;
    snprintf(out->name, sizeof(out->name), "%s", pw->pw_name);
    return 0;
}

int
privileges_drop(const struct account *to, struct error *err)
{
    uid_t r, e, s;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_set_errno(err, errno, "no_new_privs");
    if (geteuid() != 0) {
        if (geteuid() == to->uid)
            return 0;
        return error_set(err, "only root can become user '%s'", to->name);
    }
    if (setgroups(1, &to->gid) < 0 ||
        setresgid(to->gid, to->gid, to->gid) < 0 ||
        setresuid(to->uid, to->uid, to->uid) < 0)
        return error_set_errno(err, errno, "becoming user '%s'", to->name);
    if (getresuid(&r, &e, &s) < 0 || r != to->uid || e != to->uid ||
        s != to->uid)
        return error_set(err, "still not user '%s'", to->name);
    if (to->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return error_set(err, "root could be regained from user '%s'",
                         to->name);
    return 0;
}

/* What may not even be regained by running another program. */
static void
bounding_set_keep(const int *kept, size_t count)
{
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
        bool keep = false;

        for (size_t i = 0; i < count; i++)
            keep = keep || kept[i] == cap;
        if (!keep)
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
}

int
privileges_keep_master(struct error *err)
{
    static const int kept[] = {
        CAP_SETUID,       CAP_SETGID,          CAP_KILL,
        CAP_CHOWN,        CAP_DAC_READ_SEARCH, CAP_FOWNER,
        CAP_DAC_OVERRIDE, CAP_NET_BIND_SERVICE};
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};

    if (geteuid() != 0)
        return 0;
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        data[kept[i] / 32].effective |= 1u << (kept[i] % 32);
        data[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
    }
    bounding_set_keep(kept, ARRAY_COUNT(kept));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &head, data) < 0)
        return error_set_errno(err, errno, "dropping capabilities");
    return 0;
}

void
privileges_hide_memory(void)
{
    const struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}
