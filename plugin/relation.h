/*
 * relation.h
 *	  What the stream needs to know of each table, cached.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_RELATION_H
#define WALFERRY_RELATION_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/rel.h"

#include "column.h"
#include "filter.h"
#include "key.h"
#include "options.h"

typedef struct WfRelationCache WfRelationCache;

typedef struct WfRelation
{
	Oid			relid;			/* hash key */
	bool		valid;			/* cleared by an invalidation */
	bool		selected;		/* the rest is set only if it is sent at all */
	bool		described;		/* the caller sets it: the reader knows this */
	bool		calls_output;	/* some column is WF_ENCODE_OUTPUT */
	char		kind;			/* WF_RELATION_* of wire.h */
	Oid			rewrites;		/* of WF_RELATION_REWRITE: the table that its rows are of */
	bool		settled;		/* settings is set */
	WfTableSettings *settings;	/* of the options, or NULL */
	WfFilter   *filter;			/* NULL: every change is sent as it is */
	uint8		flags;			/* WF_RELATION_OMITS_COLUMNS */
	char		replica_identity;	/* as in pg_class.relreplident */
	int			ncolumns;		/* that are sent */
	int			nkeys;			/* of them in the replica identity */
	WfColumn   *columns;
	bool		identity_hashed;	/* identity is set */
	WfKey		identity;		/* of the replica identity, or the primary key */
	int			nunique;		/* other unique indexes whose keys can be hashed */
	WfKey	   *unique;
	const char *schema;
	const char *table;
	StringInfoData message;		/* the relation message, for binary output */
	MemoryContext context;		/* owns what the pointers above lead to */
} WfRelation;

/*
 * One cache per decoding session, in the current memory context: at most one
 * is alive in a backend.  The options must live as long.
 */
extern WfRelationCache *wf_relation_cache_create(const WfOptions *options);

/*
 * The entry stays where it is, and its contents stay as they are until the next
 * call for the same table.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern WfRelation *wf_relation_get(WfRelationCache *cache, Relation relation);

#endif							/* WALFERRY_RELATION_H */
