/*
 * ddl_log.c
 *	  The record of a DDL statement: a row of walferry.ddl_log.
 *
 * It is written below SQL: whoever runs the statement needs no privilege on the
 * table, and nobody has one.  Being a row it comes with its transaction, in its
 * place, and goes with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_control.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "ddl.h"
#include "ddl_definition.h"
#include "ddl_log.h"
#include "string_list.h"
#include "walferry.h"

static Oid
relation_of_that_name(const char *name)
{
	Oid			schema = get_namespace_oid(WF_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

static bool
is_own(Oid relid)
{
	Oid			extension = get_extension_oid(WF_SCHEMA, true);

	return OidIsValid(extension) &&
		getExtensionOfObject(RelationRelationId, relid) == extension;
}

Oid
wf_ddl_log_relation(void)
{
	Oid			relid = relation_of_that_name("ddl_log");

	return OidIsValid(relid) && is_own(relid) ? relid : InvalidOid;
}

bool
wf_ddl_log_is(Oid relid)
{
	return relid == relation_of_that_name("ddl_log") && is_own(relid);
}

/*
 * The end of a WAL record that says nothing else: no other record has that one, and it
 * rises.  A sequence's value would be what the session's lastval() says.
 */
static int64
next_id(void)
{
	XLogBeginInsert();
	return (int64) XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

/* As a literal of text[]. */
static char *
array_literal(List *strings)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(TEXTARRAYOID, &output, &varlena);
	return OidOutputFunctionCall(output, wf_string_list_array(strings));
}

static const char *
or_empty(const char *string)
{
	return string != NULL ? string : "";
}

/* WF_DDL_OBJECT_FIELDS strings each. */
static List *
object_fields(const WfDdl *ddl)
{
	List	   *fields = NIL;
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (object->implied || object->temporary)
			continue;
		fields = lappend(fields, psprintf("%c", object->operation));
		fields = lappend(fields, (void *) object->type);
		fields = lappend(fields, (void *) or_empty(object->schema));
		fields = lappend(fields, (void *) or_empty(object->name));
		fields = lappend(fields, array_literal(object->names));
		fields = lappend(fields, array_literal(object->arguments));
		fields = lappend(fields, array_literal(object->needs));
		fields = lappend(fields, psprintf("%u", object->relid));
	}
	return fields;
}

/* WF_DDL_REWRITTEN_FIELDS strings each: oid, quoted name, whether the rows are needed ("t"), schema, name. */
static List *
rewritten_fields(const WfDdl *ddl)
{
	List	   *fields = NIL;
	ListCell   *cell;

	foreach(cell, ddl->rewritten)
	{
		WfRewrittenTable *table = lfirst(cell);
		char		persistence = get_rel_persistence(table->relid);

		/* What is not logged has left no rows. */
		if (persistence != RELPERSISTENCE_PERMANENT)
			continue;
		fields = lappend(fields, psprintf("%u", table->relid));
		fields = lappend(fields, wf_relation_name(table->relid));
		fields = lappend(fields, (void *) (table->rows_needed ? "t" : "f"));
		fields = lappend(fields, get_namespace_name(get_rel_namespace(table->relid)));
		fields = lappend(fields, get_rel_name(table->relid));
	}
	return fields;
}

/* The text before, the text behind; then WF_DDL_ITEM_FIELDS strings each. */
static List *
list_fields(const WfDdl *ddl)
{
	List	   *fields;
	ListCell   *cell;

	if (ddl->list_items == NIL)
		return NIL;
	fields = list_make2((void *) ddl->list_prefix, (void *) ddl->list_suffix);
	foreach(cell, ddl->list_items)
	{
		WfDdlItem  *item = lfirst(cell);

		if (item->temporary)
			continue;
		fields = lappend(fields, (void *) or_empty(item->schema));
		fields = lappend(fields, (void *) or_empty(item->name));
		fields = lappend(fields, (void *) item->text);
		fields = lappend(fields, array_literal(item->needs));
	}
	return fields;
}

/* What the text needs; then WF_DDL_PIECE_FIELDS strings each: needs, unless, statement. */
static List *
piece_fields(const WfDdl *ddl)
{
	List	   *fields;
	ListCell   *cell;

	if (ddl->text_needs == NIL)
		return NIL;
	fields = list_make1(array_literal(ddl->text_needs));
	foreach(cell, ddl->pieces)
	{
		WfDdlPiece *piece = lfirst(cell);

		fields = lappend(fields, array_literal(piece->needs));
		fields = lappend(fields, array_literal(piece->unless));
		fields = lappend(fields, (void *) piece->statement);
	}
	return fields;
}

void
wf_ddl_log_write(Oid log, const WfDdl *ddl, uint32 flags)
{
	Relation	relation = table_open(log, RowExclusiveLock);
	Datum		values[WF_DDL_LOG_COLUMNS];
	bool		nulls[WF_DDL_LOG_COLUMNS] = {0};
	HeapTuple	tuple;

	if (RelationGetDescr(relation)->natts != WF_DDL_LOG_COLUMNS)
		elog(ERROR, "walferry.ddl_log has %d columns, not %d: library and extension are of different versions",
			 RelationGetDescr(relation)->natts, WF_DDL_LOG_COLUMNS);

	values[WF_DDL_LOG_ID] = Int64GetDatum(next_id());
	values[WF_DDL_LOG_LSN] = LSNGetDatum(GetXLogInsertRecPtr());
	values[WF_DDL_LOG_CAPTURED] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[WF_DDL_LOG_ROLE] = CStringGetTextDatum(GetUserNameFromId(ddl->role, false));
	values[WF_DDL_LOG_SESSION_ROLE] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
	values[WF_DDL_LOG_TAG] = CStringGetTextDatum(GetCommandTagName(ddl->tag));
	values[WF_DDL_LOG_FLAGS] = Int32GetDatum(flags);
	values[WF_DDL_LOG_STATEMENT] = CStringGetTextDatum(ddl->text);
	values[WF_DDL_LOG_STATEMENTS] = wf_string_list_array(ddl->statements);
	nulls[WF_DDL_LOG_STATEMENTS] = ddl->statements == NIL;
	values[WF_DDL_LOG_SEARCH_PATH] = wf_string_list_array(ddl->search_path);
	values[WF_DDL_LOG_SETTINGS] = wf_string_list_array(ddl->settings);
	values[WF_DDL_LOG_OBJECTS] = wf_string_list_array(object_fields(ddl));
	values[WF_DDL_LOG_REWRITTEN] = wf_string_list_array(rewritten_fields(ddl));
	values[WF_DDL_LOG_LIST] = wf_string_list_array(list_fields(ddl));
	values[WF_DDL_LOG_PIECES] = wf_string_list_array(piece_fields(ddl));
	values[WF_DDL_LOG_FORMER] = wf_string_list_array(ddl->former);
	nulls[WF_DDL_LOG_NOTE] = true;

	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	simple_heap_insert(relation, tuple);
	table_close(relation, RowExclusiveLock);
}
