/* Answers out of a real repository, filled from MOF text. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rest/object.h"
#include "gateway/rest/rest.h"
#include "policy/mof/mof.h"
#include "policy/repository/repository.h"
#include "tests/support/support.h"

SUITE(read);

static const char mof_text[] =
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

/* What was compiled, stored in a fresh repository; frees c. */
static struct repository *
repository_of_unit(struct mof_compilation *c)
{
    struct repository_change change;
    struct repository *repo;
    struct error err = {0};

    mof_check(c);
    for (size_t i = 0; i < mof_diagnostic_count(c); i++)
        cr_assert_eq(mof_diagnostic(c, i)->severity, MOF_NOTE, "%s",
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

static struct repository *
repository_of(const char *text)
{
    struct mof_options options = {0};
    struct mof_compilation *c = mof_compilation_new(&options);

    mof_compile_buffer(c, "test.mof", text, strlen(text));
    return repository_of_unit(c);
}

static struct rest_target
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

static enum rest_status
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

#define assert_reads(repo, path, expected)                                    \
    do {                                                                      \
        struct buf out_ = BUF_INIT;                                           \
        uint32_t hresult_;                                                    \
        cr_assert_eq(read_path(repo, path, &out_, &hresult_), REST_STATUS_OK, \
                     "%s", path);                                             \
        cr_assert_str_eq(out_.data, expected);                                \
        buf_fini(&out_);                                                      \
    } while (0)

Test(read, a_namespace_shows_what_is_in_it_and_who_asks)
{
    struct repository *repo = repository_of(mof_text);

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

static cJSON *
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
    struct repository *repo = repository_of(mof_text);
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
    struct repository *repo = repository_of(mof_text);
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
    struct repository *repo = repository_of(mof_text);

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
    struct repository *repo = repository_of(mof_text);
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

/* -- pages ---------------------------------------------------------------- */

/* The whole page in out; how many chunks it took. */
static unsigned
read_page(struct repository *repo, const char *path, const char *query,
          struct buf *out)
{
    struct rest_target target = target_of(path, query);
    struct rest_page *page = rest_page_new(&target);
    unsigned chunks = 0;
    bool done = false;

    buf_reset(out);
    while (!done) {
        uint64_t generation;
        uint32_t hresult;
        struct error err;

        cr_assert_eq(repository_read_begin(repo, &generation, &err), 0);
        cr_assert_eq(rest_page_next(page, repo, out, &done, &hresult),
                     REST_STATUS_OK);
        repository_read_end(repo);
        chunks++;
    }
    rest_page_free(page);
    return chunks;
}

Test(read, a_page_holds_instances_of_subclasses_too)
{
    struct repository *repo = repository_of(mof_text);
    struct buf out = BUF_INIT;
    cJSON *json, *list;

    cr_assert_eq(read_page(repo, "/cim/root/test:base/instances", NULL, &out),
                 1);
    json = cJSON_Parse(out.data);
    cr_assert_not_null(json, "%s", out.data);
    cr_assert_str_eq(cJSON_GetObjectItem(json, "self")->valuestring,
                     "/cim/root/test:Base/instances");
    list = cJSON_GetObjectItem(json, "instances");
    cr_assert_eq(cJSON_GetArraySize(list), 3);
    cr_assert_str_eq(
        cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "class")->valuestring,
        "Wide");
    cr_assert_null(cJSON_GetObjectItem(json, "next"));
    cJSON_Delete(json);
    buf_fini(&out);
    repository_close(repo);
}

Test(read, an_empty_page_is_a_complete_document)
{
    struct repository *repo = repository_of(mof_text);
    struct buf out = BUF_INIT;

    read_page(repo, "/cim/root/test:Empty/instances", NULL, &out);
    cr_assert_str_eq(out.data, "{\"kind\":\"instancecollection\","
                               "\"self\":\"/cim/root/test:Empty/instances\","
                               "\"class\":\"Empty\",\"instances\":[]}");
    buf_fini(&out);
    repository_close(repo);
}

Test(read, a_page_of_an_unknown_class_is_not_found)
{
    struct repository *repo = repository_of(mof_text);
    struct rest_target target = target_of("/cim/root/test:No/instances", NULL);
    struct rest_page *page = rest_page_new(&target);
    struct buf out = BUF_INIT;
    uint64_t generation;
    uint32_t hresult;
    bool done;

    cr_assert_eq(repository_read_begin(repo, &generation, NULL), 0);
    cr_assert_eq(rest_page_next(page, repo, &out, &done, &hresult),
                 REST_STATUS_NOT_FOUND);
    cr_assert_eq(hresult, 0x80041010);
    cr_assert_eq(out.length, 0);
    repository_read_end(repo);
    rest_page_free(page);
    buf_fini(&out);
    repository_close(repo);
}

static struct repository *
repository_of_many(unsigned count, unsigned note_bytes)
{
    struct buf text = BUF_INIT;
    struct repository *repo;

    buf_add_string(&text, "#pragma namespace(\"root\\\\Many\")\n"
                          "class M { [Key] uint32 N; string Note; };\n");
    for (unsigned i = 0; i < count; i++)
        buf_addf(&text, "instance of M { N = %u; Note = \"%0*d\"; };\n", i,
                 (int)note_bytes, 0);
    repo = repository_of(text.data);
    buf_fini(&text);
    return repo;
}

/* Follows `next` from the first page on; how many instances there are. */
static unsigned
walk(struct repository *repo, const char *query, unsigned *pages_out)
{
    struct buf out = BUF_INIT;
    char next[256];
    unsigned seen = 0;

    snprintf(next, sizeof(next), "%s", query);
    for (*pages_out = 1;; (*pages_out)++) {
        const cJSON *instance, *link;
        cJSON *json;

        read_page(repo, "/cim/root/many:M/instances", next, &out);
        json = cJSON_Parse(out.data);
        cr_assert_not_null(json, "%s", out.data);
        cJSON_ArrayForEach(instance, cJSON_GetObjectItem(json, "instances"))
        {
            const cJSON *n = cJSON_GetObjectItem(
                cJSON_GetObjectItem(instance, "properties"), "N");

            cr_assert_eq(n->valueint, (int)seen);
            seen++;
        }
        link = cJSON_GetObjectItem(json, "next");
        if (link != NULL)
            snprintf(next, sizeof(next), "%s",
                     strchr(link->valuestring, '?') + 1);
        cJSON_Delete(json);
        if (link == NULL)
            break;
    }
    buf_fini(&out);
    return seen;
}

Test(read, pages_join_without_gap_or_repetition)
{
    const struct {
        const char *query;
        unsigned pages;
    } rows[] = {
        {"limit=1", 250},  {"limit=99", 3},  {"limit=100", 3},
        {"limit=125", 2},  {"limit=249", 2}, {"limit=250", 1},
        {"limit=1000", 1},
    };
    struct repository *repo = repository_of_many(250, 1);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        unsigned pages;

        cr_assert_eq(walk(repo, rows[i].query, &pages), 250, "%s",
                     rows[i].query);
        cr_assert_eq(pages, rows[i].pages, "%s: %u", rows[i].query, pages);
    }
    repository_close(repo);
}

Test(read, a_large_page_comes_in_chunks)
{
    struct repository *repo = repository_of_many(250, 1);
    struct buf out = BUF_INIT;

    cr_assert_eq(read_page(repo, "/cim/root/many:M/instances", NULL, &out), 3);
    repository_close(repo);
    repo = repository_of_many(90, 32000);
    cr_assert_geq(read_page(repo, "/cim/root/many:M/instances", NULL, &out),
                  10);
    buf_fini(&out);
    repository_close(repo);
}

Test(read, a_long_listing_says_that_it_is_not_all)
{
    struct buf text = BUF_INIT;
    struct repository *repo;
    cJSON *json;

    buf_add_string(&text, "#pragma namespace(\"root\\\\Many\")\n");
    for (unsigned i = 0; i <= NAMESPACE_LIST_MAX; i++)
        buf_addf(&text, "class C%u { };\n", i);
    repo = repository_of(text.data);
    json = read_json(repo, "/cim/root/many");
    cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "classes")),
                 NAMESPACE_LIST_MAX);
    cr_assert(cJSON_IsTrue(cJSON_GetObjectItem(json, "classesTruncated")));
    cr_assert_null(cJSON_GetObjectItem(json, "childrenTruncated"));
    cJSON_Delete(json);
    buf_fini(&text);
    repository_close(repo);
}

/* -- the examples --------------------------------------------------------- */

Test(read, the_security_example_is_the_three_documented_lines)
{
    size_t length;
    char *text = test_read_file(
        test_source_path("docs/examples/MyNamespace_security.mof"), &length);

    cr_assert_str_eq(
        text, "#pragma namespace(\"\\\\\\\\.\\\\Root\\\\MyNamespace\")\n"
              "[RequiresEncryption(TRUE)]\n"
              "instance of __systemSecurity { };\n");
    free(text);
}

Test(read, the_examples_compile_without_a_warning_and_read_as_documented)
{
    static const char *const files[] = {
        "docs/examples/MyNamespace.mof",
        "docs/examples/MyNamespace_security.mof", "docs/examples/Open.mof"};
    struct mof_options options = {0};
    struct mof_compilation *c = mof_compilation_new(&options);
    struct repository *repo;
    struct buf out = BUF_INIT;
    cJSON *json;

    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        mof_compile_file(c, test_source_path(files[i]));
    repo = repository_of_unit(c);
    assert_reads(repo, "/cim/root/MyNamespace:My_Disk.DeviceID=\"sda\"",
                 "{\"kind\":\"instance\",\"self\":\"/cim/root/mynamespace:"
                 "My_RotatingDisk.deviceid=%22sda%22\","
                 "\"class\":\"My_RotatingDisk\",\"properties\":{"
                 "\"DeviceID\":\"sda\",\"Caption\":\"Archive\","
                 "\"InstalledOn\":\"20240229000000.000000+000\","
                 "\"Health\":1,\"Capacity\":\"9007199254740993\","
                 "\"Temperature\":-4,\"Wear\":0,\"Removable\":true,"
                 "\"Bay\":\"B\",\"Capabilities\":[],\"Speed\":7200,"
                 "\"RemappedSectors\":[17,\"18446744073709551615\"]}}");
    json = read_json(repo, "/cim/root/MyNamespace");
    cr_assert(cJSON_IsTrue(cJSON_GetObjectItem(json, "requiresEncryption")));
    cJSON_Delete(json);
    json = read_json(repo, "/cim/root/Open");
    cr_assert(cJSON_IsFalse(cJSON_GetObjectItem(json, "requiresEncryption")));
    cJSON_Delete(json);
    read_page(repo, "/cim/root/Open:Open_Notice/instances", NULL, &out);
    cr_assert_not_null(strstr(out.data, "read-only on Sundays"));
    buf_fini(&out);
    repository_close(repo);
}
