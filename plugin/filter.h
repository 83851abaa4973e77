/*
 * filter.h
 *	  What of a table's changes is sent, and in which form: its operations, columns,
 *	  row filter and transforms.
 *
 * A table without settings has no filter, and its changes don't come here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_FILTER_H
#define WALFERRY_FILTER_H

#include "postgres.h"

#include "replication/reorderbuffer.h"
#include "utils/rel.h"

#include "key.h"
#include "table_settings.h"

typedef struct WfFilter WfFilter;

/*
 * Makes the filter for the relation's definition as it is now; ereports settings that
 * don't fit it.  table: its quoted name, for messages.  identity: attribute numbers of the replica identity's columns (of the
 * primary key, with REPLICA IDENTITY FULL), less FirstLowInvalidHeapAttributeNumber.
 * Of a table that a DDL statement fills anew there are no old rows.
 * What it allocates stays in the current memory context.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern WfFilter *wf_filter_create(const WfTableSettings *settings, Relation relation,
								  const char *table, Bitmapset *identity);

/* Get it ready to run; until then it only tells about columns. */
extern void wf_filter_prepare(WfFilter *filter);

extern bool wf_filter_sends_operation(const WfFilter *filter, WfOperation operation);

/* Like that, of a change's. */
extern bool wf_filter_sends_action(const WfFilter *filter, enum ReorderBufferChangeType action);

/* Is the table's column sent? */
extern bool wf_filter_sends_column(const WfFilter *filter, Form_pg_attribute attribute);

/* Are there columns that aren't? */
extern bool wf_filter_omits_columns(const WfFilter *filter);

/* Columns that the table doesn't have, but what is sent of it: behind the table's. */
extern int	wf_filter_added_columns(const WfFilter *filter);
extern Form_pg_attribute wf_filter_added_column(const WfFilter *filter, int i);

/* The expression that the column's value is, or NULL. */
extern Node *wf_filter_expression(const WfFilter *filter, int index);

/*
 * The constant that the column's value is in all of the table's rows, and in those of no other table that arrives in the
 * same one at the destination; or NULL.
 */
extern Node *wf_filter_part(const WfFilter *filter, int index);

/* The row filter's condition, or NULL. */
extern Node *wf_filter_condition(const WfFilter *filter);

/* A change as it is sent. */
typedef struct WfFilteredChange
{
	enum ReorderBufferChangeType action;
	const WfTuple *old;			/* unless old_kind is WF_OLD_NONE */
	const WfTuple *row;			/* of an insert or update */
} WfFilteredChange;

/*
 * Requires: the change's operation is sent.  False: nothing of the change is.  old and row are the change's tuples, as far as
 * it has them; old_kind is one of WF_OLD_*.  What is answered stays until the next call
 * or the end of the current memory context.
 */
extern bool wf_filter_apply(WfFilter *filter, enum ReorderBufferChangeType action,
							char old_kind, const WfTuple *old, const WfTuple *row,
							WfFilteredChange *sent);

#endif							/* WALFERRY_FILTER_H */
