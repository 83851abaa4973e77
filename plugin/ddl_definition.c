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
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

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

/* What makes a value of the column that no INSERT gives. */
static void
append_generation(StringInfo sql, Relation relation, Form_pg_attribute column)
{
	if (column->attgenerated != '\0')
		appendStringInfo(sql, " GENERATED ALWAYS AS (%s) %s",
						 default_expression(relation, column->attnum),
						 column->attgenerated == ATTRIBUTE_GENERATED_STORED ? "STORED" : "VIRTUAL");
	if (column->attidentity != '\0')
		appendStringInfo(sql, " GENERATED %s AS IDENTITY",
						 column->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ? "ALWAYS" : "BY DEFAULT");
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
		append_generation(sql, relation, column);
		separator = ", ";
	}
}

static void
append_options(StringInfo sql, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		null;
	Datum		options;
	const char *separator = " WITH (";
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &null);
	if (!null)
	{
		foreach(cell, untransformRelOptions(options))
		{
			DefElem    *option = lfirst(cell);

			appendStringInfo(sql, "%s%s", separator, quote_identifier(option->defname));
			if (option->arg != NULL)
				appendStringInfo(sql, " = %s", quote_literal_cstr(strVal(option->arg)));
			separator = ", ";
		}
		if (separator[0] == ',')
			appendStringInfoChar(sql, ')');
	}
	ReleaseSysCache(tuple);
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
	if (relation->rd_rel->relam != HEAP_TABLE_AM_OID)
		appendStringInfo(&sql, " USING %s", quote_identifier(get_am_name(relation->rd_rel->relam)));
	append_options(&sql, relid);
	relation_close(relation, AccessShareLock);
	return sql.data;
}

char *
wf_create_index(Oid index, const char *words)
{
	char	   *definition = pg_get_indexdef_string(index);
	char	   *name = strstr(definition, "INDEX ") + strlen("INDEX ");

	return psprintf("%.*s%s%s", (int) (name - definition), definition, words, name);
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
