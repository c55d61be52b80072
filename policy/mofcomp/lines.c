#include <stdlib.h>
#include <string.h>

#include "policy/mofcomp/plan.h"

/* Longer texts are told by their numbers of lines: the table below grows with
 * the product. */
#define LINES_MAX 1000

struct lines {
    size_t count;
    struct span items[LINES_MAX];
};

/* False: too many. */
static bool
lines_split(struct lines *l, const char *text)
{
    struct span rest = span_of(text);

    l->count = 0;
    while (rest.length > 0) {
        if (l->count == LINES_MAX)
            return false;
        l->items[l->count++] = span_cut(rest, '\n', &rest);
    }
    return true;
}

static size_t
lines_number(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void
add(struct buf *out, const char *prefix, char mark, struct span line)
{
    buf_addf(out, "%s%c ", prefix, mark);
    visible_text(out, line);
    buf_add_char(out, '\n');
}

/* common[i * (b->count + 1) + j]: length of the longest common subsequence of
 * the lines from i and j on. */
static void
common_fill(const struct lines *a, const struct lines *b, uint16_t *common)
{
    size_t row = b->count + 1;

    for (size_t i = a->count; i-- > 0;) {
        for (size_t j = b->count; j-- > 0;) {
            uint16_t down = common[(i + 1) * row + j],
                     right = common[i * row + j + 1];

            if (span_equal(a->items[i], b->items[j]))
                common[i * row + j] =
                    (uint16_t)(common[(i + 1) * row + j + 1] + 1);
            else
                common[i * row + j] = down > right ? down : right;
        }
    }
}

static void
walk(struct buf *out, const char *prefix, const struct lines *a,
     const struct lines *b, const uint16_t *common)
{
    size_t row = b->count + 1, i = 0, j = 0;

    while (i < a->count || j < b->count) {
        if (i < a->count && j < b->count &&
            span_equal(a->items[i], b->items[j])) {
            i++;
            j++;
        } else if (j == b->count ||
                   (i < a->count &&
                    common[(i + 1) * row + j] >= common[i * row + j + 1]))
        {
            add(out, prefix, '-', a->items[i++]);
        } else {
            add(out, prefix, '+', b->items[j++]);
        }
    }
}

void
lines_compare(struct buf *out, const char *prefix, const char *before,
              const char *after)
{
    struct lines *both = malloc(2 * sizeof(*both));
    uint16_t *common = NULL;

    if (both == NULL) {
        out->failed = true;
    } else if (!lines_split(&both[0], before) || !lines_split(&both[1], after))
    {
        buf_addf(out, "%s%zu lines before, %zu after\n", prefix,
                 lines_number(before), lines_number(after));
    } else {
        common =
            calloc((both[0].count + 1) * (both[1].count + 1), sizeof(*common));
        if (common == NULL) {
            out->failed = true;
        } else {
            common_fill(&both[0], &both[1], common);
            walk(out, prefix, &both[0], &both[1], common);
        }
    }
    free(common);
    free(both);
}
