/* Answers out of a real repository, filled from MOF text. */
#include <stdlib.h>
#include <string.h>

#include "gateway/rest/object.h"
#include "tests/gateway/rest/fixture.h"

SUITE(read);

Test(read, a_namespace_shows_what_is_in_it_and_who_asks)
{
    struct repository *repo = stored_text(fixture_mof);

    assert_reads(
        repo, "/cim/root/test",
        "{\"kind\":\"namespace\",\"self\":\"/cim/root/test\","
        "\"name\":\"root\\\\Test\",\"requiresEncryption\":false,"
        "\"requiredLevel\":\"Connect\",\"caller\":{"
        "\"principal\":\"alice@EXAMPLE.COM\",\"declaredLevel\":\"PktPrivacy\","
        "\"appliedLevel\":\"Connect\",\"effectiveLevel\":\"Connect\","
        "\"rights\":[\"read\"]},"
        "\"children\":[{\"name\":\"root\\\\Test\\\\Inner\","
        "\"self\":\"/cim/root/test/inner\"}],\"classes\":["
        "{\"name\":\"Base\",\"self\":\"/cim/root/test:Base\"},"
        "{\"name\":\"Empty\",\"self\":\"/cim/root/test:Empty\"},"
        "{\"name\":\"Only\",\"self\":\"/cim/root/test:Only\"},"
        "{\"name\":\"Pair\",\"self\":\"/cim/root/test:Pair\"},"
        "{\"name\":\"Part\",\"self\":\"/cim/root/test:Part\","
        "\"superclass\":\"Base\"},"
        "{\"name\":\"Wide\",\"self\":\"/cim/root/test:Wide\","
        "\"superclass\":\"Part\"}]}");
    repository_close(repo);
}

static const cJSON *
named(const cJSON *list, const char *name)
{
    const cJSON *element;

    cJSON_ArrayForEach(element, list)
    {
        const char *text =
            cJSON_GetStringValue(cJSON_GetObjectItem(element, "name"));

        if (text != NULL && strcmp(text, name) == 0)
            return element;
    }
    return NULL;
}

Test(read, a_class_has_what_it_inherits)
{
    struct repository *repo = stored_text(fixture_mof);
    cJSON *json = read_json(repo, "/cim/root/test:wide");
    const struct {
        const char *list, *feature, *origin;
    } rows[] = {
        {"properties", "Id", "Base"},   {"properties", "Size", "Wide"},
        {"properties", "Note", "Part"}, {"properties", "List", "Part"},
        {"methods", "Start", "Base"},   {"methods", "Stop", "Wide"},
    };

    cr_assert_str_eq(cJSON_GetObjectItem(json, "name")->valuestring, "Wide");
    cr_assert_str_eq(cJSON_GetObjectItem(json, "superclass")->valuestring,
                     "Part");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const cJSON *f =
            named(cJSON_GetObjectItem(json, rows[i].list), rows[i].feature);

        cr_assert_not_null(f, "%s", rows[i].feature);
        cr_assert_str_eq(cJSON_GetObjectItem(f, "origin")->valuestring,
                         rows[i].origin);
    }
    cJSON_Delete(json);
    repository_close(repo);
}

Test(read, system_classes_are_in_every_namespace)
{
    struct repository *repo = stored_text(fixture_mof);
    cJSON *json = read_json(repo, "/cim/root/test/inner:__SystemSecurity");

    cr_assert_not_null(
        named(cJSON_GetObjectItem(json, "qualifiers"), "singleton"));
    cJSON_Delete(json);
    repository_close(repo);
}

Test(read, an_instance_is_found_by_each_form_of_its_path)
{
    static const char one[] =
        "{\"kind\":\"instance\",\"self\":\"/cim/root/test:Part.id=%22one%22\","
        "\"class\":\"Part\",\"properties\":{\"Id\":\"one\",\"Size\":5,"
        "\"Note\":\"from base\",\"List\":[1,-2]}}";
    static const char pair[] =
        "{\"kind\":\"instance\",\"self\":\"/cim/root/test:Pair.a=7,b=TRUE\","
        "\"class\":\"Pair\",\"properties\":{\"A\":7,\"B\":true,"
        "\"Of\":\"Part.Id=\\\"one\\\"\"}}";
    const struct {
        const char *path, *json;
    } rows[] = {
        {"/cim/root/test:Part.Id=\"one\"", one},
        {"/cim/root/TEST:PART.id=\"one\"", one},
        {"/cim/root/test:Part=\"one\"", one},
        {"/cim/root/test:Base.Id=\"one\"", one},
        {"/cim/root/test:Pair.A=7,B=TRUE", pair},
        {"/cim/root/test:Pair.b=true,a=7", pair},
        {"/cim/root/test:Only=@",
         "{\"kind\":\"instance\",\"self\":\"/cim/root/test:Only=@\","
         "\"class\":\"Only\",\"properties\":{\"State\":\"up\"}}"},
        {"/cim/root/test:Wide.Id=\"a/b \\\"c\\\"\\\\\"",
         "{\"kind\":\"instance\",\"self\":"
         "\"/cim/root/test:Wide.id=%22a%2Fb%20%5C%22c%5C%22%5C%5C%22\","
         "\"class\":\"Wide\",\"properties\":{\"Id\":\"a/b \\\"c\\\"\\\\\","
         "\"Size\":\"18446744073709551615\",\"Note\":null,\"List\":null}}"},
    };
    struct repository *repo = stored_text(fixture_mof);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_reads(repo, rows[i].path, rows[i].json);
    repository_close(repo);
}

Test(read, what_is_missing_or_malformed_is_told_apart)
{
    const struct {
        const char *path;
        enum rest_status status;
        uint32_t hresult;
    } rows[] = {
        {"/cim/root/none", REST_STATUS_NOT_FOUND, 0x8004100E},
        {"/cim/root/test:None", REST_STATUS_NOT_FOUND, 0x80041010},
        {"/cim/root/test:None.K=1", REST_STATUS_NOT_FOUND, 0x80041010},
        {"/cim/root/test:Part.Id=\"two\"", REST_STATUS_NOT_FOUND, 0x80041002},
        {"/cim/root/test:Wide.Id=\"one\"", REST_STATUS_NOT_FOUND, 0x80041002},
        {"/cim/root/test/inner:Part.Id=\"one\"", REST_STATUS_NOT_FOUND,
         0x80041010},
        {"/cim/root/test:Part.Id=\"one", REST_STATUS_BAD_KEY, 0x8004103A},
        {"/cim/root/test:Part.Id", REST_STATUS_BAD_KEY, 0x8004103A},
        {"/cim/root/test:Part.Id=\"one\",", REST_STATUS_BAD_KEY, 0x8004103A},
        {"/cim/root/test:Pair=7", REST_STATUS_BAD_KEY, 0x8004103A},
    };
    struct repository *repo = stored_text(fixture_mof);
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t hresult = 0;

        cr_assert_eq(read_path(repo, rows[i].path, &out, &hresult),
                     rows[i].status, "%s", rows[i].path);
        cr_assert_eq(hresult, rows[i].hresult, "%s: 0x%08X", rows[i].path,
                     hresult);
        cr_assert_eq(out.length, 0);
    }
    buf_fini(&out);
    repository_close(repo);
}

/* C0 <- C1 <- ... of `depth` classes. */
static enum rest_status
read_deep_class(unsigned depth)
{
    struct buf text = BUF_INIT, out = BUF_INIT;
    char path[64];
    struct repository *repo;
    enum rest_status status;
    uint32_t hresult;

    buf_add_string(&text, "#pragma namespace(\"root\\\\Deep\")\n"
                          "class C0 { [Key] string K; };\n");
    for (unsigned i = 1; i < depth; i++)
        buf_addf(&text, "class C%u : C%u { string P%u; };\n", i, i - 1, i);
    repo = stored_text(text.data);
    snprintf(path, sizeof(path), "/cim/root/deep:C%u", depth - 1);
    status = read_path(repo, path, &out, &hresult);
    repository_close(repo);
    buf_fini(&text);
    buf_fini(&out);
    return status;
}

Test(read, a_chain_of_superclasses_ends_at_its_limit)
{
    cr_assert_eq(read_deep_class(REPOSITORY_DEPTH_MAX), REST_STATUS_OK);
    cr_assert_eq(read_deep_class(REPOSITORY_DEPTH_MAX + 1),
                 REST_STATUS_STORE_FAILED);
}

Test(read, a_long_listing_says_that_it_is_not_all)
{
    struct buf text = BUF_INIT;
    struct repository *repo;
    cJSON *json;

    buf_add_string(&text, "#pragma namespace(\"root\\\\Many\")\n");
    for (unsigned i = 0; i <= NAMESPACE_LIST_MAX; i++)
        buf_addf(&text, "class C%u { };\n", i);
    repo = stored_text(text.data);
    json = read_json(repo, "/cim/root/many");
    cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "classes")),
                 NAMESPACE_LIST_MAX);
    cr_assert(cJSON_IsTrue(cJSON_GetObjectItem(json, "classesTruncated")));
    cr_assert_null(cJSON_GetObjectItem(json, "childrenTruncated"));
    cJSON_Delete(json);
    buf_fini(&text);
    repository_close(repo);
}
