#include <stdlib.h>
#include <string.h>

#include "policy/mofcomp/json.h"
#include "policy/mofcomp/say.h"
#include "tests/support/support.h"

SUITE(mofcomp_json);

Test(mofcomp_json, escapes_what_a_terminal_should_not_get)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"plain \"x\" \\ ü 日", "\"plain \\\"x\\\" \\\\ ü 日\"\n"},
        {"a\nb\x1b[m", "\"a\\nb\\u001b[m\"\n"},
        {"\x7f\xc2\x9b", "\"\\u007f\\u009b\"\n"},
        {"\xe2\x80\xae", "\"\\u202e\"\n"},
        {"\xf3\xa0\x81\xa1", "\"\\udb40\\udc61\"\n"},
        {"a\xff", "\"a\\ufffd\"\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = BUF_INIT;

        cr_expect(json_line(&out, cJSON_CreateString(rows[i].text)));
        cr_expect_str_eq(out.data, rows[i].json);
        buf_fini(&out);
    }
}

Test(mofcomp_json, says_that_memory_ran_out)
{
    struct buf out = BUF_INIT;

    cr_expect(!json_line(&out, NULL));
    cr_expect(buf_failed(&out));
    buf_fini(&out);
}

Test(mofcomp_json, gives_a_diagnostic_all_its_members)
{
    struct mof_include outer = {
        .where = {.file = "top.mof", .line = 1, .column = 2}};
    struct mof_include inner = {
        .where = {.file = "mid.mof", .line = 3, .column = 4}, .from = &outer};
    struct mof_diagnostic note = {
        .severity = MOF_NOTE,
        .where = {.file = "a.mof", .line = 5, .column = 6},
        .end_line = 5,
        .end_column = 7,
        .text = "here"};
    struct mof_diagnostic d = {
        .severity = MOF_ERROR,
        .phase = MOF_PHASE_STORE,
        .code = 0x80041010,
        .warning = "unknown-class",
        .where = {.file = "a.mof", .line = 8, .column = 9},
        .end_line = 8,
        .end_column = 12,
        .text = "no",
        .meant = "X",
        .included = &inner,
        .detail = &note};
    struct buf out = BUF_INIT;

    cr_expect(json_diagnostic(&out, &d));
    cr_expect_str_eq(
        out.data,
        "{\"severity\":\"error\",\"code\":\"0x80041010\",\"name\":\"WBEM_E_"
        "INVALID_CLASS\",\"phase\":\"store\",\"class\":\"unknown-class\","
        "\"file\":\"a.mof\",\"line\":8,\"column\":9,\"end\":{\"line\":8,"
        "\"column\":12},\"message\":\"no\",\"meant\":\"X\",\"included\":[{"
        "\"file\":\"mid.mof\",\"line\":3,\"column\":4},{\"file\":\"top.mof\","
        "\"line\":1,\"column\":2}],\"notes\":[{\"severity\":\"note\",\"file\":"
        "\"a.mof\",\"line\":5,\"column\":6,\"end\":{\"line\":5,\"column\":7},"
        "\"message\":\"here\"}]}\n");
    buf_fini(&out);
}

static int allocations;

static void *
failing_malloc(size_t size)
{
    return allocations-- > 0 ? malloc(size) : NULL;
}

Test(mofcomp_json, is_whole_or_not_at_all_when_memory_runs_out)
{
    struct mof_diagnostic note = {
        .severity = MOF_NOTE, .text = "here", .where = {.file = "a.mof"}};
    struct mof_diagnostic d = {
        .severity = MOF_ERROR,
        .code = 0x80041010,
        .where = {.file = "a.mof", .line = 8, .column = 9},
        .end_line = 8,
        .text = "no",
        .detail = &note};
    cJSON_Hooks hooks = {failing_malloc, free};
    bool ok = false;
    int n;

    cJSON_InitHooks(&hooks);
    for (n = 0; !ok && n < 1000; n++) {
        struct buf out = BUF_INIT;

        allocations = n;
        ok = json_diagnostic(&out, &d);
        cr_expect(ok != buf_failed(&out));
        buf_fini(&out);
    }
    cJSON_InitHooks(NULL);
    cr_expect(ok && n > 10, "%d", n);
}
