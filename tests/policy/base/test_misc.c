/* arena, clock, error, siphash and the CIM model: a few rows each. */
#include "tests/support/support.h"

#include <errno.h>
#include <string.h>

SUITE(base);

Test(base, arena_gives_zeroed_aligned_memory_and_refuses_overflow)
{
    struct arena *a = arena_new();

    for (size_t i = 1; i < 5000; i += 7) {
        char *p = arena_alloc(a, i);

        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % _Alignof(max_align_t), 0);
        cr_assert_eq(p[0] | p[i - 1], 0);
        memset(p, 0xff, i);
    }
    cr_assert_not_null(arena_alloc(a, 10 * 1024 * 1024));
    cr_assert_null(arena_array(a, SIZE_MAX / 2, 3));
    assert_span(arena_span(a, SPAN("text")), "text");
    cr_assert_gt(arena_used(a), 10 * 1024 * 1024);
    arena_free(a);
}

Test(base, arena_goes_back_to_a_mark_and_frees_what_was_behind_it)
{
    struct arena *a = arena_new();
    struct arena_mark empty = arena_mark(a), mark;
    char *kept = arena_copy(a, SPAN("kept"));
    size_t used;

    mark = arena_mark(a);
    used = arena_used(a);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3000; i++)
            cr_assert_not_null(memset(arena_alloc(a, 100), 0xff, 100));
        cr_assert_not_null(arena_alloc(a, 1000000));
        arena_release(a, mark);
        cr_assert_eq(arena_used(a), used);
        cr_assert_str_eq(kept, "kept");
    }
    cr_assert_eq(((char *)arena_alloc(a, 100))[99], 0);
    arena_release(a, empty);
    cr_assert_eq(arena_used(a), 0);
    assert_span(arena_span(a, SPAN("again")), "again");
    arena_free(a);
}

Test(base, clock_writes_and_reads_dates)
{
    char out[CLOCK_TEXT_MAX];

    clock_format(INT64_C(1767323045678000), out);
    cr_assert_str_eq(out, "2026-01-02T03:04:05.678Z");
    cr_assert_eq(clock_parse_date("1970-01-02"), INT64_C(86400000000));
    cr_assert_eq(clock_parse_date("2026-02-30"), -1);
    cr_assert_eq(clock_parse_date("2026-2-3"), -1);
    cr_assert_eq(clock_parse_date("2026-02-03x"), -1);
    cr_assert_eq(clock_parse_date(""), -1);
}

Test(base, error_gains_a_prefix_as_it_climbs)
{
    struct error err;

    cr_assert_eq(error_set_errno(&err, ENOENT, "%s", "/x"), -1);
    cr_assert_eq(err.code, -ENOENT);
    cr_assert_eq(error_prefix(&err, "keytab"), -1);
    cr_assert_str_eq(err.text, "keytab: /x: No such file or directory");
    cr_assert_eq(error_set(NULL, "nobody listens"), -1);
}

Test(base, siphash_gives_the_published_vectors)
{
    /* Aumasson and Bernstein, appendix A: key 00..0f, message 00..0e */
    const struct siphash_key key = {UINT64_C(0x0706050403020100),
                                    UINT64_C(0x0f0e0d0c0b0a0908)};
    unsigned char message[15];

    for (unsigned char i = 0; i < 15; i++)
        message[i] = i;
    cr_assert_eq(siphash(&key, message, 15), UINT64_C(0xa129ca6149be45e5));
    cr_assert_eq(siphash_nocase(&key, "ROOT\\X", 6),
                 siphash(&key, "root\\x", 6));
    cr_assert_eq(siphash_nocase(&key, "ROOT\\Site1\\RackXYZ[", 18),
                 siphash(&key, "root\\site1\\rackxyz[", 18));
}

Test(base, secrets_compare_whole)
{
    cr_assert(span_equal_secret(SPAN("abc"), SPAN("abc")));
    cr_assert(!span_equal_secret(SPAN("abc"), SPAN("abd")));
    cr_assert(!span_equal_secret(SPAN("xbc"), SPAN("abc")));
    cr_assert(!span_equal_secret(SPAN("ab"), SPAN("abc")));
}

Test(base, cim_types_have_one_name_each)
{
    for (enum cim_type t = CIM_BOOLEAN; t <= CIM_REAL64; t++)
        cr_assert_eq(cim_type_from_name(span_of(cim_type_name(t))), t, "%s",
                     cim_type_name(t));
    cr_assert_eq(cim_type_from_name(SPAN("UInt64")), CIM_UINT64);
    cr_assert_eq(cim_type_from_name(SPAN("uint65")), CIM_NONE);
}

Test(base, cim_qualifiers_are_true_only_when_they_say_so)
{
    struct cim_qualifier items[] = {
        {.name = SPAN("Key"),
         .value = {.type = CIM_BOOLEAN, .one.boolean = true}},
        {.name = SPAN("Abstract"), .value = {.type = CIM_BOOLEAN}},
    };
    struct cim_qualifiers set = {ARRAY_COUNT(items), items};

    cr_assert(cim_qualifiers_true(&set, SPAN("KEY")));
    cr_assert(!cim_qualifiers_true(&set, SPAN("abstract")));
    cr_assert(!cim_qualifiers_true(&set, SPAN("singleton")));
}
