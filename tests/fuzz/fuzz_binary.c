/*
 * Any bytes as binary MOF: as a file, or packed so that what is inside is
 * met.  Beside not crashing: what compiles and can be written again is read
 * back as what writes the same bytes, and its text compiles.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/mof/binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MOST 65536

static void
require(bool condition)
{
    if (!condition)
        abort();
}

static struct mof_compilation *
compile(struct span bytes)
{
    struct mof_options options = {.standalone = true};
    struct mof_compilation *c = mof_compilation_new(&options);

    require(c != NULL);
    mof_compile_buffer(c, "fuzz.bmf", bytes.data, bytes.length);
    mof_check(c);
    return c;
}

static void
packing_check(struct span data, struct span packed)
{
    struct binary_problem problem;
    uint32_t length;
    char *again;

    require(binary_unpack((const unsigned char *)packed.data, packed.length,
                          &again, &length, &problem));
    require(span_equal((struct span){again, length}, data));
    free(again);
}

static void
writing_check(struct span written)
{
    struct mof_compilation *c = compile(written);
    struct buf again = BUF_INIT;

    require(mof_error_count(c) == 0);
    require(mof_binary_write(c, &again) == 0);
    require(span_equal(buf_span(&again), written));
    mof_compilation_free(c);
    buf_fini(&again);
}

static void
printing_check(const struct mof_compilation *c)
{
    struct mof_compilation *again;
    struct buf text = BUF_INIT;

    mof_print_unit(&text, mof_unit(c));
    require(!buf_failed(&text));
    again = compile(text.data != NULL ? buf_span(&text) : SPAN(""));
    require(mof_error_count(again) == 0);
    mof_compilation_free(again);
    buf_fini(&text);
}

static void
file_check(struct span bytes)
{
    struct mof_compilation *c = compile(bytes);
    struct buf written = BUF_INIT, shown = BUF_INIT;
    struct mof_style style = {.columns = 80};

    mof_diagnostics_render(c, &style, &shown);
    if (mof_error_count(c) == 0 && mof_binary_write(c, &written) == 0)
        writing_check(buf_span(&written));
    if (mof_error_count(c) == 0)
        printing_check(c);
    mof_compilation_free(c);
    buf_fini(&written);
    buf_fini(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    struct buf packed = BUF_INIT;

    if (size < 4 || size > SIZE_MOST)
        return 0;
    if (mof_is_binary(data, size) && size > 8 && data[4] == 1) {
        file_check(bytes);
        return 0;
    }
    require(binary_pack(&packed, bytes));
    packing_check(bytes, buf_span(&packed));
    file_check(buf_span(&packed));
    buf_fini(&packed);
    return 0;
}
