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

int
policy_holder_load(struct policy_holder *h, struct error *err)
{
    struct policy_image *image = NULL;
    int result;

    /* Looked at before it is mapped: a change in between is seen later. */
    file_look(h, &h->seen);
    h->known = true;
    result = policy_image_open(h->state_dir, &image, err);
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
