/* What may be asked of the compile functions: the rules that the WMI SDK
 * gives for IMofCompiler's methods. */
#include <string.h>

#include "policy/library/compiler.h"

/* WMI SDK, "WMI Error Constants" and "MOF compiler error constants". */
#define E_INVALID_PARAMETER       ((int32_t)0x80041008)
#define E_NOT_SUPPORTED           ((int32_t)0x8004100C)
#define E_INVALID_NAMESPACE       ((int32_t)0x8004100E)
#define E_NAMESPACE_SPECIFICATION ((int32_t)0x8004401C)

#define REFUSE(c, ...)                                                        \
    compiler_fail(c, PHASE_ARGUMENT, E_INVALID_PARAMETER, __VA_ARGS__)

#define OPTIONS_COMPILE                                                       \
    (WBEM_FLAG_CHECK_ONLY | WBEM_FLAG_AUTORECOVER | WBEM_FLAG_CONSOLE_PRINT | \
     WBEM_FLAG_DONT_ADD_TO_LIST)
#define OPTIONS_BMOF                                                          \
    (WBEM_FLAG_CHECK_ONLY | WBEM_FLAG_CONSOLE_PRINT | WBEM_FLAG_WMI_CHECK)
#define CLASS_FLAGS                                                           \
    (WBEM_FLAG_UPDATE_ONLY | WBEM_FLAG_CREATE_ONLY |                          \
     WBEM_FLAG_UPDATE_SAFE_MODE | WBEM_FLAG_UPDATE_FORCE_MODE)
#define UPDATE_MODES   (WBEM_FLAG_UPDATE_SAFE_MODE | WBEM_FLAG_UPDATE_FORCE_MODE)
#define INSTANCE_FLAGS (WBEM_FLAG_UPDATE_ONLY | WBEM_FLAG_CREATE_ONLY)

static bool
name_is_given(const char *name)
{
    return name != NULL && name[0] != '\0';
}

static bool
sources_check(struct nspolicy_compiler *c, const struct call *call)
{
    if (call->kind == CALL_BUFFER) {
        if (call->size < 0 || (call->buffer == NULL && call->size > 0))
            return REFUSE(c, "%ld bytes are no buffer", (long)call->size);
        return true;
    }
    if (call->count == 0 || call->files == NULL)
        return REFUSE(c, "there is no file to compile");
    for (size_t i = 0; i < call->count; i++) {
        if (!name_is_given(call->files[i]))
            return REFUSE(c, "a file without a name");
    }
    if (call->kind == CALL_BMOF && !name_is_given(call->bmof_file) &&
        (call->option_flags & WBEM_FLAG_CHECK_ONLY) == 0)
        return REFUSE(c, "there is no file to write to");
    return true;
}

static bool
class_flags_check(struct nspolicy_compiler *c, int32_t flags)
{
    if ((flags & ~CLASS_FLAGS) != 0)
        return REFUSE(c, "class flags 0x%lx: one is unknown",
                      (unsigned long)(uint32_t)flags);
    if ((flags & WBEM_FLAG_CREATE_ONLY) != 0 && flags != WBEM_FLAG_CREATE_ONLY)
        return REFUSE(c,
                      "class flags 0x%lx: WBEM_FLAG_CREATE_ONLY stands "
                      "alone",
                      (unsigned long)(uint32_t)flags);
    if ((flags & UPDATE_MODES) == UPDATE_MODES)
        return REFUSE(c,
                      "class flags 0x%lx: safe and force mode exclude each "
                      "other",
                      (unsigned long)(uint32_t)flags);
    return true;
}

static bool
instance_flags_check(struct nspolicy_compiler *c, int32_t flags)
{
    if ((flags & ~INSTANCE_FLAGS) != 0 || flags == INSTANCE_FLAGS)
        return REFUSE(c,
                      "instance flags 0x%lx: 0, WBEM_FLAG_UPDATE_ONLY or "
                      "WBEM_FLAG_CREATE_ONLY",
                      (unsigned long)(uint32_t)flags);
    return true;
}

static bool
flags_check(struct nspolicy_compiler *c, const struct call *call)
{
    int32_t o = call->option_flags;
    bool changes = call->class_flags != 0 || call->instance_flags != 0;

    if ((o & ~(call->kind == CALL_BMOF ? OPTIONS_BMOF : OPTIONS_COMPILE)) != 0)
        return REFUSE(c, "option flags 0x%lx: one is not for this function",
                      (unsigned long)(uint32_t)o);
    if (call->kind == CALL_BUFFER && changes)
        return REFUSE(c, "class and instance flags of a buffer must be 0");
    if ((o & WBEM_FLAG_AUTORECOVER) != 0) {
        if ((o & WBEM_FLAG_DONT_ADD_TO_LIST) != 0)
            return REFUSE(c, "WBEM_FLAG_AUTORECOVER and "
                             "WBEM_FLAG_DONT_ADD_TO_LIST exclude each other");
        if (call->namespace != NULL || changes)
            return REFUSE(c, "WBEM_FLAG_AUTORECOVER goes with no namespace, "
                             "class or instance flags");
        if (call->kind == CALL_BUFFER)
            return REFUSE(c, "WBEM_FLAG_AUTORECOVER needs a file, a buffer "
                             "has no name");
    }
    return class_flags_check(c, call->class_flags) &&
           instance_flags_check(c, call->instance_flags);
}

static bool
user_check(struct nspolicy_compiler *c, const struct call *call)
{
    if (call->user != NULL && strchr(call->user, '\\') != NULL &&
        call->authority != NULL)
        return REFUSE(c, "with a user of the form domain\\user the authority "
                         "must be NULL");
    return true;
}

static bool
namespace_check(struct nspolicy_compiler *c, struct call *call)
{
    enum namespace_path_problem problem;
    struct error err;

    if (call->namespace == NULL)
        return true;
    if (call->kind == CALL_BUFFER &&
        mof_is_binary(call->buffer, (size_t)call->size))
        return REFUSE(c, "the namespace must be NULL for binary MOF");
    problem =
        namespace_path_parse(&call->path, span_of(call->namespace), &err);
    if (problem == NAMESPACE_PATH_OK)
        return true;
    return compiler_fail(c, PHASE_ARGUMENT,
                         problem == NAMESPACE_PATH_REMOTE
                             ? E_NAMESPACE_SPECIFICATION
                             : E_INVALID_NAMESPACE,
                         "%s", err.text);
}

static bool
target_check(struct nspolicy_compiler *c, const struct call *call)
{
    if (c->state_dir == NULL && call->kind != CALL_BMOF &&
        (call->option_flags & WBEM_FLAG_CHECK_ONLY) == 0)
        return REFUSE(c, "this compiler has no state directory: it can only "
                         "check");
    return true;
}

/* The published values are those of enum mof_change. */
_Static_assert((int)WBEM_FLAG_UPDATE_ONLY == (int)MOF_CHANGE_UPDATE_ONLY &&
                   (int)WBEM_FLAG_CREATE_ONLY == (int)MOF_CHANGE_CREATE_ONLY &&
                   (int)WBEM_FLAG_UPDATE_SAFE_MODE ==
                       (int)MOF_CHANGE_UPDATE_SAFE &&
                   (int)WBEM_FLAG_UPDATE_FORCE_MODE ==
                       (int)MOF_CHANGE_UPDATE_FORCE,
               "change flags");

/* What these rules allow and this library can't do. */
static bool
support_check(struct nspolicy_compiler *c, const struct call *call)
{
    const char *what = NULL;

    if ((call->option_flags & WBEM_FLAG_WMI_CHECK) != 0)
        what = "checking binary MOF as drivers need it";
    else if (call->kind == CALL_BMOF && call->bmof_file != NULL &&
             call->bmof_file[0] == ',')
        what = "splitting a file into neutral and localized MOF";
    else if (call->kind == CALL_BMOF &&
             (call->class_flags != 0 || call->instance_flags != 0))
        what = "giving flags to a binary MOF otherwise than by its pragmas";
    if (what == NULL)
        return true;
    return compiler_fail(c, PHASE_ARGUMENT, E_NOT_SUPPORTED,
                         "%s is not supported", what);
}

bool
arguments_check(struct nspolicy_compiler *c, struct call *call)
{
    return sources_check(c, call) && flags_check(c, call) &&
           user_check(c, call) && namespace_check(c, call) &&
           target_check(c, call) && support_check(c, call);
}
