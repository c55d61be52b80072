#ifndef POLICY_DECISION_IMAGE_FILE_H
#define POLICY_DECISION_IMAGE_FILE_H

#include "policy/base/base.h"

/* Makes state_dir/name anew, 0640, with the owner and group of state_dir,
 * and syncs it.  Nothing is left behind on failure. */
int image_file_write(const char *state_dir, const char *name,
                     const void *bytes, size_t size, struct error *err);

/* Whether it is there or not. */
void image_file_remove(const char *state_dir, const char *name);

#endif
