#ifndef POLICY_REPOSITORY_STORE_H
#define POLICY_REPOSITORY_STORE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/*
 * What the files of this folder share: the open store and its statements.
 *
 *     sqlite3_stmt *s = store_statement(repo, STATEMENT_..., err);
 *     if (s == NULL)
 *         return -1;
 *     store_bind_span(repo, s, 1, name);
 *     while ((r = store_step(repo, s, err)) > 0)
 *         ... store_column(s, 0) ...
 *     store_done(repo, s);
 */

/* One row a statement: sql.h names and words them. */
enum statement_id {
#define STATEMENT(name, sql) STATEMENT_##name,
#include "policy/repository/sql.h"
#undef STATEMENT
    STATEMENT_COUNT,
};

struct repository {
    sqlite3 *db;
    enum repository_mode mode;
    dev_t device; /* of the file that was opened */
    ino_t inode;
    char state_dir[256];
    char path[512];
    char display[NAMESPACE_PATH_MAX + 1]; /* of the last namespace_find */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct mof_statement refused; /* by the last apply */
    int turn; /* descriptor of the lock file, -1: not our turn */
    bool in_transaction, changed;
    bool failed;         /* the transaction may not be committed any more */
    bool bind_failed;    /* since the last step */
    uint64_t generation; /* of the transaction that writes; 0: not yet */
    /* While waiting for the writer's turn. */
    uint64_t wait_until_ms;
    void (*waiting)(void *arg);
    void *waiting_arg;
};

/* The prepared statement, or a second one while the first is in use (a
 * visitor that asks again). NULL with err filled. */
sqlite3_stmt *store_statement(struct repository *repo, enum statement_id id,
                              struct error *err);
/* 1 a row, 0 done, -1 failed. */
int store_step(struct repository *repo, sqlite3_stmt *s, struct error *err);
void store_done(struct repository *repo, sqlite3_stmt *s);
/* A statement without rows: step and done. */
int store_run(struct repository *repo, sqlite3_stmt *s, struct error *err);

/* What is bound must live until store_done. An absent span is NULL. */
void store_bind_span(struct repository *repo, sqlite3_stmt *s, int i,
                     struct span text);
void store_bind_blob(struct repository *repo, sqlite3_stmt *s, int i,
                     struct span bytes);
void store_bind_number(struct repository *repo, sqlite3_stmt *s, int i,
                       int64_t n);
/* Lives until the next step. Absent for NULL. */
struct span store_column(sqlite3_stmt *s, int i);
/* Fills err with what, the file and SQLite's reason; -1. */
int store_error(struct repository *repo, struct error *err, const char *what);
int store_exec(struct repository *repo, const char *sql, struct error *err);

/* -- turn.c --------------------------------------------------------------- */

/* Makes a file in state_dir with the owner, group and mode that state files
 * have; fine if it is there. */
int state_file_create(const char *state_dir, const char *path, mode_t mode,
                      struct error *err);
/* The writers' lock; a holder that dies lets go of it. */
int turn_take(struct repository *repo, struct error *err);
void turn_end(struct repository *repo);
/* Waits a moment, having told once that it does; false when time is over. */
bool turn_wait(struct repository *repo);

/* -- one table a file; for apply.c ---------------------------------------- */

/* 1 found with its row, 0 not, -1. */
int namespaces_id(struct repository *repo, const struct namespace_path *ns,
                  int64_t *id_out, struct error *err);
/* Makes it and its parents, telling created of each new one. */
int namespaces_ensure(struct repository *repo, const struct namespace_path *ns,
                      const char *display,
                      void (*created)(void *arg, const char *display),
                      void *arg, int64_t *id_out, struct error *err);
/* 1 changed, 0 it was so, -1. */
int namespaces_encryption(struct repository *repo,
                          const struct namespace_path *ns, bool required,
                          struct error *err);
/* Sets the security descriptor, as text. */
int namespaces_descriptor(struct repository *repo, int64_t ns,
                          struct span sddl, struct error *err);
/* The highest row. */
int namespaces_last(struct repository *repo, int64_t *id_out,
                    struct error *err);
/* With all below it; how many in *count_out. */
int namespaces_delete(struct repository *repo, const struct namespace_path *ns,
                      size_t *count_out, struct error *err);

/* Adds or replaces a declaration. */
int qualifiers_put(struct repository *repo, int64_t ns,
                   const struct cim_qualifier_declaration *q,
                   struct error *err);

/* 1 found, 0 not, -1.  *system_out: it only stands for a system class. */
int classes_id(struct repository *repo, int64_t ns, struct span name,
               int64_t *id_out, bool *system_out, struct error *err);
/* Rows of a class and all its subclasses, malloc'ed, the class first; none
 * (and NULL) if it is not there. */
int classes_family(struct repository *repo, int64_t ns, struct span name,
                   int64_t **ids_out, size_t *count_out, struct error *err);
/* 1 if name has a superclass, 0 not, or it is not stored; -1. The span lives
 * in arena. */
int classes_superclass(struct repository *repo, int64_t ns, struct span name,
                       struct arena *arena, struct span *superclass_out,
                       struct error *err);
/* The declaration in a row, as it is stored; 1, 0 there is none, -1. */
int classes_body(struct repository *repo, int64_t id, struct buf *out,
                 struct error *err);
/* id 0: a new one.  body: c as encode_class has it. */
int classes_put(struct repository *repo, int64_t ns, int64_t id,
                const struct cim_class *c, struct span body,
                struct error *err);
/* The row that instances of a system class hang on, and rows of the system
 * classes above it, so that they are found as subclasses. */
int classes_put_system(struct repository *repo, int64_t ns, struct span name,
                       int64_t *id_out, struct error *err);
int classes_delete(struct repository *repo, int64_t id, struct error *err);

/* 1 there is one, 0 none, -1. */
int instances_any(struct repository *repo, int64_t class_id,
                  struct error *err);
int instances_count(struct repository *repo, int64_t class_id,
                    size_t *count_out, struct error *err);
/* 1 it was new, 0 there is one already and nothing was done, -1. */
int instances_add(struct repository *repo, int64_t class_id, struct span key,
                  struct span body, struct error *err);
/* 1 there is, 0 not, -1. */
int instances_has(struct repository *repo, int64_t class_id, struct span key,
                  struct error *err);
/* 1 done, 0 it was so already or there is none, -1. */
int instances_update(struct repository *repo, int64_t class_id,
                     struct span key, struct span body, struct error *err);
/* 1 done, 0 there is none, -1. */
int instances_delete(struct repository *repo, int64_t class_id,
                     struct span key, struct error *err);
/* "" means the same as "@": the one instance of a class without key. */
struct span instances_key(struct span key);

#endif
