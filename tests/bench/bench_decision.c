/*
 * What one decision costs with 1, 1,000 and 1,000,000 namespaces: `hot` asks
 * for the same namespace again and again, `random` for another one each time
 * (the caches miss), both allowed at PktPrivacy.
 */
#include "policy/decision/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000000u
#define ASKED  262144u

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

    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct asked *a = &asked[i * step % ASKED];

        path.length = a->length;
        memcpy(path.text, a->text, sizeof(a->text));
        allowed += decide(&input).verdict == VERDICT_ALLOW;
    }
    if (allowed != ROUNDS)
        abort();
    return (now_ns() - start) / ROUNDS;
}

static int
bench(const char *dir, size_t count, struct asked *asked, struct error *err)
{
    uint64_t state = 88172645463325252u;
    struct policy_image *image = NULL;
    struct namespace_path path;
    double started = now_ns(), built, opened;

    if (build(dir, count, &image, err) < 0)
        return -1;
    built = now_ns();
    policy_image_unref(image);
    if (policy_image_open(dir, &image, err) < 0)
        return -1;
    opened = now_ns();
    for (unsigned i = 0; i < ASKED; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        path = path_number(state % count);
        asked[i].length = path.length;
        memcpy(asked[i].text, path.text, sizeof(asked[i].text));
    }
    printf("namespaces %8zu  hot %6.1f ns  random %6.1f ns  "
           "(build %.0f ms, open and verify %.1f ms)\n",
           count, measure(image, asked, 0), measure(image, asked, 1),
           (built - started) / 1e6, (opened - built) / 1e6);
    policy_image_unref(image);
    return 0;
}

int
main(void)
{
    static const size_t counts[] = {1, 1000, 1000000};
    char dir[] = "/tmp/nsgate-bench.XXXXXX", path[64];
    struct asked *asked = calloc(ASKED, sizeof(*asked));
    struct error err = {0};
    int failed = asked == NULL || mkdtemp(dir) == NULL;

    for (size_t i = 0; !failed && i < ARRAY_COUNT(counts); i++)
        failed = bench(dir, counts[i], asked, &err) < 0;
    if (failed)
        fprintf(stderr, "bench_decision: %s\n", err.text);
    snprintf(path, sizeof(path), "%s/%s", dir, POLICY_IMAGE_FILE);
    unlink(path);
    rmdir(dir);
    free(asked);
    return failed;
}
