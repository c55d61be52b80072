#ifndef TESTS_GATEWAY_REST_FIXTURE_H
#define TESTS_GATEWAY_REST_FIXTURE_H

#include <cjson/cJSON.h>

#include "gateway/rest/rest.h"
#include "policy/mof/mof.h"
#include "policy/repository/repository.h"
#include "tests/support/stored.h"
#include "tests/support/support.h"

/* Real repositories, filled from MOF text, and what is read from them. */

/* Classes and instances of every shape in root\\Test. */
extern const char fixture_mof[];

struct rest_target target_of(const char *path, const char *query);

/* rest_read within a transaction, as alice at Connect. */
enum rest_status read_path(struct repository *repo, const char *path,
                           struct buf *out, uint32_t *hresult);
/* The same, which must succeed, parsed. */
cJSON *read_json(struct repository *repo, const char *path);

#define assert_reads(repo, path, expected)                                    \
    do {                                                                      \
        struct buf out_ = BUF_INIT;                                           \
        uint32_t hresult_;                                                    \
        cr_assert_eq(read_path(repo, path, &out_, &hresult_), REST_STATUS_OK, \
                     "%s", path);                                             \
        cr_assert_str_eq(out_.data, expected);                                \
        buf_fini(&out_);                                                      \
    } while (0)

#endif
