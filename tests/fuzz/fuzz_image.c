/* A policy image from anywhere: verified or refused, never read outside. */
#include "policy/decision/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lookups in an image that passed: whatever is asked for. */
static void
look_up(const void *file, size_t size, const uint8_t *data)
{
    struct policy_entry entry;

    image_find(file, size, SPAN("root"), &entry);
    image_find(file, size, SPAN("root\\mynamespace"), &entry);
    image_find(file, size, (struct span){NULL, 0}, &entry);
    image_find(file, size, (struct span){(const char *)data, size}, &entry);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    /* Of exactly that size, so that a sanitizer sees each byte beyond. */
    char *file = malloc(size + (size == 0));

    if (file == NULL)
        return 0;
    memcpy(file, data, size);
    if (image_verify(file, size, &err) == 0)
        look_up(file, size, data);
    /* No mutation guesses a checksum; with a right one the structure has to
     * stand by itself. */
    if (size >= sizeof(struct image_header)) {
        ((struct image_header *)file)->checksum = image_checksum(file, size);
        ((struct image_header *)file)->file_size = size;
        ((struct image_header *)file)->checksum = image_checksum(file, size);
        if (image_verify(file, size, &err) == 0)
            look_up(file, size, data);
    }
    free(file);
    return 0;
}
