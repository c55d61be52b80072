#include "tests/gateway/rest/build.h"

#include <stdlib.h>
#include <string.h>

struct cim_value
value_null(enum cim_type type)
{
    return (struct cim_value){.type = type, .is_null = true};
}

struct cim_value
value_boolean(bool b)
{
    return (struct cim_value){.type = CIM_BOOLEAN, .one.boolean = b};
}

struct cim_value
value_char16(uint16_t unit)
{
    return (struct cim_value){.type = CIM_CHAR16, .one.char16 = unit};
}

struct cim_value
value_text(enum cim_type type, const char *text)
{
    return (struct cim_value){.type = type, .one.text = span_of(text)};
}

struct cim_value
value_sint(enum cim_type type, int64_t n)
{
    return (struct cim_value){.type = type, .one.sint = n};
}

struct cim_value
value_uint(enum cim_type type, uint64_t n)
{
    return (struct cim_value){.type = type, .one.uint = n};
}

struct cim_value
value_real(enum cim_type type, double real)
{
    return (struct cim_value){.type = type, .one.real = real};
}

struct cim_value
value_object(struct cim_instance *object)
{
    return (struct cim_value){.type = CIM_OBJECT, .one.object = object};
}

struct cim_property
property(const char *name, struct cim_value value)
{
    return (struct cim_property){.name = span_of(name),
                                 .type = value.type,
                                 .is_array = value.is_array,
                                 .has_value = true,
                                 .value = value};
}

char *
node_take_text(cJSON *node)
{
    struct buf out = BUF_INIT;

    cr_assert_not_null(node);
    cr_assert(node_print(node, &out));
    cJSON_Delete(node);
    return buf_take(&out);
}

static unsigned allocations_left;

static void *
scarce_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

unsigned
fail_allocations(cJSON *(*make)(void *arg), void *arg)
{
    cJSON_Hooks scarce = {scarce_malloc, free};
    cJSON *node = NULL;
    unsigned failures;

    for (failures = 0; node == NULL; failures++) {
        cr_assert_lt(failures, 100000);
        allocations_left = failures;
        cJSON_InitHooks(&scarce);
        node = make(arg);
        cJSON_InitHooks(NULL);
    }
    cJSON_Delete(node);
    return failures - 1;
}
