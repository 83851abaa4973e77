/*
 * options.h
 *	  The plugin options of one decoding session.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_OPTIONS_H
#define WALFERRY_OPTIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "selection.h"
#include "table_settings.h"

typedef struct WfOptions
{
	bool		text;			/* the readable form */
	bool		positions;		/* text shows LSNs, transaction ids, times */
	bool		streaming;		/* big transactions before their commit */
	bool		local;			/* only transactions without a replication origin */
	WfSelection selection;
	List	   *tables;			/* of WfTableSettings */
	List	   *settled;		/* OIDs of tables whose rows were sent with settings */
} WfOptions;

/*
 * Parses a list of DefElem; ereports what it can't accept.  What it allocates
 * stays in the current memory context.
 */
extern void wf_options_parse(List *elements, WfOptions *options);

#endif							/* WALFERRY_OPTIONS_H */
