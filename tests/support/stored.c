#include "tests/support/stored.h"

#include <string.h>

#include "tests/support/support.h"

struct repository *
stored_unit(struct mof_compilation *c)
{
    struct repository_change change;
    struct repository *repo;
    struct error err = {0};

    mof_check(c);
    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        cr_assert_neq(mof_diagnostic(c, i)->severity, MOF_ERROR, "%s",
                      mof_diagnostic(c, i)->text);
    cr_assert_eq(
        repository_open(test_directory(), REPOSITORY_WRITE, &repo, &err), 0,
        "%s", err.text);
    cr_assert_eq(repository_begin(repo, 0, NULL, NULL, &err), 0, "%s",
                 err.text);
    cr_assert_eq(
        repository_apply(repo, mof_unit(c), NULL, NULL, NULL, &change, &err),
        0, "%s", err.text);
    cr_assert_eq(repository_commit(repo, &err), 0, "%s", err.text);
    mof_compilation_free(c);
    return repo;
}

struct repository *
stored_text(const char *text)
{
    struct mof_options options = {0};
    struct mof_compilation *c = mof_compilation_new(&options);

    mof_compile_buffer(c, "test.mof", text, strlen(text));
    return stored_unit(c);
}
