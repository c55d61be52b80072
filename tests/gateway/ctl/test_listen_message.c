#include "gateway/ctl/listen.h"
#include "tests/support/support.h"

SUITE(listen_message);

#define ID "00112233445566778899aabbccddeeff"
#define INDICATE(rest)                                                        \
    SPAN("{\"kind\":\"indicate\",\"operation\":\"" ID "\"," rest "}")
#define STATUS(rest)                                                          \
    SPAN("{\"kind\":\"setstatus\",\"operation\":\"" ID "\"," rest "}")

Test(listen_message, reads_a_batch)
{
    struct listen_message m;
    struct error err = {0, ""};

    cr_assert_eq(listen_message_parse(
                     INDICATE("\"namespace\":\"root\\\\a\",\"batch\":12,"
                              "\"objects\":[{},{},{}]"),
                     &m, &err),
                 0, "%s", err.text);
    cr_assert_eq(m.kind, LISTEN_INDICATE);
    cr_assert_str_eq(m.operation, ID);
    cr_assert_str_eq(m.key, "\"" ID "-12\"");
    cr_assert_str_eq(m.namespace, "root\\a");
    cr_assert_eq(m.batch, 12);
    cr_assert_eq(m.objects, 3);
    listen_message_fini(&m);
}

Test(listen_message, reads_a_status_with_or_without_its_symbol)
{
    struct listen_message m;

    cr_assert_eq(listen_message_parse(
                     STATUS("\"hresult\":\"0x8004100E\",\"symbol\":\"X\","
                            "\"batches\":2,\"objects\":3"),
                     &m, NULL),
                 0);
    cr_assert_eq(m.kind, LISTEN_SETSTATUS);
    cr_assert_str_eq(m.key, "\"" ID "-status\"");
    cr_assert_eq(m.hresult, 0x8004100Eu);
    cr_assert_str_eq(m.symbol, "X");
    cr_assert_eq(m.batches, 2);
    cr_assert_eq(m.objects, 3);
    listen_message_fini(&m);
    cr_assert_eq(listen_message_parse(STATUS("\"hresult\":\"0x00000000\","
                                             "\"batches\":0,\"objects\":0"),
                                      &m, NULL),
                 0);
    cr_assert_null(m.symbol);
    listen_message_fini(&m);
}

Test(listen_message, refuses_what_is_neither)
{
    static const struct span rows[] = {
        SPAN(""),
        SPAN("{"),
        SPAN("[]"),
        SPAN("{}"),
        SPAN("{\"kind\":1}"),
        SPAN("{\"kind\":\"Indicate\"}"),
        SPAN("{\"kind\":\"indicate\",\"namespace\":\"a\",\"batch\":1,"
             "\"objects\":[]}"),
        SPAN("{\"kind\":\"indicate\",\"operation\":\"0011\","
             "\"namespace\":\"a\",\"batch\":1,\"objects\":[]}"),
        SPAN("{\"kind\":\"indicate\",\"operation\":"
             "\"00112233445566778899AABBCCDDEEFF\","
             "\"namespace\":\"a\",\"batch\":1,\"objects\":[]}"),
        INDICATE("\"batch\":1,\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"batch\":0,\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"batch\":-1,\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"batch\":1.5,\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"batch\":1e99,\"objects\":[]"),
        INDICATE("\"namespace\":\"a\",\"batch\":1,\"objects\":{}"),
        INDICATE("\"namespace\":\"a\",\"batch\":1,\"objects\":[\"\xff\"]"),
        SPAN("\xef\xbb\xbf{\"kind\":\"indicate\",\"operation\":\"" ID
             "\",\"namespace\":\"a\",\"batch\":1,\"objects\":[]}"),
        SPAN("{\"kind\":\"indicate\",\"operation\":\"" ID
             "\",\"namespace\":\"a\",\"batch\":1,\"objects\":[]}\0"),
        SPAN("{\"kind\":\"indicate\",\"operation\":\"" ID
             "\",\"namespace\":\"a\",\"batch\":1,\"objects\":[]}{}"),
        STATUS("\"batches\":0,\"objects\":0"),
        STATUS("\"hresult\":0,\"batches\":0,\"objects\":0"),
        STATUS("\"hresult\":\"0x0\",\"batches\":0,\"objects\":0"),
        STATUS("\"hresult\":\"0x0000000g\",\"batches\":0,\"objects\":0"),
        STATUS("\"hresult\":\"0x00000000\",\"objects\":0"),
        STATUS("\"hresult\":\"0x00000000\",\"batches\":0,\"objects\":[]"),
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct listen_message m;
        struct error err = {0, ""};

        cr_expect_eq(listen_message_parse(rows[i], &m, &err), -1, "row %zu",
                     i);
        cr_expect(err.text[0] != '\0', "row %zu", i);
    }
    cr_assert_eq(listen_message_parse((struct span){NULL, 0},
                                      &(struct listen_message){0}, NULL),
                 -1);
}

Test(listen_message, prints_json_without_anything_that_drives_a_terminal)
{
    const struct listen_sender sender = {.principal = "a@R",
                                         .declared = AUTHN_LEVEL_PKT,
                                         .applied = AUTHN_LEVEL_CONNECT,
                                         .effective = AUTHN_LEVEL_CONNECT};
    struct listen_message m;
    struct listen_delivery d = {.sender = &sender, .message = &m};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    cr_assert_eq(listen_message_parse(
                     INDICATE("\"namespace\":\"\xc2\x9b\",\"batch\":1,"
                              "\"objects\":[\"\x7f\",\"\\n\",\"\xe2\x80\xa8"
                              "\",\"\xc3\xa9\"]"),
                     &m, NULL),
                 0);
    cr_assert_eq(listen_report(&d, true, out), 0);
    fclose(out);
    cr_assert_not_null(strstr(text, "\"namespace\":\"\\u009b\""), "%s", text);
    cr_assert_not_null(
        strstr(text, "[\"\\u007f\",\"\\n\",\"\\u2028\",\"\xc3\xa9\"]}}\n"),
        "%s", text);
    cr_assert_eq(strchr(text, '\n') + 1, text + length);
    free(text);
    listen_message_fini(&m);
}

Test(listen_message, tells_when_it_could_not_be_printed)
{
    const struct listen_sender sender = {.principal = "a@R"};
    struct listen_message m;
    struct listen_delivery d = {.sender = &sender, .message = &m};
    FILE *full = fopen("/dev/full", "w");

    cr_assert_eq(
        listen_message_parse(INDICATE("\"namespace\":\"a\",\"batch\":1,"
                                      "\"objects\":[{}]"),
                             &m, NULL),
        0);
    cr_assert_eq(listen_report(&d, true, full), -1);
    cr_assert_eq(listen_report(&d, false, full), -1);
    fclose(full);
    listen_message_fini(&m);
}
