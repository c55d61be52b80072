#include "policy/decision/decision.h"

#include <errno.h>

#include "policy/repository/repository.h"

struct build {
    struct policy_image_builder *builder;
    struct error *err;
    int result;
};

static bool
add_namespace(void *arg, const struct repository_namespace *ns)
{
    struct build *b = arg;
    struct policy_entry entry = {
        .required_level = ns->requires_encryption ? AUTHN_LEVEL_PKT_PRIVACY
                                                  : AUTHN_LEVEL_CONNECT,
        .display = ns->display};

    b->result =
        policy_image_builder_add(b->builder, &ns->path, &entry, b->err);
    return b->result == 0;
}

int
policy_image_build(struct repository *repo, const char *state_dir,
                   uint64_t generation, struct error *err)
{
    struct build b = {policy_image_builder_new(), err, 0};

    if (b.builder == NULL)
        return error_set_errno(err, ENOMEM, "policy image");
    if (repository_each_namespace(repo, add_namespace, &b, err) < 0)
        b.result = -1;
    if (b.result == 0)
        b.result =
            policy_image_builder_write(b.builder, state_dir, generation, err);
    policy_image_builder_free(b.builder);
    return b.result;
}
