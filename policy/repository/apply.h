#ifndef POLICY_REPOSITORY_APPLY_H
#define POLICY_REPOSITORY_APPLY_H

#include "policy/mof/mof.h"
#include "policy/repository/store.h"

/* Published codes (WBEM error constants) of what may go wrong here. */
#define APPLY_FAILED              0x80041001u
#define APPLY_NOT_FOUND           0x80041002u
#define APPLY_INVALID_SUPERCLASS  0x8004100Du
#define APPLY_INVALID_NAMESPACE   0x8004100Eu
#define APPLY_INVALID_CLASS       0x80041010u
#define APPLY_INVALID_OPERATION   0x80041016u
#define APPLY_ALREADY_EXISTS      0x80041019u
#define APPLY_HAS_CHILDREN        0x80041025u
#define APPLY_HAS_INSTANCES       0x80041026u
#define APPLY_INVALID_OBJECT_PATH 0x8004103Au
#define APPLY_TYPE_MISMATCH       0x80041052u

/* One repository_apply. */
struct apply {
    struct repository *repo;
    const struct repository_apply_options *options;
    void (*created)(void *arg, const char *display);
    void *arg;
    struct repository_change *change;
    struct arena *arena; /* until the statement is done */
    struct buf body;
    struct error *err;
    uint32_t code; /* of the failure, 0: the store itself */
    /* Units come in long runs of the same namespace and class. */
    struct namespace_path last_namespace;
    int64_t last_namespace_id; /* 0: none */
    struct span last_class;
    int64_t last_class_id; /* 0: none */
    int64_t old_namespace; /* rows above it were made by this apply */
};

/* Fills err and remembers code; -1. */
int apply_fail(struct apply *a, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The namespace of a statement, made if it is missing. */
int apply_namespace(struct apply *a, const struct mof_statement *st,
                    int64_t *id_out);
void apply_forget(struct apply *a);
/* The flags that hold for a statement: its pragma's, else the compile's. */
unsigned apply_change(const struct mof_statement *st, unsigned otherwise);
/* c into a->body. */
int apply_encode_class(struct apply *a, const struct cim_class *c);

/* -- apply_class.c -------------------------------------------------------- */

int apply_class(struct apply *a, const struct mof_statement *st);
int apply_delete_class(struct apply *a, const struct mof_statement *st);
/* For a class that can't be stored so; -1. */
int apply_class_fail(struct apply *a, struct span name, uint32_t code,
                     const char *what);

/* -- settle.c ------------------------------------------------------------- */

/* The subclasses of a class that became another one: what of theirs contradicts
 * it is refused, or with force taken out of them. */
int settle_subclasses(struct apply *a, const struct mof_statement *st,
                      int64_t ns, const struct repository_class_full *before,
                      const struct repository_class_full *now, bool force);

#endif
