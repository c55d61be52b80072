#include "gateway/config/config.h"

#include <stdio.h>
#include <string.h>

#include "gateway/config/load.h"
#include "tests/support/support.h"

SUITE(keys);

/* As the manual's source writes it: '-' and '\' are special there. */
static char *
as_roff(struct span text)
{
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '-')
            buf_add_char(&b, '\\');
        buf_add_char(&b, text.data[i]);
    }
    return buf_take(&b);
}

/* The part of the manual about one kind of section. */
static struct span
part_of(const char *manual, struct span section)
{
    struct buf heading = BUF_INIT;
    const char *begin, *end;

    buf_addf(&heading, ".SS \"%.*s\"\n", (int)section.length, section.data);
    begin = strstr(manual, heading.data);
    cr_assert(begin != NULL, "no %s", heading.data);
    begin += heading.length;
    end = strstr(begin, "\n.S");
    buf_fini(&heading);
    return (struct span){begin, end != NULL ? (size_t)(end - begin) + 1
                                            : strlen(begin)};
}

/* section, key, form, default, sentence: as the manual must say them. */
static void
assert_documented(const char *manual, struct span row)
{
    struct span section = span_cut(row, '\t', &row);
    struct span key = span_cut(row, '\t', &row);
    struct span form = span_cut(row, '\t', &row);
    struct span preset = span_cut(row, '\t', &row);
    struct span part = part_of(manual, section);
    char *sentence = as_roff(row), *value = as_roff(preset);
    char *shape = as_roff(form);
    struct buf expected = BUF_INIT;
    char *text = strndup(part.data, part.length);

    buf_addf(&expected, ".TP\n.BR %.*s \" = %s\"\n%s\nDefault: %s.\n",
             (int)key.length, key.data, shape, sentence, value);
    cr_expect(strstr(text, expected.data) != NULL, "nsgate.conf.5 lacks:\n%s",
              expected.data);
    buf_fini(&expected);
    free(text);
    free(sentence);
    free(value);
    free(shape);
}

static char *
print_keys(void)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    config_print_keys(out);
    fclose(out);
    return text;
}

Test(keys, are_all_in_the_manual_in_the_words_of_the_table)
{
    char *manual =
        test_read_file(test_source_path("docs/man/nsgate.conf.5"), NULL);
    char *table = print_keys();
    struct span rest = span_of(table);
    size_t rows = 0, entries = 0;

    while (rest.length > 0) {
        assert_documented(manual, span_cut(rest, '\n', &rest));
        rows++;
    }
    cr_assert(rows > 30);
    for (const char *p = manual; (p = strstr(p, "\n.BR ")) != NULL; p++)
        entries += strstr(p, " \" = ") == p + 5 + strcspn(p + 5, " ");
    cr_assert(entries == rows, "the manual has %zu keys, the table %zu",
              entries, rows);
    free(manual);
    free(table);
}

/* Whoever takes the comment signs away gets something that parses: only what
 * is not on this machine may be missing. */
Test(keys, of_the_installed_example_parse)
{
    char *text =
        test_read_file(test_source_path("docs/examples/nsgate.conf"), NULL);
    struct buf all = BUF_INIT;
    struct span rest = span_of(text);
    struct config *c = NULL;
    struct error err = {0};

    while (rest.length > 0) {
        struct span line = span_cut(rest, '\n', &rest);

        if (span_starts_nocase(line, SPAN("#[")) ||
            (line.length > 1 && line.data[0] == '#' && line.data[1] != ' '))
            line = span_skip(line, 1);
        buf_add_span(&all, line);
        buf_add_char(&all, '\n');
    }
    cr_assert(config_load_text("example", buf_span(&all), &c, &err) < 0);
    cr_assert(strstr(err.text, ": state_dir: /var/lib/nsgate: ") != NULL ||
                  strstr(err.text, "there is no user 'nsgate") != NULL ||
                  strstr(err.text, ": keytab: /etc/nsgate") != NULL ||
                  strstr(err.text, "there is no group 'hwadmins'") != NULL,
              "%s", err.text);
    buf_fini(&all);
    free(text);
}
