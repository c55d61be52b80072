#include "gateway/server/policy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/support.h"

SUITE(policy);

static const char *dir;
static char image_path[300];
static struct policy_holder holder;
static struct error err;

static void
setup(void)
{
    dir = test_directory();
    snprintf(image_path, sizeof(image_path), "%s/%s", dir, POLICY_IMAGE_FILE);
    policy_holder_init(&holder, dir);
}

static void
put_image(uint64_t generation, enum authn_level level)
{
    struct policy_image_builder *b = policy_image_builder_new();
    const struct policy_entry entry = {.required_level = level};
    struct namespace_path path;

    namespace_path_parse(&path, SPAN("root\\a"), NULL);
    cr_assert(policy_image_builder_add(b, &path, &entry, &err) == 0);
    cr_assert(policy_image_builder_write(b, dir, generation, &err) == 0, "%s",
              err.text);
    policy_image_builder_free(b);
    cr_assert(policy_image_activate(dir, &err) == 0, "%s", err.text);
}

Test(policy, holds_nothing_before_it_is_loaded, .init = setup)
{
    cr_assert(holder.image == NULL);
    cr_assert(policy_holder_generation(&holder) == 0);
    cr_assert(policy_holder_changed(&holder));
    policy_holder_fini(&holder);
}

Test(policy, holds_the_generation_that_was_loaded, .init = setup)
{
    put_image(3, AUTHN_LEVEL_CONNECT);
    cr_assert(policy_holder_load(&holder, &err) == 0, "%s", err.text);
    cr_assert(policy_holder_generation(&holder) == 3);
    cr_assert(!policy_holder_changed(&holder));
    policy_holder_fini(&holder);
    cr_assert(policy_holder_generation(&holder) == 0);
}

Test(policy, sees_that_another_image_took_the_place, .init = setup)
{
    put_image(3, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    put_image(4, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert(policy_holder_changed(&holder));
    cr_assert(policy_holder_generation(&holder) == 3, "only load changes it");
    cr_assert(policy_holder_load(&holder, &err) == 0, "%s", err.text);
    cr_assert(policy_holder_generation(&holder) == 4);
    cr_assert(!policy_holder_changed(&holder));
    policy_holder_fini(&holder);
}

Test(policy, sees_a_file_of_the_same_size_written_in_place, .init = setup)
{
    const struct timespec times[2] = {{1, 0}, {1, 0}};

    put_image(3, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    cr_assert(utimensat(AT_FDCWD, image_path, times, 0) == 0);
    cr_assert(policy_holder_changed(&holder));
    policy_holder_fini(&holder);
}

Test(policy, lets_go_of_an_image_whose_file_is_lost, .init = setup)
{
    put_image(3, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    cr_assert(unlink(image_path) == 0);
    cr_assert(policy_holder_changed(&holder));
    cr_assert(policy_holder_load(&holder, &err) == -1);
    cr_assert(strstr(err.text, POLICY_IMAGE_FILE) != NULL, "%s", err.text);
    cr_assert(holder.image == NULL);
    cr_assert(policy_holder_generation(&holder) == 0);
    cr_assert(!policy_holder_changed(&holder), "lost once is seen once");
    put_image(5, AUTHN_LEVEL_CONNECT);
    cr_assert(policy_holder_changed(&holder));
    policy_holder_fini(&holder);
}

Test(policy, keeps_nothing_of_an_image_that_is_damaged, .init = setup)
{
    size_t length;
    char *bytes;

    put_image(3, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    bytes = test_read_file(image_path, &length);
    bytes[length - 1] ^= 1;
    cr_assert(unlink(image_path) == 0);
    test_write_file(image_path, bytes, length);
    free(bytes);
    cr_assert(policy_holder_load(&holder, &err) == -1);
    cr_assert(holder.image == NULL);
    policy_holder_fini(&holder);
}

Test(policy, leaves_a_pinned_image_to_whoever_pinned_it, .init = setup)
{
    struct policy_image *pinned;

    put_image(3, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    pinned = policy_image_ref(holder.image);
    put_image(4, AUTHN_LEVEL_CONNECT);
    policy_holder_load(&holder, &err);
    cr_assert(policy_image_generation(pinned) == 3);
    policy_holder_fini(&holder);
    cr_assert(policy_image_generation(pinned) == 3);
    policy_image_unref(pinned);
}

Test(policy, a_good_image_is_not_forgotten_for_want_of_a_descriptor,
     .init = setup)
{
    struct rlimit limit;
    int next;

    put_image(3, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert(policy_holder_load(&holder, &err) == 0, "%s", err.text);
    put_image(4, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    next = dup(STDIN_FILENO);
    close(next);
    limit.rlim_cur = (rlim_t)next;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(policy_holder_load(&holder, &err), -1);
    cr_assert_eq(policy_holder_generation(&holder), 3);
    cr_assert(policy_holder_changed(&holder), "it is not tried again");
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(policy_holder_load(&holder, &err), 0);
    cr_assert_eq(policy_holder_generation(&holder), 4);
    policy_holder_fini(&holder);
}
