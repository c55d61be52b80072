#ifndef POLICY_MOFCOMP_PROGRESS_H
#define POLICY_MOFCOMP_PROGRESS_H

#include <stdbool.h>

/*
 * What a long compile is doing, in one line on standard error that a timer
 * renews each second, from the second on, and what an interrupt leaves
 * behind.  Both live in signal handlers, because one file of a gigabyte or
 * one transaction of a million instances is one call.
 *
 *     progress_begin(is_shown);
 *     progress_set("reading a.mof (1 of 3)");
 *     ...
 *     progress_hide();      before anything else is written
 *     progress_end();
 */
void progress_begin(bool is_shown);
/* The line from now on; cut to what fits on most terminals. */
void progress_set(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Wipes the line, if there is one, until the timer shows it again. */
void progress_hide(void);
/* No more lines. */
void progress_end(void);

/*
 * From here on SIGINT, SIGTERM and SIGHUP, unless they were ignored already,
 * end the program as they would anyway and first say that nothing has
 * changed.
 */
void interrupt_begin(void);
/* A file that is not in its place yet, or a directory that has to be empty by
 * then, is removed; path is kept.  Up to 8, in their order. */
void interrupt_remove(const char *path);
void interrupt_remove_nothing(void);
/* They wait, until interrupt_allow. */
void interrupt_hold(void);
/* Once something has changed they are ignored: what has begun is finished. */
void interrupt_ignore(void);
void interrupt_allow(void);

#endif
