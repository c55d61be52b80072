/*
 * Compiles MOF files and asks the policy that comes of it.
 *
 *     cc -o ask_policy ask_policy.c $(pkg-config --cflags --libs nspolicy)
 *     mkdir state
 *     ./ask_policy state 'root\MyNamespace' MyNamespace.mof \
 *         MyNamespace_security.mof
 *
 * Exits 0 if a request that comes in clear from a client whose ticket asks
 * for confidentiality would be let in, 1 if it would not, 2 on errors.
 */
#include <nspolicy.h>
#include <stdio.h>

static const char *const severities[] = {
    [NSPOLICY_NOTE] = "note",
    [NSPOLICY_WARNING] = "warning",
    [NSPOLICY_ERROR] = "error",
};

static void
show(void *arg, const struct nspolicy_diagnostic *d)
{
    const char *symbol = nspolicy_code_symbol(d->code);

    (void)arg;
    fprintf(stderr, "%s:%u:%u: %s: %s", d->file != NULL ? d->file : "-",
            (unsigned)d->line, (unsigned)d->column, severities[d->severity],
            d->text);
    if (d->code != 0)
        fprintf(stderr, " (0x%08X %s)", (unsigned)d->code,
                symbol != NULL ? symbol : "");
    fputc('\n', stderr);
}

/* All of the files, or none of them. */
static int
compile(const char *state_dir, const char *const *files, size_t count)
{
    struct nspolicy_compiler *compiler;
    struct nspolicy_error error;
    WBEM_COMPILE_STATUS_INFO info;
    int32_t result;

    if (nspolicy_compiler_new(state_dir, &compiler, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    nspolicy_compiler_on_diagnostic(compiler, show, NULL);
    result = nspolicy_compile_files(compiler, count, files, NULL,
                                    WBEM_FLAG_DONT_ADD_TO_LIST, 0, 0, &info);
    if (result == WBEM_S_FALSE)
        fprintf(stderr,
                "phase %d, result 0x%08X, object %d, lines %d to %d: %s\n",
                (int)info.lPhaseError, (unsigned)info.hRes,
                (int)info.ObjectNum, (int)info.FirstLine, (int)info.LastLine,
                nspolicy_compiler_error(compiler)->text);
    else
        printf("generation %llu: %llu classes, %llu namespaces encrypted\n",
               (unsigned long long)nspolicy_compiler_generation(compiler),
               (unsigned long long)nspolicy_compiler_count(
                   compiler, NSPOLICY_CLASSES_CREATED),
               (unsigned long long)nspolicy_compiler_count(
                   compiler, NSPOLICY_ENCRYPTION_ON));
    nspolicy_compiler_free(compiler);
    return result == WBEM_S_FALSE ? -1 : 0;
}

/* What such a request has: its context declares PktPrivacy, and nothing but
 * its token protects it. */
static int
ask(const char *state_dir, const char *name)
{
    const enum nspolicy_level declared = NSPOLICY_LEVEL_PKT_PRIVACY,
                              applied = NSPOLICY_LEVEL_CONNECT;
    struct nspolicy_policy *policy;
    struct nspolicy_error error;
    enum nspolicy_verdict verdict;
    char why[1024];

    if (nspolicy_policy_open(state_dir, &policy, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    verdict = nspolicy_policy_decide(policy, name, declared, applied, NULL);
    nspolicy_policy_explain(policy, name, declared, applied, why, sizeof(why));
    printf("%s\n", why);
    nspolicy_policy_unref(policy);
    return verdict == NSPOLICY_ALLOW ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: ask_policy STATE_DIR NAMESPACE [FILE]...\n");
        return 2;
    }
    if (argc > 3 &&
        compile(argv[1], (const char *const *)argv + 3, (size_t)argc - 3) < 0)
        return 2;
    return ask(argv[1], argv[2]);
}
