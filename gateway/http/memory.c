#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/http/endpoint.h"

/* In Linux from 5.14 on; where it is not known, nothing is given back. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#if defined(__clang__) || defined(__GNUC__)
#define ANY_MEMORY __attribute__((no_sanitize("address")))
#else
#define ANY_MEMORY
#endif

ANY_MEMORY static bool
page_is_zero(const uint64_t *page, size_t page_size)
{
    for (size_t i = 0; i < page_size / sizeof(*page); i++) {
        if (page[i] != 0)
            return false;
    }
    return true;
}

/* MADV_FREE fails where the memory is a file's or shared. */
static void
pages_release(char *start, size_t size)
{
    if (size > 0 && madvise(start, size, MADV_FREE) == 0)
        madvise(start, size, MADV_DONTNEED);
}

void
memory_release_zeros(const void *start, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)start + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)start + size) / page * page;
    char *run = (char *)from;

    if (to <= from || madvise((void *)from, to - from, MADV_POPULATE_READ) < 0)
        return;
    for (char *p = run; p < (char *)to; p += page) {
        if (page_is_zero((const uint64_t *)p, page))
            continue;
        pages_release(run, (size_t)(p - run));
        run = p + page;
    }
    pages_release(run, (size_t)((char *)to - run));
}
