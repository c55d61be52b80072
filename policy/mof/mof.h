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
    /* The class there whose name is nearest to that (nearest.h); NULL if none
     * is near.  As long as the compilation. */
    const char *(*class_near)(void *context, const struct namespace_path *ns,
                              struct span name);
    /* The declaration of a qualifier as stored; NULL if there is none.  As
     * long as the compilation, too. */
    const struct cim_qualifier_declaration *(*qualifier_find)(
        void *context, const struct namespace_path *ns, struct span name);
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

/* Phases as WBEM_COMPILE_STATUS_INFO.lPhaseError numbers them. */
enum mof_phase {
    MOF_PHASE_NONE = 0,
    MOF_PHASE_SYNTAX = 1, /* exit 3 */
    MOF_PHASE_ARGUMENT = 2,
    MOF_PHASE_STORE = 3, /* meaning: superclass, key, store; exit 1 */
};

/*
 * Warnings come in classes, one row each: name, its spelling, is it given
 * unless asked for, the phase and the code that it has when it is made an
 * error, does leaving out "all" leave it out too, what it is about.  Append
 * only; docs/mof.md and mofcomp(1) list them.
 */
#define MOF_WARNINGS(ROW)                                                     \
    ROW(ENCODING, "encoding", true, SYNTAX, INVALID_FILE, true,               \
        "text that is not UTF-8 is read as Windows-1252")                     \
    ROW(ESCAPE, "escape", true, SYNTAX, ILLEGAL_CONSTANT_VALUE, true,         \
        "an escape in a string that is unknown or runs on")                   \
    ROW(LINE_END, "line-end", true, SYNTAX, UNRECOGNIZED_TOKEN, true,         \
        "a string that runs over a line end")                                 \
    ROW(ROUNDING, "rounding", true, SYNTAX, TYPE_MISMATCH, true,              \
        "a real number for an integer")                                       \
    ROW(QUOTED_BOOLEAN, "quoted-boolean", true, SYNTAX, TYPE_MISMATCH, true,  \
        "a string for a boolean")                                             \
    ROW(NULL_ELEMENT, "null-element", true, SYNTAX, NULL_ARRAY_ELEM, true,    \
        "NULL in an array")                                                   \
    ROW(QUOTED_CHAR, "quoted-char", true, SYNTAX, TYPE_MISMATCH, true,        \
        "a string for a char16")                                              \
    ROW(DECLARED_TYPE, "declared-type", true, SYNTAX, TYPE_MISMATCH, true,    \
        "a qualifier's value is not of its declared type")                    \
    ROW(CONSTRAINT, "constraint", true, SYNTAX, OUT_OF_RANGE, true,           \
        "MinValue, MaxLen and the like, misplaced or exceeded")               \
    ROW(OBJECT_PATH, "object-path", true, SYNTAX, INVALID_OBJECT_PATH, true,  \
        "a reference that is no path of an object")                           \
    ROW(UNKNOWN_CLASS, "unknown-class", true, STORE, INVALID_CLASS, true,     \
        "a reference to a class that is not known")                           \
    ROW(INSTANCE_TWICE, "instance-twice", true, STORE, ALREADY_EXISTS, true,  \
        "one compile has the same instance twice")                            \
    ROW(PRAGMA, "unknown-pragma", true, SYNTAX, INVALID_PRAGMA, true,         \
        "a pragma that is not known and ignored")                             \
    ROW(QUALIFIER_SPELLING, "qualifier-spelling", true, SYNTAX,               \
        QUALIFIER_USED_OUTSIDE_SCOPE, true,                                   \
        "a qualifier that is nearly a standard one")                          \
    ROW(MISSING_INCLUDE, "missing-include", true, SYNTAX,                     \
        ERROR_INVALID_INCLUDE_FILE, true,                                     \
        "-check: an included file is not there")                              \
    ROW(COMPILE_REFUSES, "compile-refuses", true, SYNTAX, UNRECOGNIZED_TOKEN, \
        true, "-check: right by the grammar, refused by a compile")           \
    ROW(EMPTY_NAMESPACE, "empty-namespace", true, STORE, INVALID_NAMESPACE,   \
        false, "a security statement that protects nothing yet")              \
    ROW(DESCRIPTOR, "descriptor", true, STORE, NOT_SUPPORTED, false,          \
        "a security descriptor is stored and not in force yet")               \
    ROW(UNENCRYPTED_CHILD, "unencrypted-child", true, STORE,                  \
        INVALID_NAMESPACE, false,                                             \
        "an encrypted namespace has a child that is not")                     \
    ROW(BINARY, "binary", true, SYNTAX, NOT_SUPPORTED, true,                  \
        "what binary MOF cannot hold, or what nobody knows")

enum mof_warning {
#define MOF_WARNING_ROW(name, text, on, phase, code, all, what)               \
    MOF_WARNING_##name,
    MOF_WARNINGS(MOF_WARNING_ROW)
#undef MOF_WARNING_ROW
        MOF_WARNING_COUNT,
};

enum mof_warning_setting {
    MOF_WARNING_DEFAULT = 0, /* as its row says */
    MOF_WARNING_OFF,
    MOF_WARNING_ON,
    MOF_WARNING_ERROR,
};

struct mof_warning_row {
    const char *name;
    bool on;               /* unless asked for */
    enum mof_phase phase;  /* of an error made of it */
    uint32_t code;         /* likewise */
    bool is_left_with_all; /* --no-warn=all means it too */
    const char *what;
};

const struct mof_warning_row *mof_warning_row(enum mof_warning warning);
/* Sets the class of that name, or for "all" every one: OFF those whose row
 * allows it, ERROR those that are on.  False: there is no such class. */
bool mof_warning_set(enum mof_warning_setting settings[MOF_WARNING_COUNT],
                     struct span name, enum mof_warning_setting setting);

struct mof_options {
    struct mof_world world;
    enum mof_warning_setting warnings[MOF_WARNING_COUNT];
    struct namespace_path default_namespace; /* zeroed: root\default */
    bool syntax_only;      /* -check: no repository is looked at */
    bool standalone;       /* for mof_binary_write: nor here, but values are
                            checked as far as their types are known */
    unsigned class_change; /* standalone: what the binary says of classes
                              that are under no #pragma classflags */
    bool strict;           /* as WMI and DSP0004 do, see docs/mof.md */
    bool create;           /* a security statement may name a new namespace
                            close to an existing one */
    unsigned max_errors;   /* 0: 20 */
    const char *const *include_directories;
    size_t include_count;
};

enum mof_location_kind {
    MOF_LOCATION_TEXT = 0, /* line and column; both 0: the file as a whole */
    MOF_LOCATION_FILE,     /* offset in the bytes of a binary */
    MOF_LOCATION_UNPACKED, /* offset in the data that are packed in it */
};

/* Where something was written; columns count characters from 1. */
struct mof_location {
    const char *file;
    uint32_t line, column;
    enum mof_location_kind kind;
    uint32_t offset;
};

/* As people read it: file:line:column, file, file:0x1A4 (an offset in the
 * file) or file:unpacked:0x1A4.  What snprintf returns. */
int mof_location_format(const struct mof_location *where, char *out,
                        size_t size);

enum mof_statement_kind {
    MOF_STATEMENT_NONE = 0,
    MOF_STATEMENT_NAMESPACE, /* make sure that it and its parents exist */
    MOF_STATEMENT_CLASS,
    MOF_STATEMENT_INSTANCE,
    /* Many instances, which mof_unit_next reads from the text again, one by
     * one, so that they are never all in memory. */
    MOF_STATEMENT_INSTANCES,
    MOF_STATEMENT_DELETE_CLASS,    /* name */
    MOF_STATEMENT_DELETE_INSTANCE, /* name is the object path */
    MOF_STATEMENT_DELETE_NAMESPACE,
    MOF_STATEMENT_ENCRYPTION, /* RequiresEncryption on target */
    MOF_STATEMENT_QUALIFIER_DECLARATION,
    MOF_STATEMENT_DESCRIPTOR, /* NamespaceSecuritySDDL on target */
};

/* How a class or an instance may be stored (WBEM_CHANGE_FLAG_TYPE, MS-WMI
 * 2.2.5), or'ed; none: it is created or updated. */
enum mof_change {
    MOF_CHANGE_UPDATE_ONLY = 0x01,
    MOF_CHANGE_CREATE_ONLY = 0x02,
    MOF_CHANGE_UPDATE_SAFE = 0x20,
    MOF_CHANGE_UPDATE_FORCE = 0x40,
    MOF_CHANGE_OF_INSTANCE = 0x03,
    MOF_CHANGE_OF_CLASS = 0x63,
    /* A pragma said so, which beats what the whole compile is told. */
    MOF_CHANGE_SAID = 0x1000000,
};

/* Adds "updateonly" or another of the names; false: it is none of those that
 * are allowed. */
bool mof_change_add(struct span name, unsigned allowed, unsigned *set);
/* The names, or "createorupdate". */
void mof_change_print(struct buf *out, unsigned set, const char *between);
/* Which of them exclude one another; NULL: none do. */
const char *mof_change_contradiction(unsigned set);

/* One thing to do, in source order. `namespace` is where it happens; for
 * NAMESPACE, ENCRYPTION and DESCRIPTOR it is the namespace meant itself. */
struct mof_statement {
    enum mof_statement_kind kind;
    struct namespace_path namespace;
    const char *namespace_display; /* the author's spelling */
    struct mof_location where;
    uint32_t last_line;
    bool from_pragma;         /* NAMESPACE: named by a pragma only */
    bool requires_encryption; /* ENCRYPTION */
    struct span descriptor;   /* DESCRIPTOR: its text, checked */
    bool must_exist;          /* DELETE_*: FAIL was said */
    bool is_instance;         /* NAMESPACE: of __Namespace */
    unsigned change;          /* CLASS, INSTANCE, NAMESPACE: enum mof_change */
    const struct cim_class *class;
    const struct cim_instance *instance;
    /* INSTANCE: canonical key, "@" for a singleton; see mof_instance_key. */
    struct span key;
    struct span name;
    const struct cim_qualifier_declaration *qualifier;
    const struct syntax_statement *stretch; /* INSTANCES: of the compiler */
};

struct mof_unit {
    size_t count;
    const struct mof_statement *statements;
    size_t class_count, instance_count, qualifier_count;
    bool autorecover;      /* some file said #pragma autorecover */
    const char *amendment; /* of the last #pragma amendment; NULL: none */
    /* Of INSTANCES; NULL when there are none. */
    struct mof_compilation *compilation;
};

enum mof_severity {
    MOF_NOTE = 1,
    MOF_WARNING,
    MOF_ERROR,
};

/* Where an #include stands, and who included that file. */
struct mof_include {
    struct mof_location where;
    const struct mof_include *from; /* NULL: a file that was named itself */
};

/*
 * text is ours and safe to show: one line, what a source smuggled into it
 * made visible (visible.h).  source and file names are as they stand; print
 * them through mof_diagnostic_render.
 */
struct mof_diagnostic {
    enum mof_severity severity;
    enum mof_phase phase;
    uint32_t code;       /* 0x8004400C and so on; 0 for notes and warnings
                           without a published code */
    const char *warning; /* name of the class it is of; NULL: none */
    struct mof_location where;     /* file "": about the compile as a whole;
                                  line 0: about the file as a whole */
    uint32_t end_line, end_column; /* just behind it */
    uint32_t width;                /* characters to underline in the line of
                                      where, at least 1 */
    const char *text;
    const char *source;     /* the line, or what is around the place in a
                               long one, without its end; may be NULL */
    uint32_t source_column; /* of the first character of source */
    bool source_goes_on;    /* the line does, behind source */
    const struct mof_include *included; /* NULL: the file was named */
    const char *meant; /* what probably was meant in its place; NULL */
    struct mof_diagnostic *detail; /* a note that belongs to it ("first
                                      declared here"), and its own */
};

struct mof_compilation;

struct mof_compilation *mof_compilation_new(const struct mof_options *options);
void mof_compilation_free(struct mof_compilation *c);

/* Reads, parses and adds one file; "-" is standard input. 0, or -1 when the
 * file brought errors (they are diagnostics) or could not be read (an error
 * diagnostic too: 0x80041001 with the path and the reason). */
int mof_compile_file(struct mof_compilation *c, const char *path);
/* Do bytes begin as binary MOF does?  Then that is what the above and the
 * below read them as. */
bool mof_is_binary(const void *bytes, size_t length);
/* The same from memory; name is shown in diagnostics.  bytes are copied. */
int mof_compile_buffer(struct mof_compilation *c, const char *name,
                       const void *bytes, size_t length);
/* What can only be judged once everything is there: superclasses, keys,
 * instances' classes, aliases, contradicting security statements. 0 or -1. */
int mof_check(struct mof_compilation *c);

const struct mof_unit *mof_unit(const struct mof_compilation *c);

/* One text that was read, in the order of reading: what a file includes
 * follows it. */
struct mof_source {
    const char *name; /* as shown: a path, relative to where we are */
    bool is_included;
    bool autorecover; /* it or what it includes says #pragma autorecover */
    bool is_file;     /* name is a path */
};

/* False: there are no more. */
bool mof_source_at(const struct mof_compilation *c, size_t index,
                   struct mof_source *out);

/* A place in a unit; all zero: its beginning. */
struct mof_cursor {
    size_t index;
    uint32_t offset;
    bool failed; /* out of memory: what follows was not given */
    struct mof_statement statement;
};

/* The statements of a unit, INSTANCES as so many INSTANCE; NULL at the end.
 * What an instance points to lives until the next call for this unit. */
const struct mof_statement *mof_unit_next(const struct mof_unit *unit,
                                          struct mof_cursor *cursor);
size_t mof_error_count(const struct mof_compilation *c);
size_t mof_diagnostic_count(const struct mof_compilation *c);
const struct mof_diagnostic *mof_diagnostic(const struct mof_compilation *c,
                                            size_t index);

/* What whoever stores the unit has to say of one of its statements, after
 * mof_check, is a diagnostic like the others: an error of the store, a note, or a
 * warning, which options.warnings may make an error.  NULL: it is left out, or
 * memory ran out. */
const struct mof_diagnostic *mof_add_error(struct mof_compilation *c,
                                           const struct mof_statement *st,
                                           uint32_t code, const char *text);
const struct mof_diagnostic *mof_add_note(struct mof_compilation *c,
                                          const struct mof_statement *st,
                                          const char *text);
const struct mof_diagnostic *mof_add_warning(struct mof_compilation *c,
                                             const struct mof_statement *st,
                                             enum mof_warning warning,
                                             const char *text);

/* How a diagnostic is written for people. */
struct mof_style {
    bool colors;      /* SGR sequences */
    unsigned columns; /* of the terminal; 0: 120 */
};

/*
 * `file:line:column: error 0x8004400C: text`, the source line with the place
 * underlined, its details likewise.  A tab is as wide as a terminal makes it,
 * a long line is cut around the place.  *included is the chain shown last,
 * so that it is not shown again; NULL at first.
 */
void mof_diagnostic_render(const struct mof_diagnostic *d,
                           const struct mof_style *style,
                           const struct mof_include **included,
                           struct buf *out);
/* All of them. */
void mof_diagnostics_render(const struct mof_compilation *c,
                            const struct mof_style *style, struct buf *out);
/* The same in the plain style, to a stream. */
void mof_diagnostics_print(const struct mof_compilation *c, FILE *out);

/* The class or instance that stands around a place of a diagnostic or a
 * statement: the how manieth it is of its file, from 1, and its lines (0 in a
 * binary).  False when there is none. */
struct mof_object {
    uint32_t number, first_line, last_line;
};

bool mof_object_at(struct mof_compilation *c, const struct mof_location *where,
                   struct mof_object *out);

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

/*
 * The unit in two texts (#pragma amendment): neutral has everything but the
 * qualifiers with flavor Amended of classes, localized the classes that have
 * any, with those alone, and what these are derived from, in a namespace of
 * that name below theirs.  False: out of memory, or no such namespace can be.
 */
bool mof_amend_print(const struct mof_unit *unit, const char *locale,
                     struct buf *neutral, struct buf *localized);
/* Is it the name of a language, as "MS_409"? */
bool mof_amend_locale(struct span text);

/*
 * Adds all that was compiled, one file and what it includes, to out as binary
 * MOF.  After mof_check without an error, of a compilation whose options said
 * `standalone`: a class may be derived from one that is elsewhere.  What the
 * format is not known to hold (docs/mof.md) is an error with its place, and
 * out is as it was or not to be used.  0, or -1: diagnostics behind those of
 * the check tell.
 */
int mof_binary_write(struct mof_compilation *c, struct buf *out);
/* The same into a file, which is there whole or, on any failure, as it was. */
int mof_binary_save(struct mof_compilation *c, const char *path);

/* The statements alone, each with its line end, for those who write others
 * than a unit's: `#pragma namespace("\\\\.\\root\\x")` for what follows, the
 * statement that requires encryption in it or no longer does, and so on. */
void mof_print_namespace(struct buf *out, const char *display);
void mof_print_encryption(struct buf *out, bool required);
/* `[NamespaceSecuritySDDL("...")] instance of __SystemSecurity { };` */
void mof_print_descriptor(struct buf *out, struct span sddl);
void mof_print_class(struct buf *out, const struct cim_class *c);
void mof_print_instance(struct buf *out, const struct cim_instance *i);
void
mof_print_qualifier_declaration(struct buf *out,
                                const struct cim_qualifier_declaration *q);

#endif
