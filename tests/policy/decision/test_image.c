#include "policy/decision/image.h"
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SUITE(image);

static char directory[256];
static char image_path[300], new_path[300];

static void
setup(void)
{
    snprintf(directory, sizeof(directory), "%s", test_directory());
    snprintf(image_path, sizeof(image_path), "%s/%s", directory,
             POLICY_IMAGE_FILE);
    snprintf(new_path, sizeof(new_path), "%s/%s", directory, IMAGE_NEW_FILE);
}

static struct namespace_path
path_of(const char *text)
{
    struct namespace_path path;

    cr_assert(namespace_path_parse(&path, span_of(text), NULL) ==
              NAMESPACE_PATH_OK);
    return path;
}

static void
add(struct policy_image_builder *b, const char *text, enum authn_level level)
{
    struct namespace_path path = path_of(text);
    struct policy_entry entry = {.required_level = level};
    struct error err;

    cr_assert(policy_image_builder_add(b, &path, &entry, &err) == 0, "%s",
              err.text);
}

/* count namespaces root\nI; every third demands privacy. */
static struct policy_image *
build(unsigned count, uint64_t generation)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct policy_image *image;
    struct error err;
    char text[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "root\\n%u", i);
        add(b, text,
            i % 3 == 0 ? AUTHN_LEVEL_PKT_PRIVACY : AUTHN_LEVEL_CONNECT);
    }
    cr_assert(policy_image_builder_write(b, directory, generation, &err) == 0,
              "%s", err.text);
    policy_image_builder_free(b);
    cr_assert(policy_image_activate(directory, &err) == 0, "%s", err.text);
    cr_assert(policy_image_open(directory, &image, &err) == 0, "%s", err.text);
    return image;
}

static void
assert_finds_all(const struct policy_image *image, unsigned count)
{
    struct policy_entry entry;
    char text[64];

    for (unsigned i = 0; i < count + 100; i++) {
        struct namespace_path path;
        bool found;

        snprintf(text, sizeof(text), "root\\n%u", i);
        path = path_of(text);
        found = policy_image_find(image, &path, &entry);
        cr_assert(found == (i < count), "%s", text);
        if (found)
            cr_assert(
                entry.required_level ==
                (i % 3 == 0 ? AUTHN_LEVEL_PKT_PRIVACY : AUTHN_LEVEL_CONNECT));
    }
}

Test(image, finds_all_that_was_added_and_nothing_else, .init = setup)
{
    static const unsigned counts[] = {0, 1, 2, 3, 1000, 20000};

    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct policy_image *image = build(counts[i], 40 + i);

        cr_assert(policy_image_count(image) == counts[i]);
        cr_assert(policy_image_generation(image) == 40 + i);
        assert_finds_all(image, counts[i]);
        policy_image_unref(image);
    }
}

Test(image, holds_the_longest_path, .init = setup)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct policy_image *image;
    struct policy_entry entry;
    struct namespace_path path;
    char text[NAMESPACE_PATH_MAX + 1] = "root\\";
    struct error err;

    memset(text + 5, 'a', NAMESPACE_PATH_MAX - 5);
    text[255] = '\\';
    path = path_of(text);
    cr_assert(path.length == NAMESPACE_PATH_MAX);
    add(b, text, AUTHN_LEVEL_PKT_PRIVACY);
    cr_assert(policy_image_builder_write(b, directory, 1, &err) == 0, "%s",
              err.text);
    policy_image_builder_free(b);
    cr_assert(image_open_file(directory, IMAGE_NEW_FILE, &image, &err) == 0);
    cr_assert(policy_image_find(image, &path, &entry));
    path.text[--path.length] = '\0';
    cr_assert(!policy_image_find(image, &path, &entry));
    policy_image_unref(image);
}

Test(image, takes_no_level_that_protects_nothing, .init = setup)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct namespace_path path = path_of("root\\x"), none = {0};
    struct policy_entry fine = {.required_level = AUTHN_LEVEL_CONNECT};

    for (int level = -1; level < 9; level++) {
        struct policy_entry entry = {.required_level =
                                         (enum authn_level)level};

        if (level == AUTHN_LEVEL_CONNECT || level == AUTHN_LEVEL_PKT_PRIVACY)
            continue;
        cr_assert(policy_image_builder_add(b, &path, &entry, NULL) < 0);
    }
    cr_assert(policy_image_builder_add(b, &none, &fine, NULL) < 0);
    policy_image_builder_free(b);
}

Test(image, refuses_a_namespace_added_twice, .init = setup)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct error err = {0};

    add(b, "root\\x", AUTHN_LEVEL_PKT_PRIVACY);
    add(b, "ROOT/X", AUTHN_LEVEL_CONNECT);
    cr_assert(policy_image_builder_write(b, directory, 1, &err) < 0);
    cr_assert(err.text[0] != '\0');
    cr_assert(access(new_path, F_OK) < 0);
    policy_image_builder_free(b);
}

Test(image, is_readable_by_owner_and_group_only, .init = setup)
{
    struct stat st;

    policy_image_unref(build(1, 1));
    cr_assert(stat(image_path, &st) == 0);
    cr_assert((st.st_mode & 07777) == 0640, "%o", st.st_mode);
}

Test(image, belongs_to_the_owner_of_its_directory, .init = setup)
{
    struct stat st;

    if (geteuid() != 0)
        cr_skip("needs root");
    cr_assert(chown(directory, 4242, 4243) == 0);
    policy_image_unref(build(1, 1));
    cr_assert(stat(image_path, &st) == 0);
    cr_assert(st.st_uid == 4242 && st.st_gid == 4243);
}

Test(image, is_in_force_only_after_activation, .init = setup)
{
    struct policy_image *old = build(1, 1), *now;
    struct policy_image_builder *b = policy_image_builder_new();
    struct error err;

    cr_assert(policy_image_builder_write(b, directory, 2, &err) == 0);
    cr_assert(policy_image_open(directory, &now, &err) == 0);
    cr_assert(policy_image_generation(now) == 1);
    policy_image_unref(now);
    cr_assert(policy_image_activate(directory, &err) == 0);
    cr_assert(policy_image_open(directory, &now, &err) == 0);
    cr_assert(policy_image_generation(now) == 2);
    policy_image_unref(now);
    /* Who began with the old one keeps it. */
    cr_assert(policy_image_ref(old) == old);
    policy_image_unref(old);
    assert_finds_all(old, 1);
    policy_image_unref(old);
    policy_image_builder_free(b);
}

Test(image, activation_without_a_new_image_is_an_error, .init = setup)
{
    struct error err = {0};

    cr_assert(policy_image_activate(directory, &err) < 0);
    cr_assert(err.code == -ENOENT);
}

/* -- bad files ------------------------------------------------------------- */

static void
assert_refused(void)
{
    struct policy_image *image = (struct policy_image *)1;
    struct error err = {0};

    cr_assert(policy_image_open(directory, &image, &err) < 0);
    cr_assert(image == NULL && err.text[0] != '\0');
}

Test(image, refuses_what_is_no_regular_file_of_its_owner, .init = setup)
{
    assert_refused(); /* missing */
    cr_assert(mkdir(image_path, 0755) == 0);
    assert_refused();
    cr_assert(rmdir(image_path) == 0);
    cr_assert(mkfifo(image_path, 0640) == 0);
    assert_refused();
    cr_assert(unlink(image_path) == 0);
    cr_assert(symlink("elsewhere", image_path) == 0);
    assert_refused();
    cr_assert(unlink(image_path) == 0);
    test_write_file(image_path, "", 0);
    assert_refused();
    cr_assert(unlink(image_path) == 0);
    policy_image_unref(build(3, 1));
    cr_assert(chmod(image_path, 0660) == 0);
    assert_refused();
    cr_assert(chmod(image_path, 0642) == 0);
    assert_refused();
}

Test(image, refuses_every_length_but_its_own, .init = setup)
{
    size_t size;
    char *bytes;

    policy_image_unref(build(5, 1));
    bytes = test_read_file(image_path, &size);
    for (size_t n = 0; n < size; n++) {
        test_write_file(image_path, bytes, n);
        assert_refused();
    }
    bytes = realloc(bytes, size + 8);
    memset(bytes + size, 0, 8);
    test_write_file(image_path, bytes, size + 8);
    assert_refused();
    free(bytes);
}

Test(image, refuses_any_flipped_bit, .init = setup)
{
    size_t size;
    char *bytes;
    struct error err;

    policy_image_unref(build(5, 1));
    bytes = test_read_file(image_path, &size);
    cr_assert(image_verify(bytes, size, &err) == 0, "%s", err.text);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        cr_assert(image_verify(bytes, size, NULL) < 0, "bit %zu", bit);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(bytes);
}

/* With the checksum made right again: the structure is checked by itself. */
Test(image, refuses_every_changed_byte_that_could_mislead, .init = setup)
{
    size_t size, misled = 0;
    struct image_header *h;
    char *bytes;

    policy_image_unref(build(5, 1));
    bytes = test_read_file(image_path, &size);
    h = (struct image_header *)bytes;
    for (size_t i = 0; i < size; i++) {
        char kept = bytes[i];

        for (int change = 1; change < 256; change++) {
            struct policy_entry entry;

            bytes[i] = (char)(kept ^ change);
            h->checksum = image_checksum(bytes, size);
            if (image_verify(bytes, size, NULL) < 0)
                continue;
            /* Only what carries no structure may differ. */
            misled += i < offsetof(struct image_header, generation) ||
                      i >= offsetof(struct image_header, file_size);
            image_find(bytes, size, SPAN("root\\n1"), &entry);
        }
        bytes[i] = kept;
    }
    /* The checksum field itself (overwritten above: 8 bytes), a level
     * turned from one storable value to the other (5), and padding. */
    cr_assert(misled <= 8 * 255 + 5 + 5 * 7 * 255, "%zu", misled);
    free(bytes);
}

Test(image, leaves_nothing_behind_when_the_directory_is_missing)
{
    struct policy_image_builder *b = policy_image_builder_new();
    struct error err = {0};

    cr_assert(policy_image_builder_write(b, "/nonexistent", 1, &err) < 0);
    cr_assert(err.code == -ENOENT);
    policy_image_builder_free(b);
}

Test(image, keeps_the_authors_spelling_and_refuses_another_name)
{
    const char *dir = test_directory();
    struct policy_image_builder *b = policy_image_builder_new();
    struct policy_entry entry = {.required_level = AUTHN_LEVEL_PKT_PRIVACY,
                                 .display = SPAN("Root\\MyNamespace")};
    struct policy_image *image = NULL;
    struct namespace_path path;
    struct error err;

    namespace_path_parse(&path, SPAN("root\\mynamespace"), NULL);
    cr_assert(policy_image_builder_add(b, &path, &entry, &err) == 0, "%s",
              err.text);
    entry.display = SPAN("Root\\Other");
    cr_assert(policy_image_builder_add(b, &path, &entry, &err) < 0);
    cr_assert(policy_image_builder_write(b, dir, 1, &err) == 0, "%s",
              err.text);
    policy_image_builder_free(b);
    cr_assert(policy_image_activate(dir, &err) == 0);
    cr_assert(policy_image_open(dir, &image, &err) == 0, "%s", err.text);
    cr_assert(policy_image_find(image, &path, &entry));
    assert_span(entry.display, "Root\\MyNamespace");
    policy_image_unref(image);
}
