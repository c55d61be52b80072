#include "policy/mof/codes.h"

#include <stddef.h>

#include "policy/mof/mof.h"

static const struct {
    uint32_t code;
    const char *symbol;
} code_rows[] = {
#define CODE_ROW(name, prefix, value) {value, prefix #name},
    MOF_CODES(CODE_ROW) MOF_STORE_CODES(CODE_ROW)
#undef CODE_ROW
};

const char *
mof_code_symbol(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_COUNT(code_rows); i++) {
        if (code_rows[i].code == code)
            return code_rows[i].symbol;
    }
    return NULL;
}
