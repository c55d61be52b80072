#include "tests/gateway/rest/fixture.h"

#include <stdlib.h>
#include <string.h>

const char fixture_mof[] =
    "#pragma namespace(\"root\\\\Test\")\n"
    "[Abstract] class Base { [Key] string Id; uint64 Size = 5;\n"
    "  string Note = \"from base\"; uint32 Start(); };\n"
    "class Part : Base { string Note; sint16 List[]; };\n"
    "class Wide : Part { [Override(\"Size\")] uint64 Size = 6;\n"
    "  uint32 Stop(); };\n"
    "[Singleton] class Only { string State; };\n"
    "class Pair { [Key] uint32 A; [Key] boolean B; Base ref Of; };\n"
    "class Empty { [Key] string K; };\n"
    "instance of Part { Id = \"one\"; List = {1, -2}; };\n"
    "instance of Wide { Id = \"a/b \\\"c\\\"\\\\\"; Note = NULL;\n"
    "  Size = 18446744073709551615; };\n"
    "instance of Part { Id = \"three\"; };\n"
    "instance of Only { State = \"up\"; };\n"
    "instance of Pair { B = TRUE; A = 7; Of = \"Part.Id=\\\"one\\\"\"; };\n"
    "#pragma namespace(\"root\\\\Test\\\\Inner\")\n"
    "class Lone { };\n";

struct rest_target
target_of(const char *path, const char *query)
{
    struct rest_target target;

    cr_assert_eq(
        rest_target_parse(span_of(path), span_of(query), 1000, &target),
        REST_PARSE_OK, "%s", path);
    return target;
}

static const struct rest_caller caller = {.principal = "alice@EXAMPLE.COM",
                                          .declared = AUTHN_LEVEL_PKT_PRIVACY,
                                          .applied = AUTHN_LEVEL_CONNECT,
                                          .effective = AUTHN_LEVEL_CONNECT,
                                          .required = AUTHN_LEVEL_CONNECT};

enum rest_status
read_path(struct repository *repo, const char *path, struct buf *out,
          uint32_t *hresult)
{
    struct rest_target target = target_of(path, NULL);
    enum rest_status status;
    uint64_t generation;
    struct error err;

    buf_reset(out);
    cr_assert_eq(repository_read_begin(repo, &generation, &err), 0);
    status = rest_read(repo, &target, &caller, out, hresult);
    repository_read_end(repo);
    return status;
}

cJSON *
read_json(struct repository *repo, const char *path)
{
    struct buf out = BUF_INIT;
    uint32_t hresult;
    cJSON *json;

    cr_assert_eq(read_path(repo, path, &out, &hresult), REST_STATUS_OK, "%s",
                 path);
    json = cJSON_Parse(out.data);
    cr_assert_not_null(json, "%s", out.data);
    buf_fini(&out);
    return json;
}
