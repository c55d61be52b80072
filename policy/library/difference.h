#ifndef POLICY_LIBRARY_DIFFERENCE_H
#define POLICY_LIBRARY_DIFFERENCE_H

#include "policy/library/library.h"

/* One policy_compile_each_difference: the open transaction beside what a
 * reader sees.  Functions return 0, or -1 with err filled. */
struct difference {
    struct repository *before, *after;
    const struct mof_unit *unit;
    const struct repository_change *change;
    bool (*visit)(void *arg, const struct policy_difference *d);
    void *arg;
    bool stopped;
    struct arena *arena;        /* until the next object */
    struct strmap *seen;        /* what has been looked at */
    struct arena *kept;         /* keys of seen, names */
    struct namespace_path last; /* whose spelling is display */
    const char *display;
    struct buf old, new;
    struct error *err;
};

int difference_memory(struct difference *d); /* -1: out of memory */
void difference_tell(struct difference *d,
                     const struct policy_difference *what);
/* Objects are decoded one at a time: the arena begins again. */
int difference_renew(struct difference *d);
/* 1 the first time, 0, -1.  Case counts in c only. */
int difference_is_new(struct difference *d, struct span a, struct span b,
                      struct span c);
/* The namespace as the repository spells it; NULL after an error. */
const char *difference_display(struct difference *d,
                               const struct mof_statement *st);
/* Tells of d->old and d->new, what was printed of an object before and after,
 * where they are not the same. */
void difference_texts(struct difference *d, struct policy_difference *what,
                      bool was, bool is);

/* Names of classes, kept by a visitor of repository_each_class; arg is the
 * struct. */
struct difference_names {
    struct arena *arena;
    size_t count, capacity;
    struct span *items;
    bool failed;
};

bool difference_name_keep(void *arg, struct span name, struct span superclass);

/* difference_class.c: descriptors and declared qualifiers; classes */
int difference_simple(struct difference *d);
int difference_classes(struct difference *d);
/* difference_instance.c */
int difference_instances(struct difference *d);

#endif
