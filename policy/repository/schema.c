#include "policy/repository/schema.h"

#include <inttypes.h>
#include <string.h>

/* encryption is RequiresEncryption (levels.md 8); the generation counts
 * committed changes and is bumped in the transaction that makes them. */
static const struct {
    int since; /* the version that brought it */
    const char *name, *sql;
} schema[] = {
    {1, "policy",
     "CREATE TABLE policy (id INTEGER PRIMARY KEY CHECK (id = 1), "
     "generation INTEGER NOT NULL CHECK (generation >= 0)) STRICT"},
    {1, "namespace",
     "CREATE TABLE namespace (id INTEGER PRIMARY KEY, "
     "path TEXT NOT NULL UNIQUE, display TEXT NOT NULL, "
     "parent INTEGER REFERENCES namespace (id), "
     "encryption INTEGER NOT NULL DEFAULT 0 CHECK (encryption IN (0, 1))) "
     "STRICT"},
    {1, "namespace_parent",
     "CREATE INDEX namespace_parent ON namespace (parent, path)"},
    {1, "class",
     "CREATE TABLE class (id INTEGER PRIMARY KEY, namespace INTEGER "
     "NOT NULL REFERENCES namespace (id) ON DELETE CASCADE, "
     "name TEXT NOT NULL COLLATE NOCASE, "
     "superclass TEXT COLLATE NOCASE, body BLOB, "
     "UNIQUE (namespace, name)) STRICT"},
    {1, "class_superclass",
     "CREATE INDEX class_superclass ON class (namespace, superclass)"},
    {1, "instance",
     "CREATE TABLE instance (id INTEGER PRIMARY KEY AUTOINCREMENT, "
     "class INTEGER NOT NULL REFERENCES class (id) ON DELETE CASCADE, "
     "key TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (class, key)) STRICT"},
    {1, "instance_class",
     "CREATE INDEX instance_class ON instance (class, id)"},
    {2, "descriptor",
     "CREATE TABLE descriptor (namespace INTEGER PRIMARY KEY "
     "REFERENCES namespace (id) ON DELETE CASCADE, sddl TEXT NOT NULL) "
     "STRICT"},
    {2, "qualifier",
     "CREATE TABLE qualifier (namespace INTEGER NOT NULL REFERENCES "
     "namespace (id) ON DELETE CASCADE, name TEXT NOT NULL COLLATE NOCASE, "
     "body BLOB NOT NULL, UNIQUE (namespace, name)) STRICT"},
};

#define SCHEMA_STAMP "PRAGMA user_version = 2;" /* SCHEMA_VERSION */

#define SCHEMA_FILL                                                           \
    "INSERT INTO policy (id, generation) VALUES (1, 0);"                      \
    "INSERT INTO namespace (path, display) VALUES ('root', 'root');"          \
    "PRAGMA application_id = 1853056865;" /* SCHEMA_APPLICATION_ID */         \
        SCHEMA_STAMP

/* A pragma or count that answers one number. */
static int
number_of(struct repository *repo, const char *sql, int64_t *out,
          struct error *err)
{
    sqlite3_stmt *s;
    int r = 0;

    if (sqlite3_prepare_v2(repo->db, sql, -1, &s, NULL) != SQLITE_OK)
        return store_error(repo, err, "read");
    if (sqlite3_step(s) == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    else
        r = store_error(repo, err, "read");
    sqlite3_finalize(s);
    return r;
}

/* What the versions behind `from` brought; 0: everything. */
static int
schema_add(struct repository *repo, int64_t from, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(schema); i++) {
        if (schema[i].since > from && store_exec(repo, schema[i].sql, err) < 0)
            return -1;
    }
    return store_exec(repo, from == 0 ? SCHEMA_FILL : SCHEMA_STAMP, err);
}

/* 1 ours, 0 an empty file or an older version, -1. */
static int
schema_identify(struct repository *repo, int64_t *version_out,
                struct error *err)
{
    int64_t application = 0, version = 0, objects = 0;

    *version_out = 0;
    if (number_of(repo, "PRAGMA application_id", &application, err) < 0 ||
        number_of(repo, "PRAGMA user_version", &version, err) < 0 ||
        number_of(repo, "SELECT count(*) FROM sqlite_schema", &objects, err) <
            0)
        return -1;
    if (application == 0 && version == 0 && objects == 0)
        return 0;
    if (application != SCHEMA_APPLICATION_ID)
        return error_set(err, "%s is no repository of namespaces", repo->path);
    *version_out = version;
    if (version > 0 && version < SCHEMA_VERSION)
        return 0;
    if (version != SCHEMA_VERSION)
        return error_set(err,
                         "%s has schema %" PRId64 ", this program knows %d",
                         repo->path, version, SCHEMA_VERSION);
    return 1;
}

int
schema_prepare(struct repository *repo, struct error *err)
{
    int64_t version;
    int found = schema_identify(repo, &version, err), r;

    if (found < 0)
        return -1;
    if (found > 0)
        return 0;
    if (repo->mode != REPOSITORY_WRITE)
        return version == 0
                   ? error_set(err, "%s is empty; compile a MOF file first",
                               repo->path)
                   : error_set(err,
                               "%s is of an older version; the next compile "
                               "brings it up to date",
                               repo->path);
    /* Another writer may do the same at this moment. */
    if (store_exec(repo, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    found = schema_identify(repo, &version, err);
    r = found == 0 ? schema_add(repo, version, err) : found < 0 ? -1 : 0;
    if (r == 0)
        r = store_exec(repo, "COMMIT", err);
    if (r < 0)
        store_exec(repo, "ROLLBACK", NULL);
    return r;
}

static const char *
schema_sql(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(schema); i++) {
        if (strcmp(schema[i].name, name) == 0)
            return schema[i].sql;
    }
    return NULL;
}

int
schema_verify(struct repository *repo, struct error *err)
{
    sqlite3_stmt *s;
    size_t known = 0;
    int64_t version;
    int step = SQLITE_DONE, r = schema_identify(repo, &version, err);

    if (r <= 0)
        return r < 0 ? -1 : error_set(err, "%s is empty or old", repo->path);
    r = 0;
    if (sqlite3_prepare_v2(repo->db,
                           "SELECT name, sql FROM sqlite_schema WHERE "
                           "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                           -1, &s, NULL) != SQLITE_OK)
        return store_error(repo, err, "read");
    while (r == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        const char *sql = (const char *)sqlite3_column_text(s, 1);
        const char *ours = name != NULL ? schema_sql(name) : NULL;

        known++;
        if (ours == NULL || sql == NULL || strcmp(ours, sql) != 0)
            r = error_set(err, "%s: '%s' is not as it was made", repo->path,
                          name != NULL ? name : "");
    }
    if (r == 0 && step != SQLITE_DONE)
        r = store_error(repo, err, "read");
    sqlite3_finalize(s);
    if (r == 0 && known != ARRAY_COUNT(schema))
        r = error_set(err, "%s lacks a table", repo->path);
    return r;
}
