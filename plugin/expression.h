/*
 * expression.h
 *	  SQL expressions over a table's row that are evaluated while WAL is decoded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_EXPRESSION_H
#define WALFERRY_EXPRESSION_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "nodes/primnodes.h"

/*
 * Parses an expression whose variables are the row's columns; ereports what it
 * can't accept, with the position in the text.  The type that it is cast to is a
 * base type; with InvalidOid it keeps its own.  What it allocates stays in the
 * current memory context.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern Node *wf_expression_parse(const char *text, TupleDesc desc, Oid type);

/* Like that, of a condition. */
extern Node *wf_expression_parse_condition(const char *text, TupleDesc desc);

/* Adds the columns that it reads, as attribute numbers. */
extern Bitmapset *wf_expression_columns(Node *expression, Bitmapset *columns);

#endif							/* WALFERRY_EXPRESSION_H */
