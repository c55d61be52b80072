#include "tests/gateway/wsman/store.h"

#include <string.h>

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
