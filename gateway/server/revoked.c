#include "gateway/server/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUCKETS 2048
#define SLOTS   16
/* A slot that is being filled; none ends then. */
#define CLAIMED INT64_MAX

struct slot {
    _Atomic int64_t expires_us; /* past: free */
    unsigned char id[16];
};

/* Sessions by the first bytes of their random ids. */
struct bucket {
    /* Of those that end no later than this not all are known. */
    _Atomic int64_t closed_until_us;
    struct slot slots[SLOTS];
};

struct revoked {
    struct bucket buckets[BUCKETS];
};

static struct bucket *
bucket_of(const struct revoked *t, const struct session *s)
{
    size_t at = (size_t)s->id[0] << 8 | s->id[1];

    return (struct bucket *)(uintptr_t)&t->buckets[at % BUCKETS];
}

static int
file_open(const char *state_dir, const struct account *owner,
          struct error *err)
{
    char path[512];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/" REVOKED_FILE, state_dir);
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(err, errno, "%s", path);
        return -1;
    }
    if ((geteuid() == 0 && fchown(fd, owner->uid, owner->gid) < 0) ||
        fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        ftruncate(fd, (off_t)sizeof(struct revoked)) < 0)
    {
        error_set_errno(err, errno, "%s", path);
        close(fd);
        return -1;
    }
    return fd;
}

/* Of one who was killed while he filled it. */
static void
claims_drop(struct revoked *t)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (size_t j = 0; j < SLOTS; j++) {
            struct slot *s = &t->buckets[i].slots[j];

            if (atomic_load(&s->expires_us) == CLAIMED)
                atomic_store(&s->expires_us, 0);
        }
    }
}

struct revoked *
revoked_open(const char *state_dir, const struct account *owner,
             struct error *err)
{
    struct revoked *t;
    int fd = file_open(state_dir, owner, err);

    if (fd < 0)
        return NULL;
    t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (t == MAP_FAILED) {
        error_set_errno(err, errno, "%s/" REVOKED_FILE, state_dir);
        return NULL;
    }
    claims_drop(t);
    return t;
}

void
revoked_close(struct revoked *t)
{
    if (t != NULL)
        munmap(t, sizeof(*t));
}

static bool
slot_fill(struct slot *slot, const struct session *s, int64_t now_us)
{
    int64_t was = atomic_load(&slot->expires_us);

    if (was > now_us ||
        !atomic_compare_exchange_strong(&slot->expires_us, &was, CLAIMED))
        return false;
    memcpy(slot->id, s->id, sizeof(slot->id));
    atomic_store(&slot->expires_us, s->expires_us);
    return true;
}

void
revoked_add(struct revoked *t, const struct session *s, int64_t now_us)
{
    struct bucket *b = bucket_of(t, s);
    int64_t until;

    if (revoked_has(t, s))
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        if (slot_fill(&b->slots[i], s, now_us))
            return;
    }
    until = atomic_load(&b->closed_until_us);
    while (until < s->expires_us &&
           !atomic_compare_exchange_weak(&b->closed_until_us, &until,
                                         s->expires_us))
        ;
}

bool
revoked_has(const struct revoked *t, const struct session *s)
{
    struct bucket *b = bucket_of(t, s);

    if (s->expires_us <= atomic_load(&b->closed_until_us))
        return true;
    for (size_t i = 0; i < SLOTS; i++) {
        if (atomic_load(&b->slots[i].expires_us) == s->expires_us &&
            memcmp(b->slots[i].id, s->id, sizeof(s->id)) == 0)
            return true;
    }
    return false;
}
