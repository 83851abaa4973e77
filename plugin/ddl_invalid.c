/*
 * ddl_invalid.c
 *	  Indexes that a failed CREATE or DROP INDEX CONCURRENTLY has left behind.
 *
 * No query uses such an index.  The destination has it if it was to be dropped, and
 * lacks it if it was to be made: what is done to it there depends on that.  Several
 * statements make it whole on the way: all that build a table's indexes anew.  A
 * destination that lacks it must create it then.  Of upkeep (REINDEX, CLUSTER, VACUUM
 * FULL) and TRUNCATE that is all that is recorded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "ddl.h"

/* What builds it anew may give it another OID; meanwhile others may give it another name. */
typedef struct WfInvalidIndex
{
	Oid			oid;
	Oid			namespace;
	const char *name;
} WfInvalidIndex;

/* A partitioned index is invalid as long as a partition lacks its own: that is another matter. */
static bool
is_invalid(const FormData_pg_index *index)
{
	return !index->indisvalid && get_rel_relkind(index->indexrelid) == RELKIND_INDEX;
}

/* Of one table, or of all.  If names is NULL: only whether there are any. */
static bool
find_invalid(Oid table, List **names)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, OidIsValid(table), NULL,
							  OidIsValid(table) ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		const FormData_pg_index *index = (FormData_pg_index *) GETSTRUCT(tuple);
		WfInvalidIndex *invalid;

		if (!is_invalid(index))
			continue;
		found = true;
		if (names == NULL)
			break;
		invalid = palloc(sizeof(WfInvalidIndex));
		invalid->oid = index->indexrelid;
		invalid->namespace = get_rel_namespace(index->indexrelid);
		invalid->name = get_rel_name(index->indexrelid);
		if (invalid->name != NULL)
			*names = lappend(*names, invalid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

static bool
find_invalid_of(const RangeVar *range, List **names)
{
	Oid			table = RangeVarGetRelid(range, NoLock, true);
	bool		found = false;
	ListCell   *cell;

	if (!OidIsValid(table))
		return false;
	foreach(cell, find_all_inheritors(table, NoLock, NULL))
		found |= find_invalid(lfirst_oid(cell), names);
	return found;
}

static bool
find_invalid_of_truncated(const TruncateStmt *statement, List **names)
{
	bool		found = false;
	ListCell   *cell;

	if (statement->behavior == DROP_CASCADE)
		return find_invalid(InvalidOid, names);
	foreach(cell, statement->relations)
		found |= find_invalid_of(lfirst(cell), names);
	return found;
}

/* Of the tables whose indexes the statement may build anew. */
static bool
find_invalid_for(const Node *tree, List **names)
{
	switch (nodeTag(tree))
	{
		case T_AlterTableStmt:
			return find_invalid_of(((const AlterTableStmt *) tree)->relation, names);
		case T_RefreshMatViewStmt:
			return find_invalid_of(((const RefreshMatViewStmt *) tree)->relation, names);
		case T_TruncateStmt:
			return find_invalid_of_truncated((const TruncateStmt *) tree, names);
		case T_ClusterStmt:
		case T_ReindexStmt:
		case T_VacuumStmt:
			return find_invalid(InvalidOid, names);
		default:
			return false;
	}
}

static bool
is_full(const VacuumStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "full") == 0)
			return defGetBoolean(option);
	}
	return false;
}

bool
wf_ddl_is_upkeep(const Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_ClusterStmt:		/* but the choice of the index */
			return ((const ClusterStmt *) tree)->relation == NULL ||
				((const ClusterStmt *) tree)->indexname == NULL;
		case T_VacuumStmt:
			return is_full((const VacuumStmt *) tree);
		case T_ReindexStmt:
		case T_TruncateStmt:
			return true;
		default:
			return false;
	}
}

bool
wf_ddl_may_validate(const Node *tree)
{
	return find_invalid_for(tree, NULL);
}

void
wf_ddl_note_invalid(WfDdl *ddl)
{
	MemoryContext caller;

	if (ddl->invalid_noted)
		return;
	ddl->invalid_noted = true;
	caller = MemoryContextSwitchTo(ddl->context);
	find_invalid_for(ddl->tree, &ddl->invalid);
	MemoryContextSwitchTo(caller);
}

static bool
is_invalid_index(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(relid));
	bool		invalid;

	if (!HeapTupleIsValid(tuple))
		return false;
	invalid = is_invalid((FormData_pg_index *) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return invalid;
}

void
wf_ddl_note_validated(WfDdl *ddl)
{
	ListCell   *cell;

	if (wf_ddl_is_upkeep(ddl->tree))
		ddl->objects = NIL;		/* how it goes about it is nobody's business */
	foreach(cell, ddl->invalid)
	{
		WfInvalidIndex *index = lfirst(cell);
		Oid			oid = index->oid;

		if (get_rel_relkind(oid) != RELKIND_INDEX)
			oid = get_relname_relid(index->name, index->namespace);
		if (!OidIsValid(oid) || get_rel_relkind(oid) != RELKIND_INDEX || is_invalid_index(oid))
			continue;
		wf_ddl_note(ddl, WF_DDL_CREATE, RelationRelationId, oid, 0, false);
		ddl->validated = lappend_oid(ddl->validated, oid);
	}
}

bool
wf_ddl_is_of_invalid(const WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (!object->implied && (object->operation == WF_DDL_DROP ||
								 object->address.classId != RelationRelationId ||
								 !is_invalid_index(object->address.objectId)))
			return false;
	}
	return ddl->objects != NIL;
}
