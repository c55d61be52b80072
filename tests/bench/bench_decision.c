/*
 * What one decision costs with 1, 1,000 and 1,000,000 namespaces: `hot` asks
 * for the same namespace again and again, `random` for another one each time
 * (the caches miss), both allowed at PktPrivacy.
 *
 *     bench_decision [ROUNDS]
 *
 * Rounds take turns between the three; medians are shown, and their ratios
 * to one namespace.
 */
#include "policy/decision/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DECISIONS  2000000u /* a round */
#define ASKED      262144u
#define ROUNDS_MAX 51

/* A path as small as it is, so that reading the question does not cost the
 * cache more than the answer; a request has just parsed it anyway. */
struct asked {
    uint16_t length;
    char text[62];
};

static double
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct namespace_path
path_number(uint64_t i)
{
    struct namespace_path path;
    char text[64];

    snprintf(text, sizeof(text), "root\\site%llu\\rack%llu",
             (unsigned long long)(i / 1000), (unsigned long long)(i % 1000));
    namespace_path_parse(&path, span_of(text), NULL);
    return path;
}

static int
build(const char *dir, size_t count, struct policy_image **image_out,
      struct error *err)
{
    struct policy_image_builder *b = policy_image_builder_new();
    int r = 0;

    for (size_t i = 0; b != NULL && r == 0 && i < count; i++) {
        struct namespace_path path = path_number(i);
        struct policy_entry entry = {.required_level =
                                         i % 2 ? AUTHN_LEVEL_CONNECT
                                               : AUTHN_LEVEL_PKT_PRIVACY};

        r = policy_image_builder_add(b, &path, &entry, err);
    }
    if (r == 0)
        r = policy_image_builder_write(b, dir, 1, err);
    policy_image_builder_free(b);
    if (r == 0)
        r = policy_image_activate(dir, err);
    return r == 0 ? policy_image_open(dir, image_out, err) : r;
}

/* Nanoseconds a decision; step 0 asks for one namespace only. */
static double
measure(const struct policy_image *image, const struct asked *asked,
        unsigned step)
{
    struct namespace_path path = {0};
    struct decision_input input = {
        .image = image,
        .namespace = &path,
        .operation = OPERATION_READ,
        .authenticated = true,
        .principal = SPAN("ops@EXAMPLE.COM"),
        .realm_allowed = true,
        .declared = AUTHN_LEVEL_PKT_PRIVACY,
        .applied = AUTHN_LEVEL_PKT_PRIVACY,
    };
    unsigned allowed = 0;
    double start = now_ns();

    for (unsigned i = 0; i < DECISIONS; i++) {
        const struct asked *a = &asked[i * step % ASKED];

        path.length = a->length;
        memcpy(path.text, a->text, sizeof(a->text));
        allowed += decide(&input).verdict == VERDICT_ALLOW;
    }
    if (allowed != DECISIONS)
        abort();
    return (now_ns() - start) / DECISIONS;
}

/* -- the table -------------------------------------------------------------- */

static const size_t counts[] = {1, 1000, 1000000};

#define COUNTS ARRAY_COUNT(counts)

struct column {
    struct policy_image *image;
    struct asked *asked;
    double build_ms, open_ms;
    double hot[ROUNDS_MAX], random[ROUNDS_MAX]; /* ns */
};

static int
column_open(struct column *c, const char *dir, size_t count, struct error *err)
{
    uint64_t state = 88172645463325252u;
    double started = now_ns(), built;

    c->asked = calloc(ASKED, sizeof(*c->asked));
    if (c->asked == NULL)
        return error_set(err, "out of memory");
    if (build(dir, count, &c->image, err) < 0)
        return -1;
    built = now_ns();
    policy_image_unref(c->image);
    c->image = NULL;
    if (policy_image_open(dir, &c->image, err) < 0)
        return -1;
    c->open_ms = (now_ns() - built) / 1e6;
    c->build_ms = (built - started) / 1e6;
    for (unsigned i = 0; i < ASKED; i++) {
        struct namespace_path path;

        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        path = path_number(state % count);
        c->asked[i].length = path.length;
        memcpy(c->asked[i].text, path.text, sizeof(c->asked[i].text));
    }
    return 0;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static void
print(struct column *columns, size_t rounds)
{
    double hot = 0, random = 0;

    for (size_t i = 0; i < COUNTS; i++) {
        struct column *c = &columns[i];
        double h = median(c->hot, rounds), r = median(c->random, rounds);

        hot = i == 0 ? h : hot;
        random = i == 0 ? r : random;
        printf("namespaces %8zu  hot %6.1f ns, ratio %4.2f  random %6.1f ns,"
               " ratio %4.2f  (build %.0f ms, open and verify %.1f ms)\n",
               counts[i], h, h / hot, r, r / random, c->build_ms, c->open_ms);
    }
}

/* An image stays mapped when the next one takes its file's place. */
int
main(int argc, char **argv)
{
    static struct column columns[COUNTS];
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
    char dir[] = "/tmp/nsgate-bench.XXXXXX", path[64];
    struct error err = {0};
    int failed = rounds == 0 || rounds > ROUNDS_MAX || mkdtemp(dir) == NULL;

    if (failed) {
        fprintf(stderr, "bench_decision [ROUNDS]\n");
        return 2;
    }
    for (size_t i = 0; !failed && i < COUNTS; i++)
        failed = column_open(&columns[i], dir, counts[i], &err) < 0;
    for (size_t n = 0; !failed && n < rounds * COUNTS; n++) {
        struct column *c = &columns[n % COUNTS];

        c->hot[n / COUNTS] = measure(c->image, c->asked, 0);
        c->random[n / COUNTS] = measure(c->image, c->asked, 1);
    }
    if (failed)
        fprintf(stderr, "bench_decision: %s\n", err.text);
    else
        print(columns, rounds);
    for (size_t i = 0; i < COUNTS; i++) {
        policy_image_unref(columns[i].image);
        free(columns[i].asked);
    }
    snprintf(path, sizeof(path), "%s/%s", dir, POLICY_IMAGE_FILE);
    unlink(path);
    rmdir(dir);
    return failed;
}
