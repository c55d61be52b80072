#include "gateway/server/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
file_look(const struct policy_holder *h, struct stat *out)
{
    char path[512];

    memset(out, 0, sizeof(*out));
    snprintf(path, sizeof(path), "%s/%s", h->state_dir, POLICY_IMAGE_FILE);
    return stat(path, out) < 0 ? -errno : 0;
}

void
policy_holder_init(struct policy_holder *h, const char *state_dir)
{
    memset(h, 0, sizeof(*h));
    h->state_dir = state_dir;
}

void
policy_holder_fini(struct policy_holder *h)
{
    policy_image_unref(h->image);
    h->image = NULL;
}

static bool
is_passing(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM;
}

int
policy_holder_load(struct policy_holder *h, struct error *err)
{
    struct policy_image *image = NULL;
    struct error why = {0, ""};
    int result;

    /* Looked at before it is mapped: a change in between is seen later. */
    file_look(h, &h->seen);
    h->known = true;
    result = policy_image_open(h->state_dir, &image, &why);
    if (result < 0 && err != NULL)
        *err = why;
    /* For want of a descriptor or memory a good image is not forgotten: if it
     * is not of the data's generation, nothing is served by it anyway. */
    if (result < 0 && is_passing(why.code)) {
        h->known = false;
        return result;
    }
    policy_image_unref(h->image);
    h->image = result == 0 ? image : NULL;
    return result;
}

bool
policy_holder_changed(const struct policy_holder *h)
{
    struct stat now;

    file_look(h, &now);
    return !h->known || now.st_ino != h->seen.st_ino ||
           now.st_dev != h->seen.st_dev || now.st_size != h->seen.st_size ||
           now.st_mtim.tv_sec != h->seen.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != h->seen.st_mtim.tv_nsec;
}

uint64_t
policy_holder_generation(const struct policy_holder *h)
{
    return h->image != NULL ? policy_image_generation(h->image) : 0;
}
