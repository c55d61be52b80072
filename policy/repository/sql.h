/*
 * Every statement of the store, one row each: STATEMENT(name, sql).  Included
 * more than once, hence no guard.
 *
 * Tables (schema.c): namespace, descriptor, qualifier, class, instance,
 * policy.  Names compare
 * without ASCII case by COLLATE NOCASE, which is exactly that in SQLite.  A
 * class whose body is NULL stands for a system class that has instances.
 */
STATEMENT(GENERATION, "SELECT generation FROM policy WHERE id = 1")
STATEMENT(GENERATION_NEXT, "UPDATE policy SET generation = generation + 1 "
                           "WHERE id = 1 RETURNING generation")

STATEMENT(GENERATION_FLOOR, "UPDATE policy SET generation = ?1 WHERE id = 1 "
                            "AND generation < ?1")

STATEMENT(CLEAR_NAMESPACES, "DELETE FROM namespace WHERE path <> 'root'")
STATEMENT(CLEAR_ENCRYPTION, "UPDATE namespace SET encryption = 0")
STATEMENT(CLEAR_DESCRIPTORS, "DELETE FROM descriptor")
STATEMENT(CLEAR_QUALIFIERS, "DELETE FROM qualifier")
STATEMENT(CLEAR_CLASSES, "DELETE FROM class")

STATEMENT(NAMESPACE_ID, "SELECT id FROM namespace WHERE path = ?1")
STATEMENT(NAMESPACE_LAST, "SELECT max(id) FROM namespace")
STATEMENT(NAMESPACE_FIND,
          "SELECT path, display, encryption FROM namespace WHERE path = ?1")
STATEMENT(NAMESPACE_EACH,
          "SELECT path, display, encryption FROM namespace ORDER BY path")
STATEMENT(NAMESPACE_CHILDREN,
          "SELECT path, display, encryption FROM namespace WHERE parent = "
          "(SELECT id FROM namespace WHERE path = ?1) ORDER BY path")
STATEMENT(NAMESPACE_FROM,
          "SELECT path FROM namespace WHERE path > ?1 ORDER BY path")
STATEMENT(NAMESPACE_ADD, "INSERT INTO namespace (path, display, parent) "
                         "VALUES (?1, ?2, ?3)")
STATEMENT(NAMESPACE_ENCRYPTION,
          "UPDATE namespace SET encryption = ?2 WHERE path = ?1 AND "
          "encryption <> ?2")
STATEMENT(NAMESPACE_DELETE,
          "WITH RECURSIVE tree(id) AS (SELECT id FROM namespace WHERE "
          "path = ?1 UNION SELECT n.id FROM namespace n JOIN tree t "
          "ON n.parent = t.id) DELETE FROM namespace WHERE id IN tree")

STATEMENT(DESCRIPTOR_PUT,
          "INSERT OR REPLACE INTO descriptor (namespace, sddl) "
          "VALUES (?1, ?2)")
STATEMENT(DESCRIPTOR_GET,
          "SELECT d.sddl FROM descriptor d JOIN namespace n ON "
          "n.id = d.namespace WHERE n.path = ?1")

STATEMENT(QUALIFIER_PUT,
          "INSERT OR REPLACE INTO qualifier (namespace, name, body) "
          "VALUES (?1, ?2, ?3)")
STATEMENT(QUALIFIER_GET,
          "SELECT q.body FROM qualifier q JOIN namespace n ON "
          "n.id = q.namespace WHERE n.path = ?1 AND q.name = ?2")
STATEMENT(QUALIFIER_EACH,
          "SELECT q.body FROM qualifier q JOIN namespace n ON "
          "n.id = q.namespace WHERE n.path = ?1 ORDER BY q.name")

STATEMENT(CLASS_ID,
          "SELECT id, body IS NULL FROM class WHERE namespace = ?1 AND "
          "name = ?2")
STATEMENT(CLASS_GET, "SELECT body FROM class WHERE namespace = ?1 AND "
                     "name = ?2 AND body IS NOT NULL")
STATEMENT(CLASS_BODY, "SELECT body FROM class WHERE id = ?1")
STATEMENT(CLASS_EACH,
          "SELECT name, superclass FROM class WHERE namespace = ?1 AND "
          "body IS NOT NULL ORDER BY name")
STATEMENT(CLASS_FAMILY,
          "WITH RECURSIVE family(name) AS (VALUES (?2) UNION SELECT c.name "
          "FROM class c JOIN family f ON c.namespace = ?1 AND "
          "c.superclass = f.name) SELECT c.id FROM family f CROSS JOIN class "
          "c ON c.namespace = ?1 AND c.name = f.name")
STATEMENT(CLASS_SUPERCLASS,
          "SELECT superclass FROM class WHERE namespace = ?1 AND name = ?2 "
          "AND body IS NOT NULL")
STATEMENT(CLASS_ADD, "INSERT INTO class (namespace, name, superclass, body) "
                     "VALUES (?1, ?2, ?3, ?4)")
STATEMENT(CLASS_UPDATE, "UPDATE class SET name = ?2, superclass = ?3, "
                        "body = ?4 WHERE id = ?1")
STATEMENT(CLASS_DELETE, "DELETE FROM class WHERE id = ?1")

STATEMENT(INSTANCE_ANY, "SELECT 1 FROM instance WHERE class = ?1 LIMIT 1")
STATEMENT(INSTANCE_COUNT, "SELECT count(*) FROM instance WHERE class = ?1")
STATEMENT(INSTANCE_GET,
          "SELECT body FROM instance WHERE class = ?1 AND key = ?2")
STATEMENT(INSTANCE_HAS, "SELECT 1 FROM instance WHERE class = ?1 AND key = ?2")
STATEMENT(INSTANCE_ROW, "SELECT key, body FROM instance WHERE id = ?1")
STATEMENT(INSTANCE_OF_NAMESPACE,
          "SELECT i.id FROM class c CROSS JOIN instance i ON i.class = c.id "
          "WHERE c.namespace = ?1 ORDER BY i.id")
STATEMENT(INSTANCE_AFTER,
          "SELECT id FROM instance WHERE class = ?1 AND id > ?2 AND id < ?3 "
          "ORDER BY id LIMIT ?4")
STATEMENT(INSTANCE_ADD, "INSERT INTO instance (class, key, body) "
                        "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
STATEMENT(INSTANCE_UPDATE,
          "UPDATE instance SET body = ?3 WHERE class = ?1 AND key = ?2 AND "
          "body <> ?3")
STATEMENT(INSTANCE_DELETE,
          "DELETE FROM instance WHERE class = ?1 AND key = ?2")
