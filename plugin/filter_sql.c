/*
 * filter_sql.c
 *	  The settings of tables, for SQL: the initial copy and checks read by them what
 *	  the stream sends.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "filter.h"
#include "settings.h"
#include "table_settings.h"

PG_FUNCTION_INFO_V1(walferry_table_settings);
PG_FUNCTION_INFO_V1(walferry_table_settings_by_name);
PG_FUNCTION_INFO_V1(walferry_sent_rows);

static TupleDesc
row_type(FunctionCallInfo fcinfo)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(desc);
}

static Datum
settings_row(FunctionCallInfo fcinfo, const WfTableSettings *settings)
{
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (settings != NULL)
	{
		values[0] = CStringGetTextDatum(settings->name);
		values[1] = CStringGetTextDatum(wf_table_settings_text(settings));
		nulls[0] = nulls[1] = false;
	}
	return HeapTupleGetDatum(heap_form_tuple(row_type(fcinfo), values, nulls));
}

/* walferry.table_settings(relation regclass, tables text, OUT name text, OUT settings text) */
Datum
walferry_table_settings(PG_FUNCTION_ARGS)
{
	List	   *all = wf_table_settings_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_DATUM(settings_row(fcinfo, wf_table_settings_find(all, PG_GETARG_OID(0))));
}

/* walferry.table_settings(schema_name text, table_name text, tables text, OUT name text, OUT settings text) */
Datum
walferry_table_settings_by_name(PG_FUNCTION_ARGS)
{
	List	   *all = wf_table_settings_parse(text_to_cstring(PG_GETARG_TEXT_PP(2)));

	PG_RETURN_DATUM(settings_row(fcinfo,
								 wf_table_settings_by_name(all, text_to_cstring(PG_GETARG_TEXT_PP(0)),
														   text_to_cstring(PG_GETARG_TEXT_PP(1)))));
}

typedef struct Columns
{
	int			n;
	Datum	   *names;
	Datum	   *types;
	Datum	   *expressions;
	bool	   *plain;			/* the expression is NULL: the column as it is */
} Columns;

static void
add(Columns *columns, Form_pg_attribute attribute, Node *expression, List *context)
{
	columns->names[columns->n] = CStringGetTextDatum(NameStr(attribute->attname));
	columns->types[columns->n] = ObjectIdGetDatum(attribute->atttypid);
	columns->plain[columns->n] = expression == NULL;
	if (expression != NULL)
		columns->expressions[columns->n] =
			CStringGetTextDatum(deparse_expression(expression, context, false, false));
	columns->n++;
}

static Columns
collect(WfFilter *filter, Relation relation, List *context)
{
	TupleDesc	desc = RelationGetDescr(relation);
	int			room = Max(desc->natts + wf_filter_added_columns(filter), 1);
	Columns		columns = {0, palloc(sizeof(Datum) * room), palloc(sizeof(Datum) * room),
		palloc0(sizeof(Datum) * room), palloc(sizeof(bool) * room)};

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->attgenerated == '\0' &&
			wf_filter_sends_column(filter, attribute))
			add(&columns, attribute, wf_filter_expression(filter, i), context);
	}
	for (int i = 0; i < wf_filter_added_columns(filter); i++)
		add(&columns, wf_filter_added_column(filter, i), wf_filter_expression(filter, desc->natts + i), context);
	return columns;
}

static Datum
as_array(Datum *values, bool *nulls, int n, Oid type)
{
	int			dimensions[] = {n};
	int			bounds[] = {1};
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, dimensions, bounds, type,
											  length, by_value, align));
}

/* By what rows are found at the destination. */
static Bitmapset *
identity_of(Relation relation)
{
	Oid			constraint;

	if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return get_primary_key_attnos(RelationGetRelid(relation), false, &constraint);
	return RelationGetIdentityKeyBitmap(relation);
}

/*
 * walferry.sent_rows(relation regclass, tables text, OUT columns text[], OUT types oid[],
 *					  OUT expressions text[], OUT condition text)
 */
Datum
walferry_sent_rows(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	List	   *all = wf_table_settings_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	WfTableSettings *settings = wf_table_settings_find(all, relid);
	Datum		values[4] = {0};
	bool		nulls[4] = {true, true, true, true};
	int			nest_level;
	Relation	relation;
	WfFilter   *filter;
	List	   *context;
	Columns		columns;

	if (settings == NULL)
		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row_type(fcinfo), values, nulls)));

	nest_level = NewGUCNestLevel();
	wf_settings_pin();
	relation = table_open(relid, AccessShareLock);
	filter = wf_filter_create(settings, relation,
							  quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
														 RelationGetRelationName(relation)),
							  identity_of(relation));
	wf_filter_prepare(filter);
	context = deparse_context_for(RelationGetRelationName(relation), relid);
	columns = collect(filter, relation, context);
	values[0] = as_array(columns.names, NULL, columns.n, TEXTOID);
	values[1] = as_array(columns.types, NULL, columns.n, OIDOID);
	values[2] = as_array(columns.expressions, columns.plain, columns.n, TEXTOID);
	nulls[0] = nulls[1] = nulls[2] = false;
	if (wf_filter_condition(filter) != NULL)
	{
		values[3] = CStringGetTextDatum(deparse_expression(wf_filter_condition(filter), context, false, false));
		nulls[3] = false;
	}
	table_close(relation, AccessShareLock);
	AtEOXact_GUC(false, nest_level);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row_type(fcinfo), values, nulls)));
}
