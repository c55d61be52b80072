#include <stdlib.h>
#include <string.h>

#include "tests/policy/mof/compile.h"

SUITE(render);

/* Compiles text and says how its diagnostics look. */
static char *
rendered(const char *text, bool colors, unsigned columns)
{
    struct mof_compilation *c = compile_in_world(text);
    struct mof_style style = {.colors = colors, .columns = columns};
    struct buf out = BUF_INIT;

    mof_diagnostics_render(c, &style, &out);
    cr_assert(!buf_failed(&out));
    mof_compilation_free(c);
    return buf_take(&out);
}

static void
expect_rendered(const char *text, const char *expected)
{
    char *actual = rendered(text, false, 0);

    cr_expect_str_eq(actual, expected);
    free(actual);
}

/* The column of the caret under the line, counted from 0 behind the frame,
 * and the length of the mark. */
static size_t
mark_of(const char *rendered_text, size_t *length_out)
{
    const char *line = strrchr(rendered_text, '|');
    const char *caret = strchr(line, '^');

    cr_assert(caret != NULL, "%s", rendered_text);
    *length_out = 1 + strspn(caret + 1, "~");
    return (size_t)(caret - line - 2);
}

Test(render, shows_place_code_words_line_and_range)
{
    expect_rendered("class A {\n    uint8 n = 256;\n};\n",
                    "t.mof:2:15: error 0x8004401D: 256 is out of range for "
                    "uint8 (0 to 255)\n"
                    "    2 |     uint8 n = 256;\n"
                    "      |               ^~~\n");
}

Test(render, puts_the_mark_where_the_place_is_on_a_terminal)
{
    static const struct {
        const char *before; /* in a comment, then what is marked */
        size_t column;
    } rows[] = {
        {"", 0},
        {"/* x */", 7},
        {"\t", 8},
        {"/**/\t", 8},
        {"/*123*/ \t", 16},
        {"/*ü*/", 5},
        {"/*日本*/", 8},
        {"/*e\xcc\x81*/", 5},
        {"/*😀*/\t", 8},
        {"/*\xe2\x80\xae*/", 12}, /* <U+202E> */
        {"/*\x1b*/", 12},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char source[200], *text;
        size_t length;

        snprintf(source, sizeof(source), "%sclas A { };", rows[i].before);
        text = rendered(source, false, 0);
        cr_expect(mark_of(text, &length) == rows[i].column, "%s", text);
        cr_expect(length == 4, "%s", text);
        free(text);
    }
}

Test(render, marks_as_many_columns_as_the_range_takes)
{
    char *text = rendered("class A { boolean x = \"日本\"; };", false, 0);
    size_t length;

    mark_of(text, &length);
    cr_expect(length == 6, "%s", text);
    free(text);
}

Test(render, cuts_a_long_line_around_its_place)
{
    static const size_t lengths[] = {0, 1, 30, 60, 75, 90, 150, 300, 100000};
    static const unsigned widths[] = {1, 40, 80, 120, 300};

    for (size_t i = 0; i < ARRAY_COUNT(lengths) * ARRAY_COUNT(widths); i++) {
        size_t n = lengths[i / ARRAY_COUNT(widths)], length, column;
        unsigned width = widths[i % ARRAY_COUNT(widths)];
        char *source = repeated("/*", "x", n, "*/clas A; /*");
        char *whole, *text, *line, *end;

        whole = repeated(source, "y", n, "*/");
        text = rendered(whole, false, width);
        column = mark_of(text, &length);
        line = strstr(text, " | ") + 3;
        end = strchr(line, '\n');
        cr_expect((size_t)(end - text) -
                          (size_t)(strstr(text, "    1 |") - text) <=
                      (width < 40 ? 40 : width),
                  "%u: %s", width, text);
        cr_expect(strncmp(line + column, "clas", 4) == 0, "%u: %s", width,
                  text);
        cr_expect((strncmp(line, "...", 3) == 0) == (line[0] != '/'), "%s",
                  text);
        free(text);
        free(whole);
        free(source);
    }
}

Test(render, never_cuts_a_character_in_half)
{
    for (size_t n = 10; n < 300; n += 7) {
        char *source = repeated("/*", "日e\xcc\x81ß", n, "*/clas A;");
        char *text = rendered(source, false, 60);

        cr_expect(utf8_is_valid(span_of(text)), "%zu: %s", n, text);
        free(text);
        free(source);
    }
}

Test(render, shows_a_detail_with_its_own_place)
{
    expect_rendered("class A {\n  uint8 x;\n  string x;\n};",
                    "t.mof:3:10: error 0x8004401B: property x is declared "
                    "twice\n"
                    "    3 |   string x;\n"
                    "      |          ^\n"
                    "t.mof:2:9: note: first declared here\n"
                    "    2 |   uint8 x;\n"
                    "      |         ^\n");
}

Test(render, names_the_class_of_a_warning)
{
    expect_rendered("class A { string s = \"\\q\"; };",
                    "t.mof:1:23: warning: unknown escape; a backslash is "
                    "written \\\\ [escape]\n"
                    "    1 | class A { string s = \"\\q\"; };\n"
                    "      |                       ^~\n");
}

Test(render, lets_no_control_character_through)
{
    char *text = rendered("#pragma \x1b[2J\nclass \xe2\x80\xae\x08\n{\x7f "
                          "uint8 \xc2\x9b x; };\n#pragma deleteinstance(\""
                          "a\\nb\\x1b[31m\", NOFAIL)\n",
                          false, 0);

    for (const char *s = text; *s != '\0'; s++)
        cr_expect((unsigned char)*s >= ' ' || *s == '\n', "%s", text);
    cr_expect(strstr(text, "\x7f") == NULL &&
                  strstr(text, "\xc2\x9b") == NULL &&
                  strstr(text, "\xe2\x80\xae") == NULL,
              "%s", text);
    cr_expect(strstr(text, "<U+202E>") != NULL, "%s", text);
    free(text);
}

Test(render, makes_a_file_name_visible_as_well)
{
    struct mof_compilation *c = mof_compilation_new(NULL);
    char *text;

    mof_compile_file(c, "/none/\x1b[31mred\xff.mof");
    mof_check(c);
    text = printed(c);
    cr_expect(strstr(text, "/none/<U+001B>[31mred<FF>.mof: error") == text,
              "%s", text);
    free(text);
    mof_compilation_free(c);
}

Test(render, colors_only_when_told)
{
    char *plain = rendered("clas A;", false, 0);
    char *colored = rendered("clas A;", true, 0);

    cr_expect(strchr(plain, '\33') == NULL);
    cr_expect(strstr(colored, "\33[1mt.mof:1:1:\33[0m \33[1;31merror") != NULL,
              "%s", colored);
    free(plain);
    free(colored);
}

Test(render, shows_who_included_a_file_once)
{
    const char *directory = test_directory();
    struct mof_compilation *c = mof_compilation_new(NULL);
    char path[3][300], expected[2000], *text;

    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof(path[i]), "%s/%c.mof", directory, 'a' + i);
    test_write_file(path[0], "\n#pragma include(\"b.mof\")\n", 26);
    test_write_file(path[1], "#include \"c.mof\"\n", 17);
    test_write_file(path[2], "clas X;\nclas Y;\n", 16);
    mof_compile_file(c, path[0]);
    mof_check(c);
    text = printed(c);
    snprintf(expected, sizeof(expected),
             "In file included from %s:1:10,\n"
             "                 from %s:2:17:\n"
             "%s:1:1: error",
             path[1], path[0], path[2]);
    cr_expect(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    cr_expect(strstr(text + 1, "In file included") == NULL, "%s", text);
    cr_expect(strstr(text, "c.mof:2:1: error") != NULL, "%s", text);
    free(text);
    mof_compilation_free(c);
}
