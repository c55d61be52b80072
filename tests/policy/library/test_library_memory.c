/*
 * Out of memory at each allocation in turn: what was not done is said, what
 * was is whole, nothing leaks.  The linker's --wrap puts this between the
 * library and malloc; SQLite's own memory has its own tests.
 */
#include "tests/support/shortage.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/mof/mof.h"
#include "tests/policy/library/scene.h"

SUITE(library_memory);

static char dir[256];
static uint64_t generation; /* in place */

/* The policy is the last one that was said to be in place. */
static void
expect_policy(size_t n)
{
    struct nspolicy_policy *p;
    struct nspolicy_error error;

    if (nspolicy_policy_open(dir, &p, &error) < 0) {
        cr_expect(generation == 0, "at %zu: %s", n, error.text);
        return;
    }
    cr_expect(nspolicy_policy_generation(p) == generation,
              "at %zu: %d, not %d", n, (int)nspolicy_policy_generation(p),
              (int)generation);
    cr_expect(nspolicy_policy_requires_encryption(p, "root\\MyNamespace") ==
              1);
    nspolicy_policy_unref(p);
}

/* False once nothing failed any more. */
static bool
compile_failing_at(size_t n)
{
    static const char text[] = CLASS_TEXT THREE_LINES("TRUE");
    struct nspolicy_compiler *c;
    struct nspolicy_error error;
    WBEM_COMPILE_STATUS_INFO info = {0};
    int32_t r = WBEM_S_FALSE;
    bool ran_out;

    shortage_begin(n);
    if (nspolicy_compiler_new(dir, &c, &error) == 0 &&
        nspolicy_compiler_add_include(c, dir) == 0)
        r = nspolicy_compile_buffer(c, sizeof(text) - 1, text, NULL, NULL,
                                    NULL, NULL, 0, 0, 0, &info);
    ran_out = shortage_end();
    if (c == NULL) {
        cr_expect(error.code == (int32_t)0x80041006);
        return ran_out;
    }
    if (r == WBEM_S_NO_ERROR)
        generation = nspolicy_compiler_generation(c);
    else
        cr_expect(nspolicy_compiler_outcome(c) == NSPOLICY_NOTHING,
                  "at %zu: %s", n, nspolicy_compiler_error(c)->text);
    cr_expect(r == WBEM_S_NO_ERROR || info.hRes == 0 ||
                  info.hRes == (int32_t)0x80041006 ||
                  info.hRes == (int32_t)0x80041001,
              "at %zu: 0x%08X %s", n, (unsigned)info.hRes,
              nspolicy_compiler_error(c)->text);
    nspolicy_compiler_free(c);
    expect_policy(n);
    return ran_out;
}

Test(library_memory, a_compile_without_it_changes_nothing_and_says_so)
{
    size_t n = 0;

    snprintf(dir, sizeof(dir), "%s", test_directory());
    /* What stays for the process is loaded first. */
    cr_assert(mof_system_class(SPAN("__Namespace")) != NULL);
    while (compile_failing_at(n))
        n++;
    cr_expect(n > 30, "%zu", n);
    cr_expect(generation > 0);
}

Test(library_memory, a_policy_without_it_is_none_or_the_old_one)
{
    struct nspolicy_policy *p;
    struct nspolicy_error error;
    bool ran_out = true;

    snprintf(dir, sizeof(dir), "%s", test_directory());
    cr_assert(!compile_failing_at(SIZE_MAX / 2));
    for (size_t n = 0; ran_out; n++) {
        int r;

        shortage_begin(n);
        r = nspolicy_policy_open(dir, &p, &error);
        ran_out = shortage_end();
        cr_expect((r < 0) == ran_out && (p == NULL) == ran_out);
        cr_expect(r == 0 || error.code == (int32_t)0x80041006, "%s",
                  error.text);
    }
    cr_assert(!compile_failing_at(SIZE_MAX / 2));
    shortage_begin(0);
    cr_expect(nspolicy_policy_reload(&p, &error) == -1);
    shortage_end();
    cr_expect(nspolicy_policy_generation(p) == generation - 1);
    shortage_begin(1);
    cr_expect(nspolicy_policy_reload(&p, &error) == -1);
    shortage_end();
    cr_expect(nspolicy_policy_generation(p) == generation - 1);
    cr_expect(nspolicy_policy_reload(&p, &error) == 1);
    cr_expect(nspolicy_policy_generation(p) == generation);
    nspolicy_policy_unref(p);
}
