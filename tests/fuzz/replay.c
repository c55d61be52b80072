/* Gives each file named on the command line to a fuzz target, once. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    long size;
    size_t got;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 ||
        fseek(f, 0, SEEK_SET) != 0)
    {
        perror(path);
        if (f != NULL)
            fclose(f);
        return -1;
    }
    data = malloc((size_t)size + (size == 0));
    got = data != NULL ? fread(data, 1, (size_t)size, f) : 0;
    fclose(f);
    if (data == NULL || got != (size_t)size) {
        free(data);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

int
main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]) < 0;
    return failed;
}
