#ifndef NSPOLICY_H
#define NSPOLICY_H

#include <stddef.h>
#include <stdint.h>

/*
 * libnspolicy: the MOF compiler and the policy it makes, for programs.
 *
 * MOF files say which namespaces need an encrypted connection:
 *
 *     #pragma namespace("\\\\.\\Root\\MyNamespace")
 *     [RequiresEncryption(TRUE)]
 *     instance of __systemSecurity { };
 *
 * A *compiler* stores them in the repository of a state directory and puts
 * the policy image that follows from it in place.  A *policy* is that image,
 * open for questions.  The two need nothing of each other, and no gateway has
 * to run.  One that does run is not told: it gives nothing more that the new
 * policy forbids, and what that newly allows it allows within a second.
 *
 *     struct nspolicy_error error;
 *     struct nspolicy_compiler *compiler;
 *     WBEM_COMPILE_STATUS_INFO info;
 *
 *     if (nspolicy_compiler_new("/var/lib/nsgate", &compiler, &error) < 0)
 *         ... error.text ...
 *     nspolicy_compiler_on_diagnostic(compiler, show, NULL);
 *     if (nspolicy_compile_file(compiler, "policy.mof", NULL, NULL, NULL,
 *                               NULL, 0, 0, 0, &info) == WBEM_S_FALSE)
 *         ... info.lPhaseError, info.hRes, info.FirstLine;
 *             nspolicy_compiler_error(compiler)->text ...
 *     nspolicy_compiler_free(compiler);
 *
 *     struct nspolicy_policy *policy;
 *     struct nspolicy_decision decision;
 *
 *     if (nspolicy_policy_open("/var/lib/nsgate", &policy, &error) < 0)
 *         ... refuse everything ...
 *     if (nspolicy_policy_decide(policy, "root\\MyNamespace",
 *                                NSPOLICY_LEVEL_PKT_PRIVACY,
 *                                NSPOLICY_LEVEL_CONNECT, &decision) !=
 *         NSPOLICY_ALLOW)
 *         ... nspolicy_policy_explain() says why ...
 *     nspolicy_policy_unref(policy);
 *
 * Rules for all functions:
 *
 *   Strings are UTF-8 and NUL-terminated.  What a function is given it copies
 *   if it needs it longer than the call; what a function returns as a string
 *   belongs to the library and lives as long as the header says.
 *   Whatever is freed here may be NULL.
 *
 *   Threads: a compiler is used by one thread at a time; different compilers
 *   at once, also for one state directory (their compiles take turns).  A
 *   policy never changes: any number of threads may ask one at once.  The
 *   library has no state of its own, starts no thread, sets no signal handler
 *   and no locale, and does not depend on them.
 *
 *   Root: when the effective user is root, files in the state directory are
 *   read and written as the directory's owner; only the calling thread's ids
 *   for the file system change, for the length of a call (setfsuid(2)).
 *
 *   Nothing is printed, unless WBEM_FLAG_CONSOLE_PRINT asks for it.
 */

#if defined(__GNUC__)
#define NSPOLICY_API __attribute__((visibility("default")))
#else
#define NSPOLICY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
NSPOLICY_API const char *nspolicy_version(void);

/* -- errors and results -------------------------------------------------- */

#define NSPOLICY_ERROR_TEXT_MAX 1024

/* An error in words that a person can act on.  The caller's own; functions
 * that take one fill it on failure only, and take NULL from who does not
 * care. */
struct nspolicy_error {
    int32_t code; /* published: 0x80041001 WBEM_E_FAILED, ...; 0: no error */
    char text[NSPOLICY_ERROR_TEXT_MAX]; /* one line */
};

/* The published symbol of a code, "WBEMMOF_E_EXPECTED_SEMI"; NULL if this
 * library never answers with it.  Lives forever. */
NSPOLICY_API const char *nspolicy_code_symbol(int32_t code);

/* Results of the compile functions (WMI SDK, IMofCompiler). */
enum {
    WBEM_S_NO_ERROR = 0,
    WBEM_S_FALSE = 1, /* it failed: nothing was stored, or see the outcome */
    /* Stored, with a warning: the text has no #pragma autorecover. */
    NSPOLICY_S_NO_AUTORECOVER = 2,
};

/* Of a compile that failed; all 0 otherwise (WMI SDK,
 * WBEM_COMPILE_STATUS_INFO). */
typedef struct nspolicy_compile_status {
    int32_t lPhaseError; /* 0 none, 1 parsing, 2 arguments, 3 storing */
    int32_t hRes;        /* 0x8004400C WBEMMOF_E_EXPECTED_PROPERTY_NAME, ... */
    /* The class or instance at fault: the how manieth of its file, from 1,
     * and its lines.  An error outside of them, or in one that does not come
     * to its end: ObjectNum is 0 and both lines are the error's.  All 0 for
     * an error without a place. */
    int32_t ObjectNum, FirstLine, LastLine;
    uint32_t dwOutFlags; /* 0 */
} WBEM_COMPILE_STATUS_INFO;

/* -- flags (WMI SDK) ------------------------------------------------------ */

/* WBEM_COMPILER_OPTIONS: lOptionFlags */
enum {
    /* Syntax alone; the state directory is not looked at. */
    WBEM_FLAG_CHECK_ONLY = 0x1,
    /* Remember the file, which mofcomp --recover compiles again, even if it
     * has no #pragma autorecover; not with a namespace, class or instance
     * flags. */
    WBEM_FLAG_AUTORECOVER = 0x2,
    WBEM_FLAG_WMI_CHECK = 0x4, /* nspolicy_create_bmof only */
    /* Diagnostics also go to standard error. */
    WBEM_FLAG_CONSOLE_PRINT = 0x8,
    /* Do not remember it, even if it has one, and do not warn that it is
     * not; not with WBEM_FLAG_AUTORECOVER. */
    WBEM_FLAG_DONT_ADD_TO_LIST = 0x10,
};

/* WBEM_CHANGE_FLAG_TYPE: lClassFlags, and the first three lInstanceFlags */
enum {
    WBEM_FLAG_CREATE_OR_UPDATE = 0,
    WBEM_FLAG_UPDATE_ONLY = 0x1, /* what does not exist is an error */
    WBEM_FLAG_CREATE_ONLY = 0x2, /* what exists is an error; stands alone */
    WBEM_FLAG_UPDATE_SAFE_MODE = 0x20,
    WBEM_FLAG_UPDATE_FORCE_MODE = 0x40, /* not with SAFE_MODE */
};

/* -- the compiler ---------------------------------------------------------- */

struct nspolicy_compiler;

/* For compiles into state_dir, which must exist when one begins; NULL: for
 * WBEM_FLAG_CHECK_ONLY and nspolicy_create_bmof alone.  0, or -1 and *out is
 * NULL. */
NSPOLICY_API int nspolicy_compiler_new(const char *state_dir,
                                       struct nspolicy_compiler **out,
                                       struct nspolicy_error *error);
NSPOLICY_API void nspolicy_compiler_free(struct nspolicy_compiler *compiler);

enum nspolicy_setting {
    NSPOLICY_STRICT = 1, /* 0 or 1 (0): as WMI and DSP0004 do */
    NSPOLICY_CREATE,     /* 0 or 1 (0): a security statement may name a new
                            namespace close to an existing one */
    NSPOLICY_MAX_ERRORS, /* 1 to 1000000 (20): then a compile stops */
    NSPOLICY_WAIT_MS,    /* 1 to 3600000 (60000): for another compile's end */
};

/* Holds for the compiles that follow.  0, or -1 for a setting or a value that
 * is none, and nothing changes. */
NSPOLICY_API int nspolicy_compiler_set(struct nspolicy_compiler *compiler,
                                       enum nspolicy_setting setting,
                                       int64_t value);
enum nspolicy_warning_setting {
    NSPOLICY_WARNING_OFF = 1,
    NSPOLICY_WARNING_ON,
    NSPOLICY_WARNING_ERROR, /* what it is about is an error */
};

/* Of a class of warnings, mofcomp(1) lists their names, or of "all": OFF then
 * leaves those about security as they are.  0, or -1: no such class. */
NSPOLICY_API int
nspolicy_compiler_set_warning(struct nspolicy_compiler *compiler,
                              const char *name,
                              enum nspolicy_warning_setting setting);
/* One more directory that #pragma include looks into, behind the including
 * file's own.  0, or -1: out of memory. */
NSPOLICY_API int
nspolicy_compiler_add_include(struct nspolicy_compiler *compiler,
                              const char *directory);

enum nspolicy_severity {
    NSPOLICY_NOTE = 1,
    NSPOLICY_WARNING,
    NSPOLICY_ERROR,
};

/*
 * Valid until the callback returns; may grow with versions of the library.
 * file and source are as they were found: who shows them makes what is not
 * printable in them visible.  text is one line that may be shown.
 */
struct nspolicy_diagnostic {
    enum nspolicy_severity severity;
    int32_t phase;         /* of an error: 1 or 3, as lPhaseError */
    int32_t code;          /* published; 0: none, as of notes and warnings */
    const char *warning;   /* the class of warnings that it is of; NULL */
    int is_detail;         /* 1: a note about the one before it */
    const char *file;      /* NULL: about the compile as a whole */
    uint32_t line, column; /* characters, from 1; 0: about the whole file */
    uint32_t end_line, end_column; /* just behind what is meant */
    uint32_t offset;               /* in a binary MOF, which has no lines */
    const char *text;
    const char *source;        /* the line that it is in, or of a long one what
                               is around it; NULL: not known */
    uint32_t source_column;    /* of the first character of source */
    const char *included_file; /* where file was included; NULL: it was not */
    uint32_t included_line;
};

typedef void
nspolicy_diagnostic_function(void *arg,
                             const struct nspolicy_diagnostic *diagnostic);

/* Is called for each diagnostic of a compile, in the order of the text,
 * before the compile function returns, by the thread that called it; NULL
 * ends that.  It may not call the compiler that it is from. */
NSPOLICY_API void
nspolicy_compiler_on_diagnostic(struct nspolicy_compiler *compiler,
                                nspolicy_diagnostic_function *function,
                                void *arg);
/* Is called once in a compile that has to wait for another one's end. */
NSPOLICY_API void
nspolicy_compiler_on_waiting(struct nspolicy_compiler *compiler,
                             void (*function)(void *arg), void *arg);

/*
 * The three methods of IMofCompiler, their arguments in their order.
 *
 * server_and_namespace is where the text begins, until a #pragma namespace;
 * NULL: root\default.  Another server than "." is an error (0x8004401C).
 * user, authority and password are for other servers and are ignored, but
 * authority must be NULL when user is of the form domain\user.
 * info may be NULL.
 *
 * One call is one transaction: it is stored and the policy image is in place,
 * or nothing has changed.  WBEM_S_NO_ERROR or NSPOLICY_S_NO_AUTORECOVER; else
 * WBEM_S_FALSE, and info and nspolicy_compiler_error say why.  Arguments that
 * are not allowed: lPhaseError 2, and nothing was looked at.
 */

/* A text or a binary MOF.  "-" is a file of that name. */
NSPOLICY_API int32_t nspolicy_compile_file(
    struct nspolicy_compiler *compiler, const char *file_name,
    const char *server_and_namespace, const char *user, const char *authority,
    const char *password, int32_t option_flags, int32_t class_flags,
    int32_t instance_flags, WBEM_COMPILE_STATUS_INFO *info);

/* size bytes of a text or of a binary MOF; no NUL is needed behind them.
 * class_flags and instance_flags must be 0, and server_and_namespace must be
 * NULL for binary MOF.  There is no file name that could be remembered:
 * WBEM_FLAG_AUTORECOVER is an error, and NSPOLICY_S_NO_AUTORECOVER is not
 * answered.  In diagnostics the file is "buffer". */
NSPOLICY_API int32_t nspolicy_compile_buffer(
    struct nspolicy_compiler *compiler, int32_t size, const void *buffer,
    const char *server_and_namespace, const char *user, const char *authority,
    const char *password, int32_t option_flags, int32_t class_flags,
    int32_t instance_flags, WBEM_COMPILE_STATUS_INFO *info);

/* Reads a text, with what it includes, and writes it as binary MOF: the file
 * is there whole or as it was.  Nothing is stored and no state is looked at:
 * a class may be derived from one that is elsewhere.  What the format cannot
 * hold is an error with its place.  Not supported (0x8004100C, lPhaseError 2):
 * WBEM_FLAG_WMI_CHECK, class and instance flags, which pragmas of the text
 * can give, and the names of an amendment's two files
 * (",aMS_409,nNAME.mof,lNAME.mfl"). */
NSPOLICY_API int32_t nspolicy_create_bmof(
    struct nspolicy_compiler *compiler, const char *text_file_name,
    const char *bmof_file_name, const char *server_and_namespace,
    int32_t option_flags, int32_t class_flags, int32_t instance_flags,
    WBEM_COMPILE_STATUS_INFO *info);

/* Not one of IMofCompiler's: several files in one transaction, each begins in
 * the same namespace.  Otherwise as nspolicy_compile_file. */
NSPOLICY_API int32_t nspolicy_compile_files(
    struct nspolicy_compiler *compiler, size_t count,
    const char *const *file_names, const char *server_and_namespace,
    int32_t option_flags, int32_t class_flags, int32_t instance_flags,
    WBEM_COMPILE_STATUS_INFO *info);

/* -- what the last compile did --------------------------------------------- */

/* Why it failed; code 0 and "" if it did not.  Until the next call with this
 * compiler. */
NSPOLICY_API const struct nspolicy_error *
nspolicy_compiler_error(const struct nspolicy_compiler *compiler);

enum nspolicy_outcome {
    NSPOLICY_NOTHING = 0, /* nothing has changed */
    /* Stored, but the policy image is not in place: who decides by the old
     * one refuses, until a compile or "nsgatectl reload" puts it there. */
    NSPOLICY_STORED,
    NSPOLICY_IN_PLACE, /* stored, and the policy image is in place */
};

NSPOLICY_API enum nspolicy_outcome
nspolicy_compiler_outcome(const struct nspolicy_compiler *compiler);
/* Of the repository and the policy that it made; 0: none. */
NSPOLICY_API uint64_t
nspolicy_compiler_generation(const struct nspolicy_compiler *compiler);

enum nspolicy_count {
    NSPOLICY_NAMESPACES_CREATED = 1,
    NSPOLICY_NAMESPACES_DELETED,
    NSPOLICY_CLASSES_CREATED,
    NSPOLICY_CLASSES_UPDATED,
    NSPOLICY_CLASSES_DELETED,
    NSPOLICY_INSTANCES_CREATED,
    NSPOLICY_INSTANCES_UPDATED,
    NSPOLICY_INSTANCES_DELETED,
    NSPOLICY_ENCRYPTION_ON,  /* namespaces that require it now and did not */
    NSPOLICY_ENCRYPTION_OFF, /* namespaces that did and do not any more */
    NSPOLICY_CLASSES_UNCHANGED, /* they were so already */
    NSPOLICY_INSTANCES_UNCHANGED,
};

/* 0 for what is no count, and when nothing was stored. */
NSPOLICY_API uint64_t nspolicy_compiler_count(
    const struct nspolicy_compiler *compiler, enum nspolicy_count count);

/* -- levels (MS-RPCE 2.2.1.1.8, WbemAuthenticationLevelEnum) --------------- */

enum nspolicy_level {
    NSPOLICY_LEVEL_DEFAULT = 0, /* nothing was asked for: below all others */
    NSPOLICY_LEVEL_NONE = 1,
    NSPOLICY_LEVEL_CONNECT = 2,
    NSPOLICY_LEVEL_CALL = 3,
    NSPOLICY_LEVEL_PKT = 4,
    NSPOLICY_LEVEL_PKT_INTEGRITY = 5,
    NSPOLICY_LEVEL_PKT_PRIVACY = 6, /* what RequiresEncryption asks for */
};

/* "PktPrivacy"; "Invalid" for what is none.  Lives forever. */
NSPOLICY_API const char *nspolicy_level_name(enum nspolicy_level level);
/* From PktPrivacy, RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
 * wbemAuthenticationLevelPktPrivacy or 6, in any case.  0, or -1 and
 * *level_out is NSPOLICY_LEVEL_DEFAULT. */
NSPOLICY_API int nspolicy_level_parse(const char *text,
                                      enum nspolicy_level *level_out);

/* -- a policy ---------------------------------------------------------------- */

struct nspolicy_policy;

/* The policy image of state_dir, verified and mapped read-only.  0; -1 and
 * *out is NULL: there is none, or it is damaged, or others than its owner may
 * write to it.  Then everything is to be refused, which is what the functions
 * below answer to NULL. */
NSPOLICY_API int nspolicy_policy_open(const char *state_dir,
                                      struct nspolicy_policy **out,
                                      struct nspolicy_error *error);
/* One more owner; returns its argument.  The last unref closes it. */
NSPOLICY_API struct nspolicy_policy *
nspolicy_policy_ref(struct nspolicy_policy *policy);
NSPOLICY_API void nspolicy_policy_unref(struct nspolicy_policy *policy);

/* 1: the state directory has another image now, or none; 0. */
NSPOLICY_API int nspolicy_policy_changed(const struct nspolicy_policy *policy);
/* If it has changed, opens what is there, lets go of the caller's policy and
 * puts the new one into *policy.  1 it was replaced; 0 it is as it was; -1
 * what is there cannot be used: *policy then refuses everything, until a
 * later reload finds a good one.  (Out of memory: -1, and *policy is as it
 * was.)  Others who own the old one keep it. */
NSPOLICY_API int nspolicy_policy_reload(struct nspolicy_policy **policy,
                                        struct nspolicy_error *error);

/* Grows with every change of the repository; 0: refuses everything. */
NSPOLICY_API uint64_t
nspolicy_policy_generation(const struct nspolicy_policy *policy);
/* How many namespaces it knows. */
NSPOLICY_API size_t
nspolicy_policy_count(const struct nspolicy_policy *policy);

/* 1 it does; 0 it does not; -1 the namespace is unknown or no namespace, or
 * there is no policy: nothing may be let in there either.  The namespace in
 * any form that #pragma namespace takes; case does not matter. */
NSPOLICY_API int
nspolicy_policy_requires_encryption(const struct nspolicy_policy *policy,
                                    const char *namespace_path);

enum nspolicy_verdict {
    NSPOLICY_DENY = 0,    /* the level is too low */
    NSPOLICY_UNAVAILABLE, /* there is no policy to decide by */
    NSPOLICY_CHALLENGE,   /* nobody is authenticated */
    NSPOLICY_NOT_FOUND,   /* the namespace is unknown */
    NSPOLICY_ALLOW,
};

struct nspolicy_decision {
    enum nspolicy_verdict verdict;
    const char *reason; /* "channel-not-private", as events say it; lives
                           forever, never NULL */
    enum nspolicy_level required, effective;
    uint64_t generation;
};

/*
 * May a request be let in?  declared is the level that the client's security
 * context stands for, applied what protected this request and its answer in
 * fact; the smaller of the two counts.  Fills decision_out (may be NULL) and
 * returns its verdict: everything but NSPOLICY_ALLOW is a refusal.  Who may
 * come in, beside how, is not in a policy image.
 */
NSPOLICY_API enum nspolicy_verdict nspolicy_policy_decide(
    const struct nspolicy_policy *policy, const char *namespace_path,
    enum nspolicy_level declared, enum nspolicy_level applied,
    struct nspolicy_decision *decision_out);

/* The same in a sentence or two for people, cut to size bytes with its NUL;
 * returns its whole length without, as snprintf does. */
NSPOLICY_API size_t nspolicy_policy_explain(
    const struct nspolicy_policy *policy, const char *namespace_path,
    enum nspolicy_level declared, enum nspolicy_level applied, char *text,
    size_t size);

#ifdef __cplusplus
}
#endif

#endif
