/*
 * selection.c
 *	  Matches tables against the include and exclude patterns.
 *
 * The SQL function selects answers with the same code that the stream runs, so
 * that the initial copy and the stream can't disagree.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pattern.h"
#include "selection.h"
#include "walferry.h"

PG_FUNCTION_INFO_V1(walferry_selects);

void
wf_selection_parse(const char *include, const char *exclude,
				   WfSelection *selection)
{
	selection->include = wf_patterns_read("include", include);
	selection->exclude = *exclude != '\0' ? wf_patterns_read("exclude", exclude) : NIL;
}

/*
 * The patterns alone, for a relation of a user's of any kind: a view or a
 * sequence is chosen by them too, although the stream has nothing of it.
 * Catalogs (information_schema is one) and the extension's schema never are.
 */
static bool
patterns_select(const WfSelection *selection, Oid relid, Form_pg_class class)
{
	const char *schema;
	const char *table = NameStr(class->relname);

	if (relid < FirstNormalObjectId)
		return false;

	schema = get_namespace_name(class->relnamespace);
	if (schema == NULL)
		elog(ERROR, "cache lookup failed for namespace %u",
			 class->relnamespace);
	return strcmp(schema, WF_SCHEMA) != 0 &&
		wf_patterns_match(selection->include, schema, table) &&
		!wf_patterns_match(selection->exclude, schema, table);
}

/*
 * Ordinary tables alone: no partitioned parents, whose rows lie elsewhere, and
 * no materialized views, which the destination refreshes itself.
 */
bool
wf_selection_selects(const WfSelection *selection, Oid relid,
					 Form_pg_class class)
{
	return class->relkind == RELKIND_RELATION &&
		class->relpersistence == RELPERSISTENCE_PERMANENT &&
		patterns_select(selection, relid, class);
}

bool
wf_selection_selects_rewrite(const WfSelection *selection, Oid relid,
							 Form_pg_class class)
{
	return class->relkind == RELKIND_RELATION &&
		patterns_select(selection, relid, class);
}

static bool
selects_schema(const WfSelection *selection, const char *schema)
{
	ListCell   *cell;

	foreach(cell, selection->exclude)
	{
		if (wf_pattern_matches_schema(lfirst(cell), schema) &&
			wf_pattern_takes_whole_schema(lfirst(cell)))
			return false;
	}
	foreach(cell, selection->include)
	{
		if (wf_pattern_matches_schema(lfirst(cell), schema))
			return true;
	}
	return false;
}

bool
wf_selection_selects_name(const WfSelection *selection, const char *schema,
						  const char *name)
{
	if (strcmp(schema, WF_SCHEMA) == 0)
		return false;
	if (name == NULL || *name == '\0')
		return selects_schema(selection, schema);
	return wf_patterns_match(selection->include, schema, name) &&
		!wf_patterns_match(selection->exclude, schema, name);
}

/* walferry.selects(relation regclass, include text, exclude text) */
Datum
walferry_selects(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	WfSelection selection;
	HeapTuple	tuple;
	bool		selects;

	wf_selection_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)),
					   text_to_cstring(PG_GETARG_TEXT_PP(2)), &selection);

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	selects = patterns_select(&selection, relid,
							  (Form_pg_class) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	PG_RETURN_BOOL(selects);
}
