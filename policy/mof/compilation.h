#ifndef POLICY_MOF_COMPILATION_H
#define POLICY_MOF_COMPILATION_H

#include "policy/mof/codes.h"
#include "policy/mof/mof.h"
#include "policy/mof/syntax.h"

/*
 * One compile from its first file to its unit.  The parser appends to
 * `statements`, the check reads them and appends to `unit`.
 */

/* Named limits on what a text may ask for (threat 32). */
#define LIMIT_DEPTH           100                /* embedded instances */
#define LIMIT_TOKENS          (10 * 1000 * 1000) /* whose tree is kept */
#define LIMIT_STRING_BYTES    (1024 * 1024)      /* one value, joined */
#define LIMIT_KEY_BYTES       (64 * 1024)        /* one canonical key */
#define LIMIT_INCLUDE_DEPTH   32
#define LIMIT_INCLUDE_FILES   10000
#define LIMIT_INCLUDE_BYTES   ((size_t)256 * 1024 * 1024)
#define LIMIT_SUPERCLASSES    256     /* classes above one class */
#define LIMIT_GIVEN           65536   /* instances told from one another */
#define LIMIT_KEYS            64      /* key properties of one class */
#define LIMIT_ALIAS_DEPTH     100     /* aliases that lead to aliases */
#define LIMIT_EMBEDDED_VALUES 1000000 /* of one instance, all levels */
#define LIMIT_WARNINGS        200     /* shown of one compile */
#define DEFAULT_MAX_ERRORS    20

/* A growing array of items of one size. */
struct vector {
    void *items;
    size_t count, capacity, item_size;
};

/*
 * A namespace that the sources have named.  Times are positions in the list
 * of statements, counted from 1, because classes and namespaces come and go
 * in the order of the text.
 */
struct space {
    struct namespace_path path; /* zeroed: a pragma that could not be read */
    const char *display;
    struct space *parent;      /* NULL: root */
    struct strmap *classes;    /* name -> struct class_info; NULL: none yet */
    struct strmap *qualifiers; /* name -> declaration; NULL: none yet */
    struct strmap *instances;  /* class -> map of key -> struct given */
    bool asked_world, in_world;
    bool created;                  /* by this compile */
    struct at noted_at;            /* the pragma that did; no source: none */
    bool has_content;              /* a class, or an instance that is data */
    size_t created_at, deleted_at; /* 0: never */
    bool is_named; /* named_at is where it was brought up first */
    struct at named_at;
    /* Its first security statement. */
    bool is_secured, requires_encryption;
    struct at secured_at;
    struct span descriptor; /* NamespaceSecuritySDDL; absent: none */
    struct at descriptor_at;
};

/* Items whose number is not known yet; lists inside lists share it. */
struct stack {
    char *bytes;
    size_t used, capacity;
};

struct mof_compilation {
    struct mof_options options;
    struct arena *arena;
    struct arena *trees;    /* what stretch.c lets go of again */
    struct arena_mark mark; /* of trees, once checked */
    struct stack stack;     /* of the parser */
    struct buf text;        /* of the string being joined */
    bool muted;             /* a text is read again: all was said */
    size_t replayed_at;     /* 0, or the time that schema_find looks at */
    bool is_system;         /* the text of our own system classes */
    bool checked;
    bool failed; /* out of memory: nothing that follows is trusted */

    struct vector sources;    /* struct source * */
    struct vector statements; /* struct syntax_statement */
    struct vector results;    /* struct mof_statement */
    struct mof_unit unit;
    struct at autorecover_at;
    struct vector pending;   /* struct pending: check_instance.c */
    struct vector deferred;  /* struct deferred: check_class.c */
    struct vector type_uses; /* struct type_use: check_class.c */

    struct strmap *spaces;     /* canonical path -> struct space */
    struct vector space_list;  /* struct space *, parents first */
    struct space *start_space; /* of each file */
    struct space *nowhere;     /* after a pragma that could not be read */
    struct vector alias_maps;  /* struct strmap *, one a file */
    struct vector class_maps;  /* struct strmap *, to free */

    struct strmap *spelled; /* qualifiers' names that were looked at */

    size_t given_count; /* struct given: check_instance.c */
    size_t tokens, include_files, include_bytes;

    struct vector diagnostics;   /* struct report_entry */
    struct mof_diagnostic *last; /* reported; NULL: it was left out */
    size_t errors, syntax_errors, warnings, notes;
    struct mof_diagnostic memory_diagnostic;
};

/* False, and c->failed, when out of memory. */
bool vector_add(struct mof_compilation *c, struct vector *v, const void *item);
#define VECTOR_AT(v, type, index) (((type *)(v)->items)[index])

/* Arena memory, zeroed; NULL and c->failed when out of it. */
void *compilation_alloc(struct mof_compilation *c, size_t size);
void *compilation_array(struct mof_compilation *c, size_t count, size_t size);
char *compilation_copy(struct mof_compilation *c, struct span s);

/* The same in trees: what belongs to one instance. */
void *tree_alloc(struct mof_compilation *c, size_t size);
void *tree_array(struct mof_compilation *c, size_t count, size_t size);

/* Takes (see source_decode), decodes and keeps a text; NULL when it can't be read, which is reported. */
struct source *compilation_source_new(struct mof_compilation *c,
                                      const char *name, char *bytes,
                                      size_t length,
                                      const struct mof_include *included);
/* True once nothing more should be looked at. */
bool compilation_is_over(const struct mof_compilation *c);

/* A map that lives as long as the compilation. */
struct strmap *compilation_map_new(struct mof_compilation *c,
                                   struct vector *maps);

#endif
