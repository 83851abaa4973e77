/*
 * ddl_definition.c
 *	  Statements that make an object as it is, from the catalogs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "access/toast_compression.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_sequence.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "ddl_definition.h"

char *
wf_relation_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

char *
wf_type_name(Oid type, int32 typmod)
{
	return format_type_extended(type, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

static char *
collation_name(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

static char *
default_expression(Relation relation, AttrNumber attnum)
{
	Node	   *expression = build_column_default(relation, attnum);
	List	   *context = deparse_context_for(RelationGetRelationName(relation),
											  RelationGetRelid(relation));

	return deparse_expression(expression, context, false, false);
}

char *
wf_set_default(Relation relation, const FormData_pg_attribute *column)
{
	/* Of its type's default it knows by the type. */
	if (column->attisdropped || !column->atthasdef || column->attgenerated != '\0' ||
		column->attidentity != '\0')
		return NULL;
	return psprintf("ALTER TABLE ONLY %s ALTER COLUMN %s SET DEFAULT %s",
					wf_relation_name(RelationGetRelid(relation)),
					quote_identifier(NameStr(column->attname)),
					default_expression(relation, column->attnum));
}

const char *
wf_storage_name(char storage)
{
	switch (storage)
	{
		case TYPSTORAGE_PLAIN:
			return "PLAIN";
		case TYPSTORAGE_EXTERNAL:
			return "EXTERNAL";
		case TYPSTORAGE_MAIN:
			return "MAIN";
		default:
			return "EXTENDED";
	}
}

static void
append_sequence_options(StringInfo sql, Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	Form_pg_sequence form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", sequence);
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	appendStringInfo(sql, " START " INT64_FORMAT " INCREMENT " INT64_FORMAT " MINVALUE " INT64_FORMAT
					 " MAXVALUE " INT64_FORMAT " CACHE " INT64_FORMAT "%s",
					 form->seqstart, form->seqincrement, form->seqmin, form->seqmax, form->seqcache,
					 form->seqcycle ? " CYCLE" : "");
	ReleaseSysCache(tuple);
}

char *
wf_create_sequence(Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	StringInfoData sql;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", sequence);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sSEQUENCE %s AS %s",
					 get_rel_persistence(sequence) == RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
					 wf_relation_name(sequence),
					 wf_type_name(((Form_pg_sequence) GETSTRUCT(tuple))->seqtypid, -1));
	ReleaseSysCache(tuple);
	append_sequence_options(&sql, sequence);
	return sql.data;
}

/* What makes a value of the column that no INSERT gives. */
static void
append_generation(StringInfo sql, Relation relation, Form_pg_attribute column)
{
	if (column->attgenerated != '\0')
		appendStringInfo(sql, " GENERATED ALWAYS AS (%s) %s",
						 default_expression(relation, column->attnum),
						 column->attgenerated == ATTRIBUTE_GENERATED_STORED ? "STORED" : "VIRTUAL");
	if (column->attidentity != '\0')
	{
		Oid			sequence = WF_IDENTITY_SEQUENCE(relation, column->attnum);

		appendStringInfo(sql, " GENERATED %s AS IDENTITY (SEQUENCE NAME %s",
						 column->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ? "ALWAYS" : "BY DEFAULT",
						 wf_relation_name(sequence));
		append_sequence_options(sql, sequence);
		appendStringInfoChar(sql, ')');
	}
}

static void
append_columns(StringInfo sql, Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	const char *separator = "";

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped)
			continue;
		appendStringInfo(sql, "%s%s %s", separator,
						 quote_identifier(NameStr(column->attname)),
						 wf_type_name(column->atttypid, column->atttypmod));
		if (OidIsValid(column->attcollation) &&
			column->attcollation != get_typcollation(column->atttypid))
			appendStringInfo(sql, " COLLATE %s", collation_name(column->attcollation));
		if (CompressionMethodIsValid(column->attcompression))
			appendStringInfo(sql, " COMPRESSION %s", GetCompressionMethodName(column->attcompression));
		append_generation(sql, relation, column);
		separator = ", ";
	}
}

/* Those of a table, or with a prefix those of what holds its large values; returns what separates the next. */
static const char *
append_options(StringInfo sql, Oid relid, const char *prefix, const char *separator)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		null;
	Datum		options;
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &null);
	foreach(cell, null ? NIL : untransformRelOptions(options))
	{
		DefElem    *option = lfirst(cell);

		appendStringInfo(sql, "%s%s%s", separator, prefix, quote_identifier(option->defname));
		if (option->arg != NULL)
			appendStringInfo(sql, " = %s", quote_literal_cstr(strVal(option->arg)));
		separator = ", ";
	}
	ReleaseSysCache(tuple);
	return separator;
}

static void
append_all_options(StringInfo sql, Relation relation)
{
	const char *separator = append_options(sql, RelationGetRelid(relation), "", " WITH (");

	if (OidIsValid(relation->rd_rel->reltoastrelid))
		separator = append_options(sql, relation->rd_rel->reltoastrelid, "toast.", separator);
	if (separator[0] == ',')
		appendStringInfoChar(sql, ')');
}

char *
wf_create_table(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s (",
					 relation->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
					 wf_relation_name(relid));
	append_columns(&sql, relation);
	appendStringInfoChar(&sql, ')');
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		appendStringInfo(&sql, " PARTITION BY %s",
						 TextDatumGetCString(DirectFunctionCall1(pg_get_partkeydef, ObjectIdGetDatum(relid))));
	else if (relation->rd_rel->relam != HEAP_TABLE_AM_OID)
		appendStringInfo(&sql, " USING %s", quote_identifier(get_am_name(relation->rd_rel->relam)));
	append_all_options(&sql, relation);
	if (OidIsValid(relation->rd_rel->reltablespace))
		appendStringInfo(&sql, " TABLESPACE %s",
						 quote_identifier(get_tablespace_name(relation->rd_rel->reltablespace)));
	relation_close(relation, AccessShareLock);
	return sql.data;
}

char *
wf_partition_bound(Oid partition)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(partition));
	char	   *bound = NULL;
	Datum		value;
	bool		null;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	value = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &null);
	if (!null)
		bound = deparse_expression(stringToNode(TextDatumGetCString(value)), NIL, false, false);
	ReleaseSysCache(tuple);
	return bound;
}

char *
wf_create_index(Oid index, const char *words)
{
	char	   *definition = pg_get_indexdef_string(index);
	char	   *name = strstr(definition, "INDEX ") + strlen("INDEX ");

	return psprintf("%.*s%s%s", (int) (name - definition), definition, words, name);
}

List *
wf_create_missing_index(Oid index)
{
	List	   *statements = list_make1(wf_create_index(index, "IF NOT EXISTS "));
	char	   *comment = GetComment(index, RelationRelationId, 0);

	if (comment != NULL)
		statements = lappend(statements, psprintf("COMMENT ON INDEX %s IS %s", wf_relation_name(index),
												  quote_literal_cstr(comment)));
	return statements;
}

char *
wf_create_extension(Oid extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	HeapTuple	tuple = get_catalog_object_by_oid(catalog, Anum_pg_extension_oid, extension);
	char	   *sql = NULL;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);
		bool		null;
		Datum		version = heap_getattr(tuple, Anum_pg_extension_extversion,
										   RelationGetDescr(catalog), &null);

		sql = psprintf("CREATE EXTENSION %s WITH SCHEMA %s VERSION %s",
					   quote_identifier(NameStr(form->extname)),
					   quote_identifier(get_namespace_name(form->extnamespace)),
					   quote_literal_cstr(TextDatumGetCString(version)));
	}
	table_close(catalog, AccessShareLock);
	return sql;
}
