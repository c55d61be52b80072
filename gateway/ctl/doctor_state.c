#include "gateway/ctl/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/event/event.h"
#include "gateway/sys/sys.h"
#include "policy/decision/decision.h"
#include "policy/repository/repository.h"

static bool
is_store_user(const struct doctor *d, uid_t uid)
{
    struct account owner;

    return d->config == NULL ||
           account_find(d->config->store_user, &owner, NULL) != 0 ||
           owner.uid == uid;
}

void
doctor_state_dir(struct doctor *d)
{
    const char *path = d->paths.state_dir;
    struct stat st;

    if (stat(path, &st) != 0)
        doctor_say(d, doctor_unseen(errno), "state directory",
                   errno == EACCES ? "Run doctor as root"
                                   : "See state_dir in nsgate.conf",
                   "%s: %s", path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        doctor_say(d, FINDING_FAIL, "state directory",
                   "See state_dir in nsgate.conf", "%s is no directory", path);
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        doctor_say(d, FINDING_FAIL, "state directory",
                   "Only store_user may write there: mode 0750",
                   "%s may be written by others, mode %04o", path,
                   (unsigned)st.st_mode & 07777);
    else if (!is_store_user(d, st.st_uid))
        doctor_say(d, FINDING_FAIL, "state directory",
                   "Give it and its files to store_user with chown -R",
                   "%s belongs to uid %u, not to %s", path,
                   (unsigned)st.st_uid, d->config->store_user);
    else
        doctor_say(d, FINDING_OK, "state directory", NULL, "%s", path);
}

void
doctor_runtime_dir(struct doctor *d)
{
    const char *path = d->paths.runtime_dir;
    struct stat st;

    if (stat(path, &st) != 0 && errno == ENOENT)
        doctor_say(d, FINDING_WARN, "runtime directory",
                   "nsgated makes it when it starts", "%s is not there", path);
    else if (stat(path, &st) != 0)
        doctor_say(d, doctor_unseen(errno), "runtime directory",
                   "Run doctor as root", "%s: %s", path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        doctor_say(d, FINDING_FAIL, "runtime directory", "Remove it",
                   "%s is no directory", path);
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        doctor_say(d, FINDING_FAIL, "runtime directory",
                   "nsgated refuses it: chmod go-w",
                   "%s may be written by others, mode %04o", path,
                   (unsigned)st.st_mode & 07777);
    else
        doctor_say(d, FINDING_OK, "runtime directory", NULL, "%s", path);
}

/* A replay cache that others can write or remove is none (threat 2). */
void
doctor_rcache(struct doctor *d)
{
    char path[512];
    struct account user;
    struct error err = {0, ""};
    struct stat st;

    snprintf(path, sizeof(path), "%s/rcache", d->paths.state_dir);
    if (account_find(d->config->user, &user, &err) != 0)
        doctor_say(d, FINDING_FAIL, "replay cache", "See user in nsgate.conf",
                   "%s", err.text);
    else if (lstat(path, &st) != 0 && errno == ENOENT)
        doctor_say(d, FINDING_WARN, "replay cache",
                   "nsgated makes it when it starts", "%s is not there", path);
    else if (lstat(path, &st) != 0)
        doctor_say(d, doctor_unseen(errno), "replay cache",
                   "Run doctor as root", "%s: %s", path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        doctor_say(d, FINDING_FAIL, "replay cache",
                   "Remove it and start nsgated", "%s is no directory", path);
    else if (st.st_uid != user.uid || (st.st_mode & 077) != 0)
        doctor_say(d, FINDING_FAIL, "replay cache",
                   "It must be the workers' own, with mode 0700",
                   "%s belongs to uid %u with mode %04o, not to %s", path,
                   (unsigned)st.st_uid, (unsigned)st.st_mode & 07777,
                   user.name);
    else
        doctor_say(d, FINDING_OK, "replay cache", NULL, "%s", path);
}

/* -- repository and image ------------------------------------------------- */

bool
doctor_may_read(const struct stat *st, const struct account *who)
{
    if (who->uid == 0)
        return true;
    if (st->st_uid == who->uid)
        return (st->st_mode & S_IRUSR) != 0;
    return (st->st_mode & (st->st_gid == who->gid ? S_IRGRP : S_IROTH)) != 0;
}

/* False, and said so, when a file of the state directory is not the writers'
 * or cannot be read by the workers: they refuse everything then. */
static bool
look_at_owner(struct doctor *d, const char *what, const char *file)
{
    char path[300];
    struct account user, store;
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", d->paths.state_dir, file);
    if (d->config == NULL || account_find(d->config->user, &user, NULL) != 0 ||
        account_find(d->config->store_user, &store, NULL) != 0 ||
        stat(path, &st) != 0 ||
        (st.st_uid == store.uid && doctor_may_read(&st, &user)))
        return true;
    doctor_say(d, FINDING_FAIL, what,
               "Give it to store_user and to the group of user with chown, "
               "and chmod 640",
               "%s belongs to uid %u and gid %u with mode %04o: %s cannot %s "
               "it",
               path, (unsigned)st.st_uid, (unsigned)st.st_gid,
               (unsigned)st.st_mode & 07777,
               doctor_may_read(&st, &user) ? store.name : user.name,
               doctor_may_read(&st, &user) ? "write" : "read");
    return false;
}

/* False, and said why, when there is no sound repository. */
static bool
look_at_repository(struct doctor *d, uint64_t *generation)
{
    struct repository *repo = NULL;
    struct error err = {0, ""};
    bool ok = false;

    if (!look_at_owner(d, "repository", REPOSITORY_FILE))
        return false;

    if (repository_open(d->paths.state_dir, REPOSITORY_READ, &repo, &err) ==
            0 &&
        repository_read_begin(repo, generation, &err) == 0)
    {
        repository_read_end(repo);
        ok = repository_check(repo, &err) == 0;
    }
    repository_close(repo);
    if (ok)
        doctor_say(d, FINDING_OK, "repository", NULL,
                   "sound, generation %" PRIu64, *generation);
    else
        doctor_say(d, FINDING_FAIL, "repository",
                   "Compile the MOF files again, or bring back a backup", "%s",
                   err.text);
    return ok;
}

static void
look_at_image(struct doctor *d, bool stored, uint64_t stored_generation)
{
    struct policy_image *image = NULL;
    struct error err = {0, ""};
    uint64_t generation;

    if (!look_at_owner(d, "policy image", POLICY_IMAGE_FILE))
        return;
    if (policy_image_open(d->paths.state_dir, &image, &err) != 0) {
        doctor_say(d, FINDING_FAIL, "policy image",
                   "Until then all is refused; nsgatectl reload makes it "
                   "from the repository, and so does a compile",
                   "%s", err.text);
        return;
    }
    generation = policy_image_generation(image);
    if (stored && generation != stored_generation)
        doctor_say(d, FINDING_FAIL, "policy image",
                   "Run nsgatectl reload, or compile again",
                   "generation %" PRIu64 " is in force, generation %" PRIu64
                   " is stored",
                   generation, stored_generation);
    else
        doctor_say(d, FINDING_OK, "policy image", NULL,
                   "generation %" PRIu64 ", %zu namespaces", generation,
                   policy_image_count(image));
    policy_image_unref(image);
}

static void
look_at_workers(struct doctor *d)
{
    const cJSON *w;
    double in_force = cJSON_GetNumberValue(
        cJSON_GetObjectItemCaseSensitive(d->status, "generation"));
    const char *problem = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(d->status, "policyProblem"));
    size_t behind = 0, count = 0;

    if (problem != NULL) {
        doctor_say(d, FINDING_FAIL, "workers",
                   "See the other findings and the log of nsgated",
                   "no policy is in force: %s", problem);
        return;
    }
    cJSON_ArrayForEach(w,
                       cJSON_GetObjectItemCaseSensitive(d->status, "workers"))
    {
        const cJSON *g = cJSON_GetObjectItemCaseSensitive(w, "generation");

        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(w, "draining")))
            continue;
        count++;
        behind += !cJSON_IsNumber(g) || g->valuedouble < in_force;
    }
    if (behind > 0)
        doctor_say(d, FINDING_FAIL, "workers",
                   "See the log of nsgated, and restart it",
                   "%zu of %zu decide by an older policy", behind, count);
    else if (count == 0)
        doctor_say(d, FINDING_FAIL, "workers", "See the log of nsgated",
                   "none runs");
    else
        doctor_say(d, FINDING_OK, "workers", NULL,
                   "%zu decide by the policy in force", count);
}

void
doctor_repository(struct doctor *d)
{
    struct error err = {0, ""};
    uint64_t generation = 0;
    bool stored;

    if (ctl_state_enter(d->paths.state_dir, &err) != 0) {
        doctor_say(d, doctor_unseen(-err.code), "repository",
                   "See the state directory", "%s", err.text);
        return;
    }
    stored = look_at_repository(d, &generation);
    look_at_image(d, stored, generation);
    state_owner_leave();
    if (d->status != NULL)
        look_at_workers(d);
}

void
doctor_events(struct doctor *d)
{
    struct event_reader *reader = NULL;
    struct error err = {0, ""};
    int opened;

    if (ctl_state_enter(d->paths.state_dir, &err) != 0) {
        doctor_say(d, doctor_unseen(-err.code), "event log",
                   "See the state directory", "%s", err.text);
        return;
    }
    opened = event_reader_open(d->paths.state_dir, &reader, &err);
    event_reader_close(reader);
    state_owner_leave();
    if (opened == 0)
        doctor_say(d, FINDING_OK, "event log", NULL, "readable");
    else if (d->status == NULL && err.code == -ENOENT)
        doctor_say(d, FINDING_WARN, "event log",
                   "nsgated makes it when it starts", "%s", err.text);
    else
        doctor_say(d, FINDING_FAIL, "event log",
                   "See the recorder's lines in the log of nsgated", "%s",
                   err.text);
}
