#include "gateway/rest/object.h"

#include <stdlib.h>
#include <string.h>

#include "tests/gateway/rest/build.h"

SUITE(object);

/*
 * class Base { [Key] string Id; uint64 Size = 5; string Note; };
 * class Part : Base { string Note; sint16 List[2];
 *                     uint32 Reset([In] boolean Hard = TRUE); };
 */
static struct cim_qualifier key_qualifier = {
    .name = SPAN("Key"),
    .value = {.type = CIM_BOOLEAN, .one.boolean = true},
    .flavors = CIM_FLAVOR_TO_SUBCLASS | CIM_FLAVOR_DISABLE_OVERRIDE};
static struct cim_qualifier in_qualifier = {
    .name = SPAN("In"), .value = {.type = CIM_BOOLEAN, .one.boolean = true}};
static union cim_scalar values_items[] = {{.text = SPAN("a")},
                                          {.text = SPAN("b")}};
static struct cim_qualifier values_qualifier = {
    .name = SPAN("Values"),
    .value = {.type = CIM_STRING,
              .is_array = true,
              .count = 2,
              .items = values_items}};

static struct cim_property base_properties[] = {
    {.name = SPAN("Id"),
     .type = CIM_STRING,
     .qualifiers = {1, &key_qualifier}},
    {.name = SPAN("Size"),
     .type = CIM_UINT64,
     .has_value = true,
     .value = {.type = CIM_UINT64, .one.uint = 5}},
};
static struct cim_class base = {
    .name = SPAN("Base"), .property_count = 2, .properties = base_properties};

static struct cim_property part_properties[] = {
    {.name = SPAN("Note"),
     .type = CIM_STRING,
     .qualifiers = {1, &values_qualifier}},
    {.name = SPAN("List"),
     .type = CIM_SINT16,
     .is_array = true,
     .array_size = 2},
    {.name = SPAN("Of"), .type = CIM_REFERENCE, .class_name = SPAN("Base")},
};
static struct cim_property reset_parameters[] = {
    {.name = SPAN("Hard"),
     .type = CIM_BOOLEAN,
     .has_value = true,
     .value = {.type = CIM_BOOLEAN, .one.boolean = true},
     .qualifiers = {1, &in_qualifier}},
};
static struct cim_method part_methods[] = {
    {.name = SPAN("Reset"),
     .return_type = CIM_UINT32,
     .parameter_count = 1,
     .parameters = reset_parameters},
};
static struct cim_class part = {.name = SPAN("Part"),
                                .superclass = SPAN("Base"),
                                .property_count = 3,
                                .properties = part_properties,
                                .method_count = 1,
                                .methods = part_methods};

static struct repository_property full_properties[] = {
    {&base_properties[0], &base, NULL, true},
    {&base_properties[1], &base, &base_properties[1].value, false},
    {&part_properties[0], &part, NULL, false},
    {&part_properties[1], &part, NULL, false},
    {&part_properties[2], &part, NULL, false},
};
static struct repository_method full_methods[] = {{&part_methods[0], &part}};
static size_t by_name[] = {0, 3, 2, 4, 1};
static const struct repository_class_full full = {.class = &part,
                                                  .depth = 2,
                                                  .property_count = 5,
                                                  .properties =
                                                      full_properties,
                                                  .method_count = 1,
                                                  .methods = full_methods,
                                                  .key_count = 1,
                                                  .only_key = SPAN("Id"),
                                                  .by_name = by_name};

static struct namespace_path
test_namespace(void)
{
    struct namespace_path ns;

    cr_assert(namespace_path_from_url(&ns, SPAN("root/a")));
    return ns;
}

Test(object, a_class_shows_all_features_and_where_they_come_from)
{
    struct namespace_path ns = test_namespace();

    assert_node(
        class_node(&ns, &full),
        "{\"kind\":\"class\",\"self\":\"/cim/root/a:Part\",\"name\":\"Part\","
        "\"superclass\":\"Base\",\"qualifiers\":[],\"properties\":["
        "{\"name\":\"Id\",\"type\":\"string\",\"origin\":\"Base\","
        "\"key\":true,\"qualifiers\":[{\"name\":\"Key\",\"type\":\"boolean\","
        "\"value\":true,\"flavors\":[\"DisableOverride\",\"ToSubclass\"]}]},"
        "{\"name\":\"Size\",\"type\":\"uint64\",\"origin\":\"Base\","
        "\"default\":5,\"qualifiers\":[]},"
        "{\"name\":\"Note\",\"type\":\"string\",\"origin\":\"Part\","
        "\"qualifiers\":[{\"name\":\"Values\",\"type\":\"string\","
        "\"array\":true,\"value\":[\"a\",\"b\"]}]},"
        "{\"name\":\"List\",\"type\":\"sint16\",\"array\":true,"
        "\"arraySize\":2,\"origin\":\"Part\",\"qualifiers\":[]},"
        "{\"name\":\"Of\",\"type\":\"ref\",\"class\":\"Base\","
        "\"origin\":\"Part\",\"qualifiers\":[]}],"
        "\"methods\":[{\"name\":\"Reset\",\"type\":\"uint32\","
        "\"origin\":\"Part\",\"parameters\":[{\"name\":\"Hard\","
        "\"type\":\"boolean\",\"default\":true,\"qualifiers\":["
        "{\"name\":\"In\",\"type\":\"boolean\",\"value\":true}]}],"
        "\"qualifiers\":[]}]}");
}

static struct cim_property given_properties[] = {
    {.name = SPAN("note"),
     .type = CIM_STRING,
     .has_value = true,
     .value = {.type = CIM_STRING, .one.text = SPAN("n")}},
    {.name = SPAN("Id"),
     .type = CIM_STRING,
     .has_value = true,
     .value = {.type = CIM_STRING, .one.text = SPAN("x")}},
};
static const struct cim_instance given = {.class_name = SPAN("part"),
                                          .property_count = 2,
                                          .properties = given_properties};

Test(object, an_instance_shows_values_then_defaults_then_null)
{
    struct namespace_path ns = test_namespace();

    assert_node(
        instance_node(&ns, &full, SPAN("id=\"x\""), &given),
        "{\"kind\":\"instance\",\"self\":\"/cim/root/a:Part.id=%22x%22\","
        "\"class\":\"Part\",\"properties\":{\"Id\":\"x\",\"Size\":5,"
        "\"Note\":\"n\",\"List\":null,\"Of\":null}}");
}

Test(object, a_null_that_was_given_beats_the_default)
{
    struct namespace_path ns = test_namespace();
    struct cim_property null = property("SIZE", value_null(CIM_UINT64));
    struct cim_instance instance = {
        .class_name = SPAN("Part"), .property_count = 1, .properties = &null};
    char *text =
        node_take_text(instance_node(&ns, &full, SPAN("id=\"x\""), &instance));

    cr_assert_not_null(strstr(text, "\"Size\":null"));
    free(text);
}

Test(object, an_instance_no_url_can_name_has_no_self)
{
    struct namespace_path ns = test_namespace();
    char *text =
        node_take_text(instance_node(&ns, &full, SPAN("id=\"a\nb\""), &given));

    cr_assert_null(strstr(text, "\"self\""));
    free(text);
}

static cJSON *
make_class(void *arg)
{
    return class_node(arg, &full);
}

static cJSON *
make_instance(void *arg)
{
    return instance_node(arg, &full, SPAN("id=\"x\""), &given);
}

Test(object, running_out_of_memory_is_said_and_leaks_nothing)
{
    struct namespace_path ns = test_namespace();

    cr_assert_geq(fail_allocations(make_class, &ns), 50);
    cr_assert_geq(fail_allocations(make_instance, &ns), 15);
}
