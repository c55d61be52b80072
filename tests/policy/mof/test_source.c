#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/mof/source.h"
#include "tests/policy/mof/compile.h"

SUITE(source);

#define BYTES(literal) (literal), sizeof(literal) - 1

/* As source_decode takes it. */
static char *
copied(const char *bytes, size_t length)
{
    char *copy = malloc(length + 1);

    cr_assert(copy != NULL);
    memcpy(copy, bytes, length);
    return copy;
}

Test(source, decodes_every_encoding_or_says_what_is_wrong)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum source_problem problem;
        const char *text;
        uint32_t guessed_at;
    } rows[] = {
        {BYTES(""), SOURCE_OK, "", UINT32_MAX},
        {BYTES("abc"), SOURCE_OK, "abc", UINT32_MAX},
        {BYTES("\xef\xbb\xbfü"), SOURCE_OK, "ü", UINT32_MAX},
        {BYTES("ü"), SOURCE_OK, "ü", UINT32_MAX},
        {BYTES("a\xfc\x80"), SOURCE_OK, "aü€", 1},
        /* valid UTF-8 before the byte that is none: all is Windows-1252 */
        {BYTES("\xc3\xbc\xc3\xbc\xff"), SOURCE_OK, "Ã¼Ã¼ÿ", 8},
        {BYTES("\xff\xfe"), SOURCE_OK, "", UINT32_MAX},
        {BYTES("\xff\xfe"
               "a\0\xfc\0"),
         SOURCE_OK, "aü", UINT32_MAX},
        {BYTES("\xfe\xff\0a\x20\xac"), SOURCE_OK, "a€", UINT32_MAX},
        {BYTES("\xff\xfe\x3d\xd8\x00\xde"), SOURCE_OK, "😀", UINT32_MAX},
        {BYTES("\xff\xfe\x3d\xd8"), SOURCE_SURROGATE, "", UINT32_MAX},
        {BYTES("\xff\xfe"
               "a\0b"),
         SOURCE_ODD, "a", UINT32_MAX},
        {BYTES("\xff\xfe\0\0"), SOURCE_NUL, "", UINT32_MAX},
        {BYTES("a\0b"), SOURCE_NUL, "a", UINT32_MAX},
        {BYTES("FOMB\1\0\0\0"), SOURCE_BINARY, "", UINT32_MAX},
        {BYTES("abc\r\n\x1a\r\n"), SOURCE_OK, "abc\r\n", UINT32_MAX},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct source s = {.name = "t"};
        uint32_t guessed_at;
        enum source_problem problem =
            source_decode(&s, copied(rows[i].bytes, rows[i].length),
                          rows[i].length, &guessed_at);

        cr_expect(problem == rows[i].problem, "row %zu: %d", i, problem);
        cr_expect(strcmp(s.text, rows[i].text) == 0 &&
                      s.length == strlen(rows[i].text),
                  "row %zu: '%s'", i, s.text);
        cr_expect(guessed_at == rows[i].guessed_at, "row %zu: %u", i,
                  guessed_at);
        source_fini(&s);
    }
}

Test(source, finds_line_and_column_in_characters)
{
    static const char text[] = "a\nüß x\r\n\rend";
    static const struct {
        uint32_t offset, line, column;
    } rows[] = {{0, 1, 1},  {1, 1, 2},  {2, 2, 1},  {6, 2, 3},  {7, 2, 4},
                {10, 3, 1}, {11, 4, 1}, {13, 4, 3}, {14, 4, 4}, {2, 2, 1},
                {6, 2, 3},  {4, 2, 2},  {99, 4, 4}};
    struct source s = {.name = "t"};
    uint32_t guessed_at, line, column;

    cr_assert(source_decode(&s, copied(BYTES(text)), sizeof(text) - 1,
                            &guessed_at) == SOURCE_OK);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        source_locate(&s, rows[i].offset, &line, &column);
        cr_expect(line == rows[i].line && column == rows[i].column,
                  "offset %u: %u:%u", rows[i].offset, line, column);
    }
    source_fini(&s);
}

Test(source, finds_the_offset_of_every_line_and_column)
{
    static const char part[] = "a\nüß x\r\n\r日 end\n";
    struct buf b = BUF_INIT;
    struct source s = {.name = "t"};
    uint32_t guessed_at, line, column;

    while (b.length < 3 * 65536)
        buf_add_string(&b, part);
    cr_assert(source_decode(&s, copied(b.data, b.length), b.length,
                            &guessed_at) == SOURCE_OK);
    for (uint32_t i = 0; i <= s.length; i += i < 100 ? 1 : 997) {
        while (((unsigned char)s.text[i] & 0xc0) == 0x80)
            i++;
        source_locate(&s, i, &line, &column);
        cr_expect(source_offset(&s, line, column) == i, "%u: %u:%u", i, line,
                  column);
    }
    cr_expect(source_offset(&s, 1000000, 1) == s.length);
    cr_expect(source_offset(&s, 0, 1) == s.length);
    buf_fini(&b);
    source_fini(&s);
}

Test(source, gives_what_is_around_a_place_in_its_line)
{
    static const char text[] = "a\nüß日 x\r\n\rend";
    static const struct {
        uint32_t offset;
        unsigned around;
        const char *text;
        uint32_t before;
        bool goes_on;
    } rows[] = {
        {6, 100, "üß日 x", 2, false}, {6, 1, "ß日", 1, true},
        {6, 0, "", 0, true},          {2, 2, "üß", 0, true},
        {11, 3, "日 x", 3, false},    {15, 2, "end", 1, false},
        {99, 2, "nd", 2, false},      {1, 5, "a", 1, false},
    };
    struct source s = {.name = "t"};
    uint32_t guessed_at, before;
    bool goes_on;

    cr_assert(source_decode(&s, copied(BYTES(text)), sizeof(text) - 1,
                            &guessed_at) == SOURCE_OK);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct span around = source_around(&s, rows[i].offset, rows[i].around,
                                           &before, &goes_on);

        cr_expect(span_equal(around, span_of(rows[i].text)), "%zu: '%.*s'", i,
                  (int)around.length, around.data);
        cr_expect(before == rows[i].before && goes_on == rows[i].goes_on,
                  "%zu: %u %d", i, before, goes_on);
    }
    source_fini(&s);
}

Test(source, reads_regular_files_only_and_never_waits)
{
    const char *directory = test_directory();
    char path[300];
    struct error err;
    size_t length;
    char *bytes;

    cr_expect(source_read(directory, &bytes, &length, &err) < 0);
    cr_expect(bytes == NULL);
    cr_expect(source_read("/dev/zero", &bytes, &length, &err) < 0);
    snprintf(path, sizeof(path), "%s/fifo", directory);
    cr_assert(mkfifo(path, 0600) == 0);
    cr_expect(source_read(path, &bytes, &length, &err) < 0);
    snprintf(path, sizeof(path), "%s/absent", directory);
    cr_expect(source_read(path, &bytes, &length, &err) < 0);
    cr_expect(strstr(err.text, "absent: No such file") != NULL, "%s",
              err.text);
}
