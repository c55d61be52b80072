#include "policy/decision/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((off_t)1 << 34)

struct policy_image {
    void *file;
    size_t size;
    dev_t device; /* of the file, which lives as long as it is mapped */
    ino_t inode;
    unsigned references;
};

/* Only what was written by its owner alone can be policy. */
static int
file_accept(const struct stat *st, struct error *err)
{
    if (!S_ISREG(st->st_mode))
        return error_set(err, "not a regular file");
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(err, "others than its owner may write to it");
    if (st->st_size < (off_t)sizeof(struct image_header) ||
        st->st_size > FILE_MAX)
        return error_set(err, "%lld bytes are no policy image",
                         (long long)st->st_size);
    return 0;
}

static int
file_map(int directory, const char *name, struct policy_image *out,
         struct error *err)
{
    int fd = openat(directory, name,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int r = -1;

    if (fd < 0)
        return error_set_errno(err, errno, "open");
    if (fstat(fd, &st) < 0) {
        error_set_errno(err, errno, "fstat");
        goto out;
    }
    if (file_accept(&st, err) < 0)
        goto out;
    out->size = (size_t)st.st_size;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->file = mmap(NULL, out->size, PROT_READ, MAP_SHARED, fd, 0);
    if (out->file == MAP_FAILED) {
        error_set_errno(err, errno, "mmap");
        goto out;
    }
    r = 0;
out:
    close(fd);
    return r;
}

static int
image_open_at(int directory, const char *name, struct policy_image **image_out,
              struct error *err)
{
    struct policy_image mapped = {.references = 1};

    if (file_map(directory, name, &mapped, err) < 0)
        return -1;
    if (image_verify(mapped.file, mapped.size, err) < 0) {
        munmap(mapped.file, mapped.size);
        return -1;
    }
    *image_out = malloc(sizeof(**image_out));
    if (*image_out == NULL) {
        munmap(mapped.file, mapped.size);
        return error_set_errno(err, ENOMEM, "open");
    }
    **image_out = mapped;
    return 0;
}

int
image_open_file(const char *state_dir, const char *name,
                struct policy_image **image_out, struct error *err)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    *image_out = NULL;
    if (directory < 0)
        return error_set_errno(err, errno, "%s", state_dir);
    r = image_open_at(directory, name, image_out, err);
    close(directory);
    if (r < 0)
        error_prefix(err, "%s/%s", state_dir, name);
    return r;
}

int
policy_image_open(const char *state_dir, struct policy_image **image_out,
                  struct error *err)
{
    return image_open_file(state_dir, POLICY_IMAGE_FILE, image_out, err);
}

bool
policy_image_in_place(const struct policy_image *image, const char *state_dir)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    bool same;

    if (directory < 0)
        return false;
    same =
        fstatat(directory, POLICY_IMAGE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_dev == image->device && st.st_ino == image->inode;
    close(directory);
    return same;
}

struct policy_image *
policy_image_ref(struct policy_image *image)
{
    if (image != NULL)
        image->references++;
    return image;
}

void
policy_image_unref(struct policy_image *image)
{
    if (image == NULL || --image->references > 0)
        return;
    munmap(image->file, image->size);
    free(image);
}

uint64_t
policy_image_generation(const struct policy_image *image)
{
    return ((const struct image_header *)image->file)->generation;
}

size_t
policy_image_count(const struct policy_image *image)
{
    return ((const struct image_header *)image->file)->count;
}

void
policy_image_each(const struct policy_image *image,
                  bool (*visit)(void *arg, const struct policy_entry *entry),
                  void *arg)
{
    image_each(image->file, image->size, visit, arg);
}

bool
policy_image_find(const struct policy_image *image,
                  const struct namespace_path *ns,
                  struct policy_entry *entry_out)
{
    return image_find(image->file, image->size, namespace_path_span(ns),
                      entry_out);
}
