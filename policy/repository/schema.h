#ifndef POLICY_REPOSITORY_SCHEMA_H
#define POLICY_REPOSITORY_SCHEMA_H

#include "policy/repository/store.h"

/* "nsga": tells our files from other SQLite files (PRAGMA application_id).
 * user_version counts the schema. */
#define SCHEMA_APPLICATION_ID 0x6e736761
#define SCHEMA_VERSION        2

/* Makes the tables in an empty file, those that are new in an older one;
 * refuses a foreign or newer one. */
int schema_prepare(struct repository *repo, struct error *err);
/* Refuses anything but our schema, word for word. */
int schema_verify(struct repository *repo, struct error *err);

#endif
