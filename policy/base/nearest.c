#include "policy/base/nearest.h"

#include <stddef.h>

#define DISTANCE_NAME_MAX 600

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* One row of the table from the two before it; its smallest entry. */
static unsigned
row_fill(struct span a, struct span b, size_t i, unsigned *const rows[3])
{
    unsigned *row = rows[0], *last = rows[1], *before = rows[2];
    unsigned smallest;

    row[0] = smallest = (unsigned)i;
    for (size_t j = 1; j <= b.length; j++) {
        char x = ascii_lower(a.data[i - 1]), y = ascii_lower(b.data[j - 1]);

        row[j] =
            least(last[j - 1] + (x != y), least(last[j] + 1, row[j - 1] + 1));
        if (i > 1 && j > 1 && x == ascii_lower(b.data[j - 2]) &&
            y == ascii_lower(a.data[i - 2]))
            row[j] = least(row[j], before[j - 2] + 1);
        smallest = least(smallest, row[j]);
    }
    return smallest;
}

unsigned
nearest_distance(struct span a, struct span b, unsigned max)
{
    unsigned table[3][DISTANCE_NAME_MAX + 1];
    size_t longer = a.length > b.length ? a.length : b.length;
    size_t shorter = a.length + b.length - longer;

    if (longer - shorter > max || longer > DISTANCE_NAME_MAX)
        return max + 1;
    for (size_t j = 0; j <= b.length; j++)
        table[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; i++) {
        unsigned *rows[3] = {table[i % 3], table[(i + 2) % 3],
                             table[(i + 1) % 3]};

        if (row_fill(a, b, i, rows) > max)
            return max + 1;
    }
    return least(table[a.length % 3][b.length], max + 1);
}

static unsigned
slips_forgiven(size_t length)
{
    return length <= 2 ? 0 : length <= 4 ? 1 : length <= 9 ? 2 : 3;
}

void
nearest_init(struct nearest *n, struct span wanted)
{
    n->wanted = wanted;
    n->best = (struct span){NULL, 0};
    n->distance = slips_forgiven(wanted.length) + 1;
}

void
nearest_offer(struct nearest *n, struct span candidate)
{
    size_t shorter = n->wanted.length < candidate.length ? n->wanted.length
                                                         : candidate.length;
    unsigned most = slips_forgiven(shorter), d;

    if (most >= n->distance)
        most = n->distance - 1;
    if (most == 0) /* nothing is nearer and yet another name */
        return;
    d = nearest_distance(n->wanted, candidate, most);
    if (d == 0 || d > most)
        return;
    n->best = candidate;
    n->distance = d;
}
