#include "tests/gateway/wsman/store.h"

#include <string.h>

#include "policy/mof/mof.h"

struct repository *
store_of(const char *mof)
{
    struct mof_options options = {0};
    struct mof_compilation *c = mof_compilation_new(&options);
    struct repository_change change;
    struct repository *repo;
    struct error err = {0};

    mof_compile_buffer(c, "test.mof", mof, strlen(mof));
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

enum wsman_answer
store_ask(struct repository *repo, const char *headers, const char *body,
          size_t bytes_max, struct buf *out, struct wsman_refusal *refusal)
{
    const struct wsman_answer_options options = {
        .answer_id = "uuid:1", .bytes_max = bytes_max, .items_max = 100};
    static struct wsman_request q;
    enum wsman_answer result;
    uint64_t generation;

    buf_reset(out);
    cr_assert_eq(parse_envelope(headers, body, &q), WSMAN_PARSE_OK, "%s: %s",
                 headers, q.problem);
    cr_assert_eq(repository_read_begin(repo, &generation, NULL), 0);
    result = wsman_answer(repo, &q, &options, out, refusal);
    repository_read_end(repo);
    return result;
}
