#ifndef POLICY_REPOSITORY_REPOSITORY_H
#define POLICY_REPOSITORY_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/base.h"

/*
 * Namespaces, classes and instances in state_dir/repository.db (SQLite, WAL).
 *
 * One generation number counts the committed changes; it is a row written in
 * the transaction that makes the change, so a reader that begins a read and
 * asks for the generation knows exactly which policy its data belong to
 * (threat 38).
 *
 * Writing (mofcomp, keeper):
 *     repository_open(dir, REPOSITORY_WRITE, &repo, err)
 *     repository_begin(repo, 10000, waiting, arg, err)     one writer at a time
 *     repository_apply(repo, unit, &options, &change, err)
 *     policy_image_build(...)   (decision.h: from repository_each_namespace)
 *     repository_commit(repo, err)            or repository_rollback(repo)
 *     policy_image_activate(dir, err)
 *     repository_end(repo)
 * Reading (workers):
 *     repository_open(dir, REPOSITORY_READ, ...)
 *     repository_read_begin(repo, &generation, err)
 *     repository_class(...), repository_instances(...)
 *     repository_read_end(repo)
 *
 * A failed call leaves the repository as it was before the transaction.
 * Reading works under another uid than the writer's as long as some writer
 * holds the repository open (the keeper does).
 */
struct repository;
struct mof_statement;
struct mof_unit;
struct mof_statement;

enum repository_mode {
    REPOSITORY_READ = 0,
    REPOSITORY_WRITE, /* creates the file (0640) and its schema if absent */
};

#define REPOSITORY_FILE "repository.db"

int repository_open(const char *state_dir, enum repository_mode mode,
                    struct repository **repo_out, struct error *err);
void repository_close(struct repository *repo);
/* -1: the file that is open is not in its place any more.  Whoever serves from
 * one closes it then, and does not go on with what nobody can see or change. */
int repository_still_there(const struct repository *repo, struct error *err);

/* -- writing ------------------------------------------------------------ */

/* Takes the one writer's turn; waiting (may be NULL) is called once if
 * another writer holds it.  -1 after timeout_ms, with err->code -EBUSY.
 *
 * The turn outlives the commit, so that nobody else makes an image before
 * this one is in place: it ends with repository_end, repository_rollback or
 * repository_close. */
int repository_begin(struct repository *repo, unsigned timeout_ms,
                     void (*waiting)(void *arg), void *arg, struct error *err);

/* docs/repository.md has the table of what each flag lets happen. */
struct repository_apply_options {
    /* enum mof_change, for statements that no pragma gave any. */
    unsigned class_change, instance_change;
    /* May be NULL: what forceupdate took out of a subclass, in a line. */
    void (*note)(void *arg, const struct mof_statement *st, const char *text);
    void *note_arg;
};

/* What an apply did, for messages.  What was found as it should be counts as
 * unchanged and was not written. */
struct repository_change {
    size_t namespaces_created, namespaces_deleted, classes_created,
        classes_updated, classes_unchanged, classes_deleted, instances_created,
        instances_updated, instances_unchanged, instances_deleted,
        encryption_on, encryption_off;
    /* On failure: the statement that could not be stored (its place; it lives
     * until the next apply or the close), which one that was, counted from 1,
     * and the published code (0x80041019 already exists, ...). */
    const struct mof_statement *failed;
    size_t failed_number;
    uint32_t failed_code;
    bool failed_by_flags; /* createonly and the like forbade it */
};

/* Inside a transaction.  Names of namespaces that were created are reported
 * through created (may be NULL), in order, parents first. */
int repository_apply(struct repository *repo, const struct mof_unit *unit,
                     const struct repository_apply_options *options,
                     void (*created)(void *arg, const char *display),
                     void *arg, struct repository_change *change_out,
                     struct error *err);

/* The generation that this transaction will have once committed; bumps the
 * row on its first call in a transaction. */
int repository_next_generation(struct repository *repo,
                               uint64_t *generation_out, struct error *err);
/* On failure everything is rolled back and the turn is over. */
int repository_commit(struct repository *repo, struct error *err);
void repository_rollback(struct repository *repo);
/* The end of the turn, after the image was activated. */
void repository_end(struct repository *repo);

/* -- reading ------------------------------------------------------------ */

/* A consistent snapshot and its generation. Short: a page or a chunk. */
int repository_read_begin(struct repository *repo, uint64_t *generation_out,
                          struct error *err);
void repository_read_end(struct repository *repo);

/* The generation of what is read or written, inside a transaction of either
 * kind; before repository_next_generation the one there is. */
int repository_generation(struct repository *repo, uint64_t *generation_out,
                          struct error *err);

struct repository_namespace {
    struct namespace_path path;
    struct span display;
    bool requires_encryption;
};

/* These work inside a transaction of either kind.  Visitors return false to
 * stop.  Return 0, or -1 when the store failed. */
int repository_each_namespace(
    struct repository *repo,
    bool (*visit)(void *arg, const struct repository_namespace *ns), void *arg,
    struct error *err);
int repository_each_child(struct repository *repo,
                          const struct namespace_path *ns,
                          bool (*visit)(void *arg,
                                        const struct repository_namespace *ns),
                          void *arg, struct error *err);
/* 1 found, 0 not, -1 error. */
int repository_namespace_find(struct repository *repo,
                              const struct namespace_path *ns,
                              struct repository_namespace *out,
                              struct error *err);
/* An existing namespace whose canonical path is within edit distance 2 of
 * ns but not ns: 1, 0 or -1. */
int repository_namespace_near(struct repository *repo,
                              const struct namespace_path *ns,
                              struct namespace_path *near_out,
                              struct error *err);
int repository_each_class(struct repository *repo,
                          const struct namespace_path *ns,
                          bool (*visit)(void *arg, struct span name,
                                        struct span superclass),
                          void *arg, struct error *err);
/* The declaration as stored, in arena; system classes are not stored (see
 * mof_system_class).  1 found, 0 not, -1 error. */
int repository_class(struct repository *repo, const struct namespace_path *ns,
                     struct span name, struct arena *arena,
                     struct cim_class **class_out, struct error *err);
/* A namespace's security descriptor as NamespaceSecuritySDDL gave it.  Kept,
 * and not yet what decides.  1 found, 0 there is none, -1 error. */
int repository_descriptor(struct repository *repo,
                          const struct namespace_path *ns, struct arena *arena,
                          struct span *sddl_out, struct error *err);
/* The declaration of a qualifier in that namespace.  1 found, 0 not, -1. */
int repository_qualifier(struct repository *repo,
                         const struct namespace_path *ns, struct span name,
                         struct arena *arena,
                         struct cim_qualifier_declaration **out,
                         struct error *err);
/* All of them, by name, each in arena. */
int repository_each_qualifier(
    struct repository *repo, const struct namespace_path *ns,
    struct arena *arena,
    bool (*visit)(void *arg, const struct cim_qualifier_declaration *q),
    void *arg, struct error *err);
/* 1 found, 0 not, -1 error. key as mof_instance_key gives it. */
int repository_instance(struct repository *repo,
                        const struct namespace_path *ns,
                        struct span class_name, struct span key,
                        struct arena *arena, struct cim_instance **out,
                        struct error *err);

/*
 * Instances of a class and its subclasses in a stable order, from the one
 * after `after` (0: from the start; it is an opaque row number, growing).
 * At most limit visits.  Each is built in arena, which the visitor may not
 * keep: it is reset between visits by the caller's own means or left to
 * grow.  key is the canonical key. Returns 0 or -1.
 */
int repository_instances(struct repository *repo,
                         const struct namespace_path *ns,
                         struct span class_name, int64_t after, size_t limit,
                         bool (*visit)(void *arg, int64_t row, struct span key,
                                       const struct cim_instance *instance),
                         void *arg, struct error *err);

/* All of a namespace, in the same order.  An instance lives until its visit
 * is over. */
int
repository_each_instance(struct repository *repo,
                         const struct namespace_path *ns,
                         bool (*visit)(void *arg, int64_t row, struct span key,
                                       const struct cim_instance *instance),
                         void *arg, struct error *err);

/* -- a class with all it inherits (object.c) ------------------------------ */

#define REPOSITORY_DEPTH_MAX 256 /* classes from the top to the bottom */

struct repository_property {
    const struct cim_property *property; /* the nearest declaration */
    const struct cim_class *origin;      /* where that stands */
    const struct cim_value *value;       /* nearest default; NULL: none */
    bool key;                            /* Key said anywhere in the chain */
};

struct repository_method {
    const struct cim_method *method;
    const struct cim_class *origin;
};

/* Features in order of their first declaration, the top class's first. */
struct repository_class_full {
    const struct cim_class *class;
    size_t depth; /* classes in the chain, at least 1 */
    size_t property_count;
    struct repository_property *properties;
    size_t method_count;
    struct repository_method *methods;
    size_t key_count;
    struct span only_key; /* its name if key_count is 1, else absent */
    size_t *by_name;      /* property indexes, names ascending */
};

/* A stored class or a system class.  1 found, 0 not, -1 error, also when a
 * superclass is missing. */
int repository_class_find(struct repository *repo,
                          const struct namespace_path *ns, struct span name,
                          struct arena *arena, const struct cim_class **out,
                          struct error *err);
/* The same with what it inherits; all in arena. */
int repository_class_full(struct repository *repo,
                          const struct namespace_path *ns, struct span name,
                          struct arena *arena,
                          struct repository_class_full **out,
                          struct error *err);
/* Index into properties, or SIZE_MAX. */
size_t repository_class_full_property(const struct repository_class_full *full,
                                      struct span name);
/* The canonical key from an object path's text behind the class name (".K=1",
 * `="v"`, "=@").  False if it is malformed or memory is out. */
bool repository_key_parse(const struct repository_class_full *full,
                          struct span text, struct arena *arena,
                          struct span *key_out);

/* -- recovery --------------------------------------------------------------- */

/* Inside a writing transaction: takes everything out, and lets generations go
 * on behind this one. */
int repository_clear(struct repository *repo, uint64_t generation,
                     struct error *err);
/* In a turn of its own: moves a repository that is damaged out of the way, to
 * REPOSITORY_FILE ".damaged". */
int repository_set_aside(const char *state_dir, unsigned timeout_ms,
                         struct error *err);

/* True if the file is a repository whose pages and schema are sound
 * (PRAGMA quick_check); for doctor and the start.  err->code is -EILSEQ where
 * it, or an open, found damage. */
int repository_check(struct repository *repo, struct error *err);

/*
 * State files belong to the owner of state_dir, whoever writes them: a root
 * process takes the owner's ids for the file system around its work on them,
 * the calling thread alone.  Both are no-ops when the caller is not root.
 */
int state_owner_enter(const char *state_dir, struct error *err);
void state_owner_leave(void);
/* Refuses (-1) a directory that its group or everyone may write to, and for a
 * caller other than root one that belongs to neither the caller nor root. */
int state_dir_check(const char *state_dir, struct error *err);

#endif
