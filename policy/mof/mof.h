#ifndef POLICY_MOF_MOF_H
#define POLICY_MOF_MOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/base/base.h"

/*
 * The MOF compiler's front half: source text to a checked unit (DSP0004
 * annex A and WMI's dialect, docs/mof.md).  It knows no store: what exists
 * already is asked through struct mof_world.
 *
 *     struct mof_compilation *c = mof_compilation_new(&options);
 *     mof_compile_file(c, "a.mof");            each file, in order
 *     mof_compile_file(c, "b.mof");
 *     mof_check(c);                            references between them
 *     mof_diagnostics_print(c, stderr);
 *     if (mof_error_count(c) == 0)
 *         repository_apply(..., mof_unit(c), ...);
 *     mof_compilation_free(c);
 *
 * Everything a unit points to lives until mof_compilation_free.
 */

/* What is in the repository already. All may be NULL: an empty one. */
struct mof_world {
    void *context;
    bool (*namespace_exists)(void *context, const struct namespace_path *ns);
    /* The class as stored, its superclass by name; NULL if there is none.
     * Must live as long as the compilation. */
    const struct cim_class *(*class_find)(void *context,
                                          const struct namespace_path *ns,
                                          struct span name);
    /* The spelling of an existing namespace that is nearest to ns within
     * edit distance 2; false if there is none. */
    bool (*namespace_near)(void *context, const struct namespace_path *ns,
                           struct namespace_path *near_out);
    /* Does something outside of the repository, a route, serve it? Then a
     * security statement for it is no typo. */
    bool (*namespace_served)(void *context, const struct namespace_path *ns);
    /* Does an existing namespace require encryption? */
    bool (*namespace_encrypted)(void *context,
                                const struct namespace_path *ns);
};

struct mof_options {
    struct mof_world world;
    struct namespace_path default_namespace; /* zeroed: root\default */
    bool syntax_only;    /* -check: no repository is looked at */
    bool strict;         /* as WMI and DSP0004 do, see docs/mof.md */
    bool create;         /* a security statement may name a new namespace
                            close to an existing one */
    unsigned max_errors; /* 0: 20 */
    const char *const *include_directories;
    size_t include_count;
};

/* Where something was written; columns count characters from 1. */
struct mof_location {
    const char *file;
    uint32_t line, column;
};

enum mof_statement_kind {
    MOF_STATEMENT_NONE = 0,
    MOF_STATEMENT_NAMESPACE, /* make sure that it and its parents exist */
    MOF_STATEMENT_CLASS,
    MOF_STATEMENT_INSTANCE,
    MOF_STATEMENT_DELETE_CLASS,    /* name */
    MOF_STATEMENT_DELETE_INSTANCE, /* name is the object path */
    MOF_STATEMENT_DELETE_NAMESPACE,
    MOF_STATEMENT_ENCRYPTION, /* RequiresEncryption on target */
    MOF_STATEMENT_QUALIFIER_DECLARATION,
};

/* One thing to do, in source order. `namespace` is where it happens; for
 * NAMESPACE and ENCRYPTION it is the namespace meant itself. */
struct mof_statement {
    enum mof_statement_kind kind;
    struct namespace_path namespace;
    const char *namespace_display; /* the author's spelling */
    struct mof_location where;
    uint32_t last_line;
    bool from_pragma;              /* NAMESPACE: named by a pragma only */
    bool requires_encryption;      /* ENCRYPTION */
    bool must_exist;               /* DELETE_*: FAIL was said */
    bool create_only, update_only; /* CLASS, INSTANCE: #pragma classflags */
    const struct cim_class *class;
    const struct cim_instance *instance;
    /* INSTANCE: canonical key, "@" for a singleton; see mof_instance_key. */
    struct span key;
    struct span name;
    const struct cim_qualifier_declaration *qualifier;
};

struct mof_unit {
    size_t count;
    const struct mof_statement *statements;
    size_t class_count, instance_count, qualifier_count;
    bool autorecover; /* some file said #pragma autorecover */
};

enum mof_severity {
    MOF_NOTE = 1,
    MOF_WARNING,
    MOF_ERROR,
};

/* Phases as WBEM_COMPILE_STATUS_INFO.lPhaseError numbers them. */
enum mof_phase {
    MOF_PHASE_NONE = 0,
    MOF_PHASE_SYNTAX = 1, /* exit 3 */
    MOF_PHASE_ARGUMENT = 2,
    MOF_PHASE_STORE = 3, /* meaning: superclass, key, store; exit 1 */
};

struct mof_diagnostic {
    enum mof_severity severity;
    enum mof_phase phase;
    uint32_t code; /* 0x8004400C and so on; 0 for notes and warnings
                           without a published code */
    struct mof_location where;
    uint32_t width;     /* characters to underline, at least 1 */
    const char *text;   /* ours, UTF-8, one line */
    const char *source; /* the line, tabs kept, without its end; may be NULL */
};

struct mof_compilation;

struct mof_compilation *mof_compilation_new(const struct mof_options *options);
void mof_compilation_free(struct mof_compilation *c);

/* Reads, parses and adds one file; "-" is standard input. 0, or -1 when the
 * file brought errors (they are diagnostics) or could not be read (an error
 * diagnostic too: 0x80041001 with the path and the reason). */
int mof_compile_file(struct mof_compilation *c, const char *path);
/* The same from memory; name is shown in diagnostics.  bytes are copied. */
int mof_compile_buffer(struct mof_compilation *c, const char *name,
                       const void *bytes, size_t length);
/* What can only be judged once everything is there: superclasses, keys,
 * instances' classes, aliases, contradicting security statements. 0 or -1. */
int mof_check(struct mof_compilation *c);

const struct mof_unit *mof_unit(const struct mof_compilation *c);
size_t mof_error_count(const struct mof_compilation *c);
size_t mof_diagnostic_count(const struct mof_compilation *c);
const struct mof_diagnostic *mof_diagnostic(const struct mof_compilation *c,
                                            size_t index);
/* All of them, `file:line:column: error 0x8004400C: text`, then the source
 * line and a caret. */
void mof_diagnostics_print(const struct mof_compilation *c, FILE *out);

/* The published symbol of a code, "WBEMMOF_E_EXPECTED_SEMI"; NULL if it is
 * not known. */
const char *mof_code_symbol(uint32_t code);

/*
 * An instance's canonical key: the key properties in the order of their
 * lower-cased names as name=value joined by commas (the names in lower case,
 * as a path is compared without it), the value of a string,
 * datetime or reference quoted with \" and \\ escaped, a number in decimal,
 * a boolean TRUE or FALSE; "@" for a keyless (singleton) class.  The same
 * text is the object path behind "Class." (DSP0207, MS-WMI 2.2.2).
 * keys[i] are borrowed from the instance. False: out of memory.
 */
bool mof_instance_key(struct arena *arena,
                      const struct cim_property *const *keys, size_t count,
                      struct span *key_out);
/* The same from the text of an object path behind the class name: ".K=1",
 * `="v"` (only_key names the single key), "=@".  False if it is malformed. */
bool mof_key_from_path(struct arena *arena, struct span text,
                       struct span only_key, struct span *key_out);

/* The classes that every namespace has (__SystemSecurity, __Namespace and
 * the rest), parsed from a text of ours; NULL if there is none of that
 * name.  Lives as long as the process. */
const struct cim_class *mof_system_class(struct span name);

/*
 * Canonical MOF: the text of a unit, which compiled in the same world gives
 * the same unit.  Aliases are gone, the values that they stood for are in
 * their places; each namespace is said before what is in it, and TRUE where
 * a bare qualifier meant it.  Everything is added to out, which remembers
 * when memory ran out (buf_failed).
 */
void mof_print_unit(struct buf *out, const struct mof_unit *unit);

/* The statements alone, each with its line end, for those who write others
 * than a unit's: `#pragma namespace("\\\\.\\root\\x")` for what follows, the
 * statement that requires encryption in it or no longer does, and so on. */
void mof_print_namespace(struct buf *out, const char *display);
void mof_print_encryption(struct buf *out, bool required);
void mof_print_class(struct buf *out, const struct cim_class *c);
void mof_print_instance(struct buf *out, const struct cim_instance *i);
void
mof_print_qualifier_declaration(struct buf *out,
                                const struct cim_qualifier_declaration *q);

#endif
