/* The statements of the outbox.  STATEMENT(name, sql) is the includer's. */

/* States in SQL; outbox.c asserts that they are those of callback.h. */
#define SQL_ACCEPTED   "1"
#define SQL_READY      "2"
#define SQL_DELIVERING "3"
#define SQL_DONE       "4"
#define SQL_DEAD       "6"
#define SQL_UNFINISHED "state IN (1, 2, 3)"

#define SQL_COLUMNS                                                           \
    "id, request, principal, namespace, display, target, sink, floor,"        \
    " declared, applied, required, give_up_s, keep_s, keep_dead_s,"           \
    " result_max, outbox_max, state, hresult, reason, detail, generation,"    \
    " batches, objects, bytes, sent, attempts, created, next, give_up,"       \
    " finished, expires, head"

/* -- writing -------------------------------------------------------------- */

STATEMENT(QUOTA, "SELECT (SELECT sum(operations) FROM tally"
                 " WHERE " SQL_UNFINISHED "),"
                 " coalesce((SELECT unfinished FROM owner"
                 " WHERE principal = ?1), 0),"
                 " (SELECT bytes FROM volume),"
                 /* of that id there is none, the principal's, another's */
                 " coalesce((SELECT iif(principal = ?1, 1, 2) FROM operation"
                 " WHERE id = ?2), 0)")
STATEMENT(ADD,
          "INSERT INTO operation(id, request, principal, namespace,"
          " display, target, sink, floor, declared, applied, required,"
          " give_up_s, keep_s, keep_dead_s, result_max, outbox_max,"
          " created, next, give_up, state)"
          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
          " ?13, ?14, ?15, ?16, ?17, ?17, ?17 + ?12 * 1000000, " SQL_ACCEPTED
          ")")
STATEMENT(ADD_BATCH, "INSERT INTO batch(operation, number, objects, body)"
                     " SELECT number, batches + 1, ?2, ?3 FROM operation"
                     " WHERE id = ?1 AND state = " SQL_ACCEPTED)
STATEMENT(COUNT_BATCH, "UPDATE operation SET batches = batches + 1,"
                       " objects = objects + ?2, bytes = bytes + ?3"
                       " WHERE id = ?1")
STATEMENT(DROP_BATCHES, "DELETE FROM batch WHERE operation ="
                        " (SELECT number FROM operation"
                        " WHERE id = ?1 AND " SQL_UNFINISHED ")")
STATEMENT(COUNT_NO_BATCHES, "UPDATE operation SET batches = 0, objects = 0,"
                            " bytes = 0"
                            " WHERE id = ?1 AND state = " SQL_ACCEPTED)
/* `result` is what the operation itself came to: a dead letter's own hresult
 * says why it was given up, and a revived one must not deliver that. */
STATEMENT(SET_RESULT,
          "UPDATE operation SET hresult = ?2, result = ?2,"
          " head = ?3, generation = ?4, attempts = 0,"
          " reason = NULL, detail = NULL,"
          " state = iif(sink IS NULL, " SQL_READY ", " SQL_DELIVERING "),"
          " next = iif(sink IS NULL, 0, ?5),"
          " give_up = iif(sink IS NULL, 0,"
          " ?5 + give_up_s * 1000000),"
          " expires = iif(sink IS NULL,"
          " ?5 + keep_s * 1000000, 0)"
          " WHERE id = ?1 AND state = " SQL_ACCEPTED)
STATEMENT(SET_SENT, "UPDATE operation SET sent = max(sent, min(?2, batches)),"
                    " attempts = 0, reason = NULL, detail = NULL"
                    " WHERE id = ?1 AND state = " SQL_DELIVERING)
STATEMENT(SET_NEXT,
          "UPDATE operation SET next = ?2, reason = ?3,"
          " detail = ?4, attempts = attempts + ?5"
          " WHERE id = ?1 AND state IN (" SQL_ACCEPTED ", " SQL_DELIVERING ")")
STATEMENT(SET_END, "UPDATE operation SET state = ?2,"
                   " hresult = iif(?3 = 0, hresult, ?3),"
                   " reason = ?4, detail = ?5, finished = ?6, next = 0,"
                   " head = iif(?2 = " SQL_DEAD ", head, NULL),"
                   " bytes = iif(?2 = " SQL_DEAD ", bytes, 0),"
                   " sent = iif(?2 = " SQL_DONE ", batches, sent),"
                   " expires = ?6 + 1000000 *"
                   " iif(?2 = " SQL_DEAD ", keep_dead_s, keep_s)"
                   " WHERE id = ?1 AND " SQL_UNFINISHED)
STATEMENT(REVIVE,
          "UPDATE operation SET"
          " state = iif(result IS NULL, " SQL_ACCEPTED ", " SQL_DELIVERING "),"
          " hresult = coalesce(result, 0), reason = NULL,"
          " detail = NULL, attempts = 0, finished = 0, expires = 0,"
          " next = ?2, give_up = ?2 + give_up_s * 1000000"
          " WHERE id = ?1 AND state = " SQL_DEAD
          " AND (result IS NULL OR sink IS NOT NULL)")
STATEMENT(EXPIRE, "DELETE FROM operation"
                  " WHERE expires > 0 AND expires <= ?1")
/* The oldest of too many that have ended, whatever their time; dead letters
 * are not among them. */
#define SQL_ENDED "state IN (4, 5, 7)"
STATEMENT(TRIM, "DELETE FROM operation WHERE " SQL_ENDED " AND number <="
                " (SELECT number FROM operation WHERE " SQL_ENDED
                " ORDER BY number DESC LIMIT 1 OFFSET ?1)")
STATEMENT(ENDED, "SELECT coalesce(sum(operations), 0) FROM tally"
                 " WHERE " SQL_ENDED)
STATEMENT(DROP_DEAD, "DELETE FROM operation WHERE number IN"
                     " (SELECT number FROM operation WHERE state = " SQL_DEAD
                     " AND bytes > 0 ORDER BY number LIMIT 16)")
STATEMENT(VOLUME, "SELECT bytes FROM volume")
STATEMENT(REMOVE, "DELETE FROM operation WHERE id = ?1")

/* -- reading -------------------------------------------------------------- */

STATEMENT(FIND, "SELECT " SQL_COLUMNS " FROM operation WHERE id = ?1")
STATEMENT(BATCH, "SELECT body, objects FROM batch WHERE number = ?2"
                 " AND operation = (SELECT number FROM operation"
                 " WHERE id = ?1)")
/* The newest of them, oldest first. */
STATEMENT(EACH, "SELECT * FROM (SELECT " SQL_COLUMNS ", number"
                " FROM operation ORDER BY number DESC LIMIT ?2)"
                " ORDER BY number")
STATEMENT(EACH_OF_STATE, "SELECT * FROM (SELECT " SQL_COLUMNS ", number"
                         " FROM operation WHERE state = ?1"
                         " ORDER BY number DESC LIMIT ?2) ORDER BY number")
/* Behind a place in the queue. */
STATEMENT(DUE, "SELECT id, sink, next, number FROM operation"
               " WHERE state = ?1 AND next <= ?2"
               " AND (next, number) > (?4, ?5)"
               " ORDER BY next, number LIMIT ?3")
STATEMENT(NEXT_DUE, "SELECT next FROM operation WHERE state = ?1"
                    " ORDER BY next LIMIT 1")
STATEMENT(COUNTS, "SELECT state, operations FROM tally")
