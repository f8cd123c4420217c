/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_postgres - the archive in a database of PostgreSQL 12 or newer, by libpq.
 *
 * One connection per handle. Tables are in the schema "wattkeeper", which is made, and brought up to
 * date, when it is opened. Transactions of one database follow one another (an advisory lock), as
 * those of a file do: what is read in one is what it changes. Rows that nobody waits for go to the
 * server in a pipeline. synchronous_commit is never off.
 *
 * After the server died, what was not committed is gone and the transaction fails; the next one
 * connects again, at most every 0.5 s, and refuses a server that has another archive than before. A
 * query outside of a transaction is repeated by itself. Every answer is awaited for 30 s.
 *
 * Two head-ends cannot use one database: each connection holds a shared advisory lock on the number
 * of its head-end, and refuses to work beside another number. So between the head-end and the server
 * there must be no pooler that shares sessions. */
#ifndef WK_HEADEND_ARCHIVE_POSTGRES_H
#define WK_HEADEND_ARCHIVE_POSTGRES_H

#include "headend/archive.h"

/** Opens the database at an address of libpq ("postgresql://..."). While the server starts, or another
 *  head-end has the database, it waits up to 10 s. On error `why` says what is wrong and what to do;
 *  no password is in it. WK_E_IO: no connection, a wrong password, no such database or role;
 *  WK_E_BUSY: another head-end, too many connections, or the server is starting; WK_E_UNSUPPORTED:
 *  the schema is of a newer program, the database is not in UTF-8, the server has fsync off, is a
 *  standby or too old, or this program was built without PostgreSQL. */
WK_MUST_USE wk_err wk_archive_postgres_open(const char *address, uint32_t instance,
                                            struct wk_archive *archive,
                                            char why[WK_ARCHIVE_WHY]);

#endif
