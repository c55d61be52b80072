#ifndef POLICY_LIBRARY_LIBRARY_H
#define POLICY_LIBRARY_LIBRARY_H

#include "policy/base/base.h"
#include "policy/mof/mof.h"
#include "policy/repository/repository.h"

/*
 * One compile, from sources to a policy image in place, in steps so that its
 * caller can show, refuse or announce what comes next.  Nothing here prints,
 * exits, waits for a person or touches signals, and compiles of different
 * handles share nothing.
 *
 *     policy_compile_open(&options, &c, err)      the turn, if there is a
 *                                                 repository to look at
 *     mof_compile_file(policy_compile_mof(c), "a.mof")
 *     mof_compile_buffer(policy_compile_mof(c), ...)
 *     policy_compile_check(c, err)                diagnostics are complete
 *     policy_compile_prepare(c, err)              applied, image built
 *         ... policy_compile_change(c), policy_compile_repository(c) ...
 *     policy_compile_commit(c, err)               in place
 *     policy_compile_free(c)
 *
 * Until policy_compile_commit nothing has changed: whoever stops before it,
 * or dies, leaves the repository and the policy as they were.
 */
struct policy_compile;

struct policy_compile_options {
    /* NULL: sources are only checked, for an empty world; prepare and commit
     * are errors then. */
    const char *state_dir;
    struct mof_options mof; /* its world is not used */
    struct repository_apply_options apply;
    /* May be NULL: does something outside of the repository, a route, serve
     * that namespace? */
    bool (*served)(void *arg, const struct namespace_path *ns);
    void *served_arg;
    /* Every source goes on the list that recovery compiles, not only those
     * that say #pragma autorecover. */
    bool autorecover;
    bool forget; /* none does, whatever it says */
    /* The sources take the place of all that is stored, in the same
     * transaction; a repository that is damaged is moved aside first. */
    bool recover;
    unsigned turn_timeout_ms; /* 0: a minute */
    /* May be NULL: called once when another compile has the repository. */
    void (*waiting)(void *arg);
    void *waiting_arg;
};

/* Strings and directories of options must live as long as the compile. */
int policy_compile_open(const struct policy_compile_options *options,
                        struct policy_compile **out, struct error *err);
/* Ends the turn.  NULL is fine. */
void policy_compile_free(struct policy_compile *c);

/* To read sources into and for its diagnostics; owned by the compile. */
struct mof_compilation *policy_compile_mof(const struct policy_compile *c);
/* After the sources.  0; 1 they have errors, which the diagnostics tell; -1
 * the repository could not be read. */
int policy_compile_check(struct policy_compile *c, struct error *err);
/* Of a check that returned 1: MOF_PHASE_SYNTAX or MOF_PHASE_STORE. */
enum mof_phase policy_compile_phase(const struct policy_compile *c);

/* In an open transaction: applies the unit and builds the image.  0; 1 a
 * statement was refused, which one and with what code is in
 * policy_compile_change; -1. */
int policy_compile_prepare(struct policy_compile *c, struct error *err);
/* 0; 1 committed, but the image is not in its place (readers refuse until
 * somebody puts it there); -1 nothing has changed. */
int policy_compile_commit(struct policy_compile *c, struct error *err);

/* -- what was done, once prepared ------------------------------------------ */

const struct repository_change *
policy_compile_change(const struct policy_compile *c);
uint64_t policy_compile_generation(const struct policy_compile *c);
/* Spellings of the namespaces that were created, parents first. */
size_t policy_compile_created_count(const struct policy_compile *c);
const char *policy_compile_created(const struct policy_compile *c,
                                   size_t index);
/* With the compile's transaction open between prepare and commit; NULL if
 * there is none yet. */
struct repository *policy_compile_repository(const struct policy_compile *c);
const char *policy_compile_state_dir(const struct policy_compile *c);
/* A recovery made another file, which whoever has the old one open has to open
 * anew. */
bool policy_compile_is_new_file(const struct policy_compile *c);

/* -- the difference that a commit would make -------------------------------- */

enum policy_difference_kind {
    POLICY_DIFFERENCE_NAMESPACE = 1,
    POLICY_DIFFERENCE_DESCRIPTOR, /* a namespace's, before and after as SDDL */
    POLICY_DIFFERENCE_QUALIFIER,  /* a declaration */
    POLICY_DIFFERENCE_CLASS,
    POLICY_DIFFERENCE_INSTANCE,
};

enum policy_space {
    POLICY_SPACE_ABSENT = 0,
    POLICY_SPACE_OPEN,
    POLICY_SPACE_ENCRYPTED,
};

/* One thing that is not as it was; valid until visit returns. */
struct policy_difference {
    enum policy_difference_kind kind;
    const char *namespace;                       /* as spelled */
    enum policy_space space_before, space_after; /* NAMESPACE */
    struct span name;                            /* the class */
    struct span key;            /* INSTANCE: its canonical key */
    const char *before, *after; /* canonical MOF; NULL: it is not there */
};

/* Between prepare and commit: namespaces first, all of them, and descriptors;
 * then qualifiers, classes and instances of the namespaces that the unit
 * touches.  visit returns false to stop. */
int policy_compile_each_difference(
    struct policy_compile *c,
    bool (*visit)(void *arg, const struct policy_difference *d), void *arg,
    struct error *err);

/* Between prepare and commit: children of namespaces that the unit encrypts
 * which are not encrypted themselves (docs/levels.md) and which no source
 * names: of those that it names, the diagnostics tell.  visit returns false
 * to stop. */
int policy_compile_each_unencrypted(
    struct policy_compile *c,
    bool (*visit)(void *arg, const struct mof_statement *parent,
                  const struct repository_namespace *child),
    void *arg, struct error *err);

/* -- recovery --------------------------------------------------------------- */

/*
 * state_dir/autorecover.list: the files that make the repository anew, in
 * order.  It is written with a compile, in two steps as the image is: a list
 * that a dead compile left behind counts if that compile was committed.
 */
#define POLICY_RECOVER_FILE "autorecover.list"

struct policy_source {
    const char *path;   /* absolute */
    const char *digest; /* SHA-256, hexadecimal, when it was compiled */
    bool is_included;   /* by the last one that is not */
};

/* In arena; none if there is no list. */
int policy_recover_list(const char *state_dir, struct arena *arena,
                        struct policy_source **sources_out, size_t *count_out,
                        struct error *err);
/* 1 as it was, 0 it has changed, -1 it can't be read. */
int policy_source_check(const struct policy_source *source, struct error *err);
/* Once prepared: namespaces that policy.image requires encryption for and the
 * new policy does not.  visit returns false to stop. */
int policy_compile_each_weaker(struct policy_compile *c,
                               bool (*visit)(void *arg, struct span display),
                               void *arg, struct error *err);

/* -- export ----------------------------------------------------------------- */

/*
 * A namespace and all below it as MOF that compiles into an empty repository
 * to the same content: namespaces in order, and in each its security
 * statements, declarations of qualifiers, classes (what a class is derived
 * from first, else by name) and instances in their order.  The same content
 * gives the same text, whatever its history.
 *
 * In a transaction of either kind.  write is called with pieces of the text;
 * it returns 0, or -1 with err filled.  1: there is no such namespace.
 */
int policy_export(struct repository *repo, const struct namespace_path *ns,
                  int (*write)(void *arg, struct span text, struct error *err),
                  void *arg, struct error *err);

#endif
