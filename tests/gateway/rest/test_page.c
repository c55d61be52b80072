/* Pages of instances, and the examples as a whole. */
#include <stdlib.h>
#include <string.h>

#include "tests/gateway/rest/fixture.h"

SUITE(page);

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

Test(page, a_page_holds_instances_of_subclasses_too)
{
    struct repository *repo = stored_text(fixture_mof);
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

Test(page, an_empty_page_is_a_complete_document)
{
    struct repository *repo = stored_text(fixture_mof);
    struct buf out = BUF_INIT;

    read_page(repo, "/cim/root/test:Empty/instances", NULL, &out);
    cr_assert_str_eq(out.data, "{\"kind\":\"instancecollection\","
                               "\"self\":\"/cim/root/test:Empty/instances\","
                               "\"class\":\"Empty\",\"instances\":[]}");
    buf_fini(&out);
    repository_close(repo);
}

Test(page, a_page_of_an_unknown_class_is_not_found)
{
    struct repository *repo = stored_text(fixture_mof);
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
    repo = stored_text(text.data);
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

Test(page, pages_join_without_gap_or_repetition)
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

Test(page, a_large_page_comes_in_chunks)
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

/* -- the examples --------------------------------------------------------- */

Test(page, the_security_example_is_the_three_documented_lines)
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

Test(page, the_examples_compile_without_a_warning_and_read_as_documented)
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
    repo = stored_unit(c);
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
