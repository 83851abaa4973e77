/*
 * ddl_select.h
 *	  What of a DDL statement's record the reader's selection lets through.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_DDL_SELECT_H
#define WALFERRY_DDL_SELECT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "key.h"
#include "options.h"

/*
 * False if nothing of it is selected.  Of a row that is selected in part the
 * columns flags, statements and objects are replaced; what that allocates stays
 * in the current memory context.
 *
 * Requires: a row of walferry.ddl_log, whole.
 */
extern bool wf_ddl_select(const WfOptions *options, WfTuple *row);

/* The strings of a column of type text[]; none if it is NULL. */
extern List *wf_ddl_strings(const WfTuple *row, int column);

#endif							/* WALFERRY_DDL_SELECT_H */
