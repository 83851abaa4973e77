/*
 * selection.h
 *	  Which tables are sent: the kinds that can be, and the include and
 *	  exclude patterns.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_SELECTION_H
#define WALFERRY_SELECTION_H

#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/pg_list.h"

typedef struct WfSelection
{
	List	   *include;
	List	   *exclude;
} WfSelection;

/*
 * Parses two comma-separated lists of patterns; ereports what it can't read.
 * What it allocates stays in the current memory context.
 */
extern void wf_selection_parse(const char *include, const char *exclude,
							   WfSelection *selection);

/*
 * Does the stream carry changes of this relation?
 * Requires: a snapshot to read catalogs with.
 */
extern bool wf_selection_selects(const WfSelection *selection, Oid relid,
								 Form_pg_class class);

/*
 * By name, for an object of any kind in a schema; without a name (NULL or empty)
 * the schema itself, which comes as soon as something in it could.
 */
extern bool wf_selection_selects_name(const WfSelection *selection,
									  const char *schema, const char *name);

/* Of a table that is being rewritten: the new rows, whatever the old ones were. */
extern bool wf_selection_selects_rewrite(const WfSelection *selection, Oid relid,
										 Form_pg_class class);

#endif							/* WALFERRY_SELECTION_H */
