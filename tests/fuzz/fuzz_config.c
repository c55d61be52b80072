#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every refusal names its place. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct config *c = NULL;
    struct error err = {0};

    if (size > 65536)
        return 0;
    if (config_load_text("fuzz.conf", text, &c, &err) == 0)
        config_free(c);
    else if (c != NULL || strncmp(err.text, "fuzz.conf:", 10) != 0)
        abort();
    return 0;
}
