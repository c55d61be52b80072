#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"
#include "tests/policy/mof/binaries.h"
#include "tests/policy/mof/same.h"

SUITE(mof_binary);

/* -- real files ------------------------------------------------------------- */

static void
compare_decoded(const char *stem)
{
    char path[1600];
    struct mof_compilation *binary, *text;
    const char *difference;

    snprintf(path, sizeof(path), "%s.bmf", stem);
    binary = compile_path(path, &syntax_only);
    snprintf(path, sizeof(path), "%s.decoded.mof", stem);
    text = compile_path(path, &syntax_only);
    difference = classes_differ(mof_unit(binary), mof_unit(text));
    cr_expect(difference == NULL, "%s: %s", stem, difference);
    mof_compilation_free(binary);
    mof_compilation_free(text);
}

Test(mof_binary, reads_from_real_files_what_another_decoder_reads)
{
    if (corpus() == NULL)
        cr_skip_test("there is no corpus");
    cr_expect(each_binary(compare_decoded) >= 110);
}

/* -- reading ---------------------------------------------------------------- */

/* The first place of a text of one-byte characters in UTF-16. */
static size_t
place_of(const struct buf *data, const char *text)
{
    size_t n = strlen(text);

    for (size_t at = 0; at + 2 * n <= data->length; at++) {
        size_t i = 0;

        while (i < n && data->data[at + 2 * i] == text[i] &&
               data->data[at + 2 * i + 1] == '\0')
            i++;
        if (i == n)
            return at;
    }
    cr_assert_fail("there is no %s", text);
    return 0;
}

static const char *
namespace_of_class(struct span bytes, const char *start)
{
    static char display[NAMESPACE_PATH_MAX + 1];
    struct mof_options options = {.standalone = true};
    struct mof_compilation *c;

    namespace_path_parse(&options.default_namespace, span_of(start), NULL);
    c = compile_bytes(bytes, &options);
    snprintf(display, sizeof(display), "%s",
             statement_of(c, MOF_STATEMENT_CLASS, 0)->namespace.text);
    mof_compilation_free(c);
    return display;
}

Test(mof_binary, goes_where_the_compile_begins_unless_it_names_a_namespace)
{
    struct buf unsaid = binary_of("class A {};");
    struct buf said = binary_of("#pragma namespace(\"root\\\\default\")\n"
                                "class A {};");

    cr_expect_str_eq(namespace_of_class(buf_span(&unsaid), "root\\wmi"),
                     "root\\wmi");
    cr_expect_str_eq(namespace_of_class(buf_span(&said), "root\\wmi"),
                     "root\\default");
    buf_fini(&unsaid);
    buf_fini(&said);
}

/* Behind a namespace that was said root\\default is said too. */
Test(mof_binary, goes_to_root_default_when_it_comes_back_there)
{
    static const char said[] = "\\\\.\\root\\default";
    static const char unsaid[sizeof(said)] = "root\\default";
    struct buf data = unpacked_of("#pragma namespace(\"root\\\\x\")\n"
                                  "class A {};\n"
                                  "#pragma namespace(\"root\\\\default\")\n"
                                  "class B {};");
    struct mof_options options = {.standalone = true};
    size_t at = place_of(&data, said);
    struct mof_compilation *c;

    for (size_t i = 0; i < sizeof(said); i++)
        data.data[at + 2 * i] = unsaid[i];
    namespace_path_parse(&options.default_namespace, SPAN("root\\wmi"), NULL);
    c = compile_unpacked(buf_span(&data), &options);
    cr_assert_str_eq(statement_of(c, MOF_STATEMENT_CLASS, 1)->namespace.text,
                     "root\\default");
    mof_compilation_free(c);
    buf_fini(&data);
}

Test(mof_binary, is_checked_as_a_text_is)
{
    struct buf b = binary_of("#pragma namespace(\"root\\\\cimv2\")\n"
                             "class A : Nowhere {};");
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_bytes(buf_span(&b), &options);
    const struct mof_diagnostic *d = diagnostic_of(c, MOF_ERROR, 0);
    char place[100];

    cr_expect(d->code == 0x8004100D);
    mof_location_format(&d->where, place, sizeof(place));
    cr_expect_str_eq(place, "t.bmf:unpacked:0xAC");
    mof_compilation_free(c);
    buf_fini(&b);
}

Test(mof_binary, carries_what_requires_encryption)
{
    struct buf b = binary_of("#pragma namespace(\"root\\\\hardware\")\n"
                             "[RequiresEncryption(TRUE)] "
                             "instance of __SystemSecurity {};");
    struct mof_options options = {.world = test_world};
    struct mof_compilation *c = compile_bytes(buf_span(&b), &options);

    cr_expect(
        statement_of(c, MOF_STATEMENT_ENCRYPTION, 0)->requires_encryption);
    mof_compilation_free(c);
    buf_fini(&b);
}

static const char *
first_error(const struct mof_compilation *c)
{
    static char text[600];
    const struct mof_diagnostic *d;

    if (mof_error_count(c) == 0)
        return "none";
    d = diagnostic_of(c, MOF_ERROR, 0);
    mof_location_format(&d->where, text, sizeof(text));
    snprintf(text + strlen(text), sizeof(text) - strlen(text), " 0x%08X %s",
             d->code, d->text);
    return text;
}

static const char damage_text[] =
    "[Q(5), S(\"s\")] class Alpha { [key] string Key; uint8 Array[3]; "
    "uint32 Method([in] uint8 Par, [out] string Ret); };\n"
    "instance of Alpha as $al { Key = \"k\"; Array = {1, 2}; };";

/* What is put `behind` bytes after the start of the name, and what is said. */
static const struct {
    const char *name;
    int behind;
    unsigned length;
    const char *bytes, *error;
} damages[] = {
    {"Q", -16, 4, "\x00\x00\x00\x00", "a record of 0 bytes where"},
    {"Q", -16, 4, "\xff\xff\xff\xff", "a record of 4294967295 bytes where"},
    {"Q", -12, 4, "\x05\x01\x00\x00",
     "a value of type 0x105, whose form is not known"},
    {"Q", -12, 4, "\x0d\x00\x00\x00",
     "a value of type 0xd, whose form is not known"},
    {"Q", -12, 4, "\x0b\x00\x00\x00",
     "a boolean that is neither 0 nor 0xffff"},
    {"Q", -8, 4, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {"Q", -4, 4, "\xff\xff\x00\x00",
     "the parts of a qualifier are not inside it"},
    {"Q", 0, 2, "9\x00", "'9' is not a name"},
    {"Q", 0, 2, "\x00\xd8", "half a surrogate pair in a text"},
    {"Q", 2, 2, "Q\x00", "a text without its end"},
    {"Key", -16, 4, "\x99\x00\x00\x00", "0x99 is the number of no type"},
    {"Key", -16, 4, "\x11\x00\x00\x00",
     "CIMTYPE says string, the property "
     "is a uint8"},
    {"Key", -12, 4, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {"Key", -4, 4, "\xf0\xff\xff\xff",
     "the parts of a record are not inside it"},
    {"CIMTYPE", 16, 6, "x\x00t\x00r\x00", "'xtring' is not a type"},
    {"MAX", 8, 4, "\x00\x00\x00\x00", "MAX is not the size of an array"},
    {"MAX", 8, 4, "\xff\xff\xff\xff", "MAX is not the size of an array"},
    {"ID", 8, 4, "\xff\x00\x00\x00", "ID is not the place of a parameter"},
    {"ID", 8, 4, "\x01\x00\x00\x00", "a parameter's two declarations differ"},
    {"ID", 0, 4, "J\x00J\x00", "a parameter without an ID"},
    {"Method", -16, 4, "\x08\x00\x00\x00", "0x8 is no kind of method"},
    {"Method", 16 + 4, 4, "\x02\x00\x00\x00", "an array of 2 dimensions"},
    {"Method", 16 + 8, 4, "\x03\x00\x00\x00", "a method with 3 objects"},
    {"__PARAMETERS", 0, 4, "X\x00Y\x00",
     "a method's object is no __PARAMETERS"},
    {"__CLASS", 0, 4, "X\x00Y\x00", "an object without a class"},
    {"__NAMESPACE", 0, 24, "_\0_\0C\0L\0A\0S\0S\0\0\0\0\0\0\0\0\0\0",
     "__CLASS is twice there or no text"},
};

static void
damage_check(size_t i)
{
    struct buf data = unpacked_of(damage_text);
    struct mof_compilation *c;
    size_t at = place_of(&data, damages[i].name);

    at = damages[i].behind < 0 ? at - (size_t)-damages[i].behind
                               : at + (size_t)damages[i].behind;
    memcpy(data.data + at, damages[i].bytes, damages[i].length);
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), damages[i].error) != NULL,
              "%zu: expected %s, got %s", i, damages[i].error, first_error(c));
    if (mof_error_count(c) > 0)
        cr_expect(diagnostic_of(c, MOF_ERROR, 0)->code == 0x8004401E);
    mof_compilation_free(c);
    buf_fini(&data);
}

Test(mof_binary, says_how_and_where_a_file_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++)
        damage_check(i);
}

/* What is put at an offset of the unpacked data. */
static const struct {
    uint32_t offset;
    const char *bytes, *error;
} root_damages[] = {
    {0, "XOMB",
     "t.bmf:unpacked:0x0 0x8004401E this binary MOF is damaged: "
     "the unpacked data do not begin with FOMB"},
    {4, "\xff\xff\xff\x00",
     "t.bmf:unpacked:0x4 0x8004401E this binary MOF "
     "is damaged: objects of 16777215 bytes in"},
    {8, "\x02\x00\x00\x00", "2 and 1 where 1 is expected"},
    {16, "\x00\x00\x00\x00", "bytes behind the last object"},
    {16, "\x03\x00\x00\x00", "a number is cut off"},
    {24, "\x01\x00\x00\x00", "1 where 0 is expected"},
    {28, "\xff\xff\xff\x00", "the parts of an object are not inside it"},
    {36, "\x02\x00\x00\x00", "an object that is neither class nor instance"},
    {44, "\xff\xff\x00\x00", "65535 qualifiers in"},
};

Test(mof_binary, says_how_the_whole_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(root_damages); i++) {
        struct buf data = unpacked_of(damage_text);
        struct mof_compilation *c;

        memcpy(data.data + root_damages[i].offset, root_damages[i].bytes, 4);
        c = compile_unpacked(buf_span(&data), &standalone);
        cr_expect(strstr(first_error(c), root_damages[i].error) != NULL,
                  "%zu: expected %s, got %s", i, root_damages[i].error,
                  first_error(c));
        mof_compilation_free(c);
        buf_fini(&data);
    }
}

static const struct {
    uint32_t offset;
    const char *bytes, *error;
} header_damages[] = {
    {4, "\x02\x00\x00\x00",
     "t.bmf:0x4 0x8004401E this binary MOF is "
     "damaged: only version 1 is known"},
    {8, "\xff\xff\xff\xff",
     "t.bmf:0x8 0x8004401E this binary MOF is "
     "damaged: the packed data are longer than the "
     "file"},
    {8, "\x10\x00\x00\x00", "the packed data are shorter than the file"},
    {12, "\x00\x00\x00\x7f", "the unpacked data are longer than 32 MiB"},
    {12, "\x00\x00\x00\x01", "t.bmf:0x"},
    {12, "\x01\x00\x00\x00", "more data than the header says"},
    {16, "DT\x00\x01", "the packed data do not begin with DS, 0, 1"},
    {20, "\x00\x00\x00\x00", "a copy has no length"},
    {20, "\x00\x01\x00\x00", "a copy from before the start of the data"},
    {20, "\x02\xfe\xff\x00", "a mark that is not at the end of a block"},
};

Test(mof_binary, says_how_the_packing_is_damaged)
{
    for (size_t i = 0; i < ARRAY_COUNT(header_damages); i++) {
        struct buf b = binary_of(damage_text);
        struct mof_compilation *c;

        memcpy(b.data + header_damages[i].offset, header_damages[i].bytes, 4);
        c = compile_bytes(buf_span(&b), &standalone);
        cr_expect(strstr(first_error(c), header_damages[i].error) != NULL,
                  "%zu: expected %s, got %s", i, header_damages[i].error,
                  first_error(c));
        mof_compilation_free(c);
        buf_fini(&b);
    }
}

/* Whatever is cut off or changed: an error or another unit, nothing else. */
Test(mof_binary, survives_every_cut_and_every_changed_byte)
{
    struct buf b = binary_of(damage_text), data = unpacked_of(damage_text);

    for (size_t n = 4; n < b.length; n++) {
        struct mof_compilation *c =
            compile_bytes((struct span){b.data, n}, &standalone);

        cr_expect(mof_error_count(c) == 1, "%zu", n);
        mof_compilation_free(c);
    }
    for (size_t n = 0; n < data.length; n++) {
        for (int bit = 0; bit < 8; bit++) {
            data.data[n] ^= (char)(1 << bit);
            mof_compilation_free(
                compile_unpacked(buf_span(&data), &standalone));
            data.data[n] ^= (char)(1 << bit);
        }
        mof_compilation_free(
            compile_unpacked((struct span){data.data, n}, &standalone));
    }
    buf_fini(&b);
    buf_fini(&data);
}

Test(mof_binary, says_that_it_does_not_know_a_remark_of_an_object)
{
    struct buf data = unpacked_of("#pragma classflags(\"updateonly\")\n"
                                  "class A {};");
    struct mof_compilation *c;

    memcpy(data.data + place_of(&data, "__CLASSFLAGS"), "_\0_\0X", 5);
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(mof_error_count(c) == 0);
    cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->warning, "binary");
    cr_expect_str_eq(diagnostic_of(c, MOF_WARNING, 0)->text,
                     "the format has no __XLASSFLAGS; it is ignored");
    mof_compilation_free(c);
    buf_fini(&data);
}

/* WBEM_FLAVOR_ORIGIN_PROPAGATED beside ToInstance. */
Test(mof_binary, does_not_mind_where_a_qualifier_comes_from)
{
    struct buf data = unpacked_of("[Q : ToInstance] class A {};");
    struct mof_compilation *c;

    cr_assert(data.data[data.length - 4] == 1);
    data.data[data.length - 4] = 0x21;
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_assert(mof_error_count(c) == 0, "%s", first_error(c));
    cr_expect(statement_of(c, MOF_STATEMENT_CLASS, 0)
                  ->class->qualifiers.items[0]
                  .flavors == CIM_FLAVOR_TO_INSTANCE);
    mof_compilation_free(c);
    data.data[data.length - 4] = 4;
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), "0x4 are no flavors") != NULL);
    mof_compilation_free(c);
    buf_fini(&data);
}

Test(mof_binary, refuses_flavors_that_belong_to_nothing)
{
    struct buf data = unpacked_of("[Q : ToInstance] class A {};");
    struct mof_compilation *c;

    data.data[data.length - 8] ^= 4;
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), "flavors where no qualifier starts") !=
              NULL);
    mof_compilation_free(c);
    data.data[data.length - 12] = 9;
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), "9 flavors in 8 bytes") != NULL);
    mof_compilation_free(c);
    memcpy(data.data + data.length - 28, "X", 1);
    c = compile_unpacked(buf_span(&data), &standalone);
    cr_expect(strstr(first_error(c), "something other than the list of "
                                     "flavors") != NULL);
    mof_compilation_free(c);
    buf_fini(&data);
}

/* Forms that no writer of ours makes: put together by hand. */
static const struct {
    const char *bytes; /* type, 0, offset of the value, name, value */
    size_t length;
    const char *printed;
} values[] = {
    {"\x05\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0\0\0\0\0\0\0\xf8\x3f", 24, "Q(1.5)"},
    {"\x02\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0\xfe\xff\0\0", 20, "Q(-2)"},
    {"\x11\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0\xfe\0\0\0", 20, "Q(254)"},
    {"\x15\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 24,
     "Q(18446744073709551615)"},
    {"\x67\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0A\0\0\0", 20, "Q('A')"},
    {"\x0b\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0\0\0", 18, "Q(FALSE)"},
    {"\x0b\0\0\0\0\0\0\0\4\0\0\0Q\0\0\0", 16, "Q(TRUE)"},
    {"\x0b\x20\0\0\0\0\0\0\4\0\0\0Q\0\0\0"
     "\x18\0\0\0\1\0\0\0\2\0\0\0\x0c\0\0\0\xff\xff\0\0\0\0\0\0",
     40, "Q{TRUE, FALSE}"},
    {"\x0b\x20\0\0\0\0\0\0\4\0\0\0Q\0\0\0"
     "\x14\0\0\0\1\0\0\0\2\0\0\0\x08\0\0\0\0\0\xff\xff",
     36, "Q{FALSE, TRUE}"},
    {"\x08\x20\0\0\0\0\0\0\4\0\0\0Q\0\0\0"
     "\x10\0\0\0\1\0\0\0\0\0\0\0\x04\0\0\0",
     32, "Q{}"},
};

static void
number_put(struct buf *b, uint32_t n)
{
    for (unsigned i = 0; i < 4; i++)
        buf_add_char(b, (char)(n >> (8 * i)));
}

/* class A with that one qualifier, out of the unpacked data of one without. */
static struct buf
with_qualifier(struct span qualifier)
{
    struct buf plain = unpacked_of("class A {};"), out = BUF_INIT;
    uint32_t more = (uint32_t)qualifier.length + 4, object, first;

    object = (unsigned char)plain.data[20];
    first = (unsigned char)plain.data[4];
    buf_add_string(&out, "FOMB");
    number_put(&out, first + more);
    buf_add(&out, plain.data + 8, 12);
    number_put(&out, object + more);
    number_put(&out, 0);
    number_put(&out, 8 + more);
    number_put(&out, (unsigned char)plain.data[32] + more);
    number_put(&out, 0);
    number_put(&out, 8 + more);
    number_put(&out, 1);
    number_put(&out, more);
    buf_add_span(&out, qualifier);
    buf_add(&out, plain.data + 48, first - 48);
    buf_fini(&plain);
    return out;
}

Test(mof_binary, reads_values_of_every_type_that_has_a_size)
{
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf data =
            with_qualifier((struct span){values[i].bytes, values[i].length});
        struct mof_compilation *c =
            compile_unpacked(buf_span(&data), &standalone);
        struct buf text = BUF_INIT;

        cr_assert(mof_error_count(c) == 0, "%zu: %s", i, first_error(c));
        mof_print_unit(&text, mof_unit(c));
        cr_expect(strstr(text.data, values[i].printed) != NULL, "%zu: %s", i,
                  text.data);
        mof_compilation_free(c);
        buf_fini(&text);
        buf_fini(&data);
    }
}
