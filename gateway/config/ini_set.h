#ifndef GATEWAY_CONFIG_INI_SET_H
#define GATEWAY_CONFIG_INI_SET_H

#include "gateway/config/keys.h"
#include "policy/base/base.h"

/*
 * What the files say, merged, before anybody judges the values.  libini_config
 * parses each file by itself (its own merge forgets files and lines); a small
 * scan of the same bytes gives the lines.  A later file's key replaces an
 * earlier one's; twice in one file is an error.
 */

struct ini_entry {
    const struct key *key;
    const char *value;
    const char *file;
    unsigned line;
};

struct ini_section {
    enum section_kind kind;
    const char *name;         /* what follows the slash, as first written */
    struct namespace_path ns; /* of access and namespace sections */
    const char *file;         /* where it is first named */
    unsigned line;
    size_t count;
    struct ini_entry *entries;
    size_t capacity;
    struct ini_section *next; /* in the order of appearance */
};

struct ini_set {
    struct arena *arena; /* the caller's; everything lives there */
    /* NULL: everything is wanted and must be known; else the rest is skipped
     * without a judgement. */
    bool (*wants)(const struct key *key);
    struct strmap *index;
    struct ini_section *first, *last;
    size_t counts[SECTION_KIND_COUNT];
    const char *main_file;
};

#define INI_FILE_MAX (4u << 20)

int ini_set_init(struct ini_set *set, struct arena *arena, struct error *err);
void ini_set_fini(struct ini_set *set);
/* text is the content of file; errors say "FILE:LINE: ...". */
int ini_set_add(struct ini_set *set, const char *file, struct span text,
                struct error *err);
/* path, then conf.d/ *.conf beside it in the order of their bytes. */
int ini_set_read(struct ini_set *set, const char *path, struct error *err);

/* The section of that kind without a name ([nsgate]); NULL: not there. */
const struct ini_section *ini_set_find(const struct ini_set *set,
                                       enum section_kind kind);
/* NULL: not given. */
const struct ini_entry *ini_section_entry(const struct ini_section *s,
                                          const char *key);

#endif
