#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "gateway/server/messages.h"
#include "gateway/server/stores.h"
#include "policy/decision/decision.h"
#include "policy/repository/repository.h"

#define LOOK_MS      1000
#define BEGIN_MS     5000
#define STEADY_LOOKS 2 /* looks at one mismatch before it is repaired */

struct keeper {
    const struct store_boot *boot;
    struct loop *loop;
    struct repository *repository; /* NULL: could not be opened */
    uint64_t behind; /* a generation without its image, 0: none */
    unsigned looks;
    char trouble[ERROR_TEXT_MAX]; /* told last */
};

/* How image and repository stand to each other. */
enum standing {
    STANDING_BROKEN = 0, /* a bad image, or one of the future */
    STANDING_ABSENT,     /* there is none */
    STANDING_BEHIND,     /* a sound image, older than the repository */
    STANDING_SAME,
};

/* True as well if that cannot be known. */
static bool
image_exists(const char *state_dir)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", state_dir, POLICY_IMAGE_FILE);
    return lstat(path, &st) == 0 || errno != ENOENT;
}

static enum standing
standing_of(const char *state_dir, uint64_t generation, uint64_t *image_out,
            struct error *err)
{
    struct policy_image *image = NULL;
    enum standing standing = STANDING_BROKEN;

    *image_out = 0;
    if (!image_exists(state_dir)) {
        policy_image_open(state_dir, &image, err); /* its words for it */
        policy_image_unref(image);
        return STANDING_ABSENT;
    }
    if (policy_image_open(state_dir, &image, err) < 0)
        return STANDING_BROKEN;
    *image_out = policy_image_generation(image);
    if (*image_out == generation)
        standing = STANDING_SAME;
    else if (*image_out < generation)
        standing = STANDING_BEHIND;
    else
        error_set(err,
                  "the policy image is of generation %llu and the repository"
                  " only of %llu: the repository is not the one it was made"
                  " from",
                  (unsigned long long)*image_out,
                  (unsigned long long)generation);
    policy_image_unref(image);
    return standing;
}

static int
keeper_generation(struct keeper *k, uint64_t *out, struct error *err)
{
    if (k->repository != NULL &&
        repository_still_there(k->repository, err) < 0) {
        repository_close(k->repository);
        k->repository = NULL;
        return -1;
    }
    if (k->repository == NULL &&
        repository_open(k->boot->config->state_dir, REPOSITORY_WRITE,
                        &k->repository, err) < 0)
        return -1;
    if (repository_read_begin(k->repository, out, err) < 0)
        return -1;
    repository_read_end(k->repository);
    return 0;
}

/* In the writer's turn: image of the repository as it stands, activated. */
static int
image_make(struct keeper *k, bool force, uint64_t *made_out, struct error *err)
{
    const char *dir = k->boot->config->state_dir;
    uint64_t generation, image;
    enum standing standing;
    int result = -1;

    *made_out = 0;
    if (repository_begin(k->repository, BEGIN_MS, NULL, NULL, err) < 0)
        return -1;
    if (repository_generation(k->repository, &generation, err) < 0)
        goto out;
    standing = standing_of(dir, generation, &image, err);
    /* Where nothing was ever compiled there is nothing to protect.  But an
     * empty repository beside an image is one that was lost. */
    if (standing == STANDING_SAME ||
        (!force && (standing == STANDING_BROKEN ||
                    (standing == STANDING_ABSENT && generation > 0))))
    {
        result = standing == STANDING_SAME ? 0 : -1;
        *made_out = standing == STANDING_SAME ? generation : 0;
        goto out;
    }
    if (policy_image_build(k->repository, dir, generation, err) < 0 ||
        policy_image_activate(dir, err) < 0)
        goto out;
    *made_out = generation;
    result = 1;
out:
    repository_rollback(k->repository);
    return result;
}

/* Tells the master when an image was made, and of trouble once. */
static void
keeper_repair(struct keeper *k, bool force, bool answer)
{
    struct error err = {0, ""};
    uint64_t generation = 0, made = 0;
    int result = -1;

    if (keeper_generation(k, &generation, &err) == 0)
        result = image_make(k, force, &made, &err);
    if (result < 0 && (answer || strcmp(k->trouble, err.text) != 0))
        message_send(k->boot->master_fd, MESSAGE_POLICY, 0, -1, err.text, -1);
    else if (result > 0 || answer)
        message_send(k->boot->master_fd, MESSAGE_POLICY, made, result, NULL,
                     -1);
    snprintf(k->trouble, sizeof(k->trouble), "%s", result < 0 ? err.text : "");
}

/*
 * A compile that died between commit and activation without having told the
 * master leaves a repository ahead of its image; it is seen here.  A compile
 * at work looks the same for a moment, hence the second look.
 */
static void
look_due(void *arg)
{
    struct keeper *k = arg;
    uint64_t generation = 0, image;

    if (keeper_generation(k, &generation, NULL) == 0 &&
        standing_of(k->boot->config->state_dir, generation, &image, NULL) !=
            STANDING_BEHIND)
    {
        k->looks = 0;
        return;
    }
    if (k->behind != generation)
        k->looks = 0;
    k->behind = generation;
    if (++k->looks >= STEADY_LOOKS) {
        k->looks = 0;
        keeper_repair(k, false, false);
    }
}

static void
master_ready(void *arg, uint32_t events)
{
    struct keeper *k = arg;
    struct message m;
    uint32_t type;
    int fd, got;

    (void)events;
    while ((got = message_receive(k->boot->master_fd, &type, &m, &fd)) > 0) {
        if (type == MESSAGE_REBUILD)
            keeper_repair(k, m.result == 1, true);
    }
    if (got < 0)
        loop_stop(k->loop);
}

static void
signal_ignore(void *arg, int signal)
{
    (void)arg;
    (void)signal;
}

static int
keeper_open(struct keeper *k, struct error *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, 0};

    k->loop = loop_new(err);
    if (k->loop == NULL ||
        loop_signals(k->loop, signals, signal_ignore, NULL, err) < 0 ||
        privileges_drop(&k->boot->account, err) < 0)
        return -1;
    if (loop_every(k->loop, LOOK_MS, look_due, k) == NULL ||
        loop_add(k->loop, k->boot->master_fd, EPOLLIN, master_ready, k, err) <
            0)
        return error_prefix(err, "keeper");
    return sandbox_store(err);
}

int
keeper_main(const struct store_boot *boot)
{
    struct keeper k = {.boot = boot};
    struct error err = {0, ""};
    int status = 1;

    if (keeper_open(&k, &err) < 0) {
        message_send(boot->master_fd, MESSAGE_FAILED, 0, -1, err.text, -1);
    } else {
        keeper_repair(&k, false, true);
        message_send(boot->master_fd, MESSAGE_READY, 0, 0, NULL, -1);
        status = loop_run(k.loop, &err) < 0;
    }
    repository_close(k.repository);
    loop_free(k.loop);
    return status;
}
