/*
 * ddl_rewrite.c
 *	  What the destination runs where it can't run the statement's own text.
 *
 * The text is what is sent whenever it means the same at the destination.  It
 * doesn't where it reads what only the source has: the rows of a query, the clock,
 * a temporary table, the names that the server chooses, the newest version of an
 * extension.  There the catalogs tell what came of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/genam.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/scanner.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ddl.h"
#include "settings.h"
#include "wire.h"

/* --- pieces of SQL ----------------------------------------------------------- */

static char *
relation_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

static char *
type_name(Oid type, int32 typmod)
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

	return expression == NULL ? NULL : deparse_expression(expression, context, false, false);
}

static bool
is_created_table(const WfDdlObject *object)
{
	return object->operation == WF_DDL_CREATE && !object->implied &&
		object->address.classId == RelationRelationId &&
		object->address.objectSubId == 0 &&
		get_rel_relkind(object->address.objectId) == RELKIND_RELATION;
}

static Oid
created_table(const WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (is_created_table(object))
			return object->address.objectId;
	}
	return InvalidOid;
}

/* --- CREATE TABLE AS ----------------------------------------------------------- */

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
						 type_name(column->atttypid, column->atttypmod));
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
wf_ddl_create_table(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s (",
					 relation->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
					 relation_name(relid));
	append_columns(&sql, relation);
	appendStringInfoChar(&sql, ')');
	if (relation->rd_rel->relam != HEAP_TABLE_AM_OID)
		appendStringInfo(&sql, " USING %s", quote_identifier(get_am_name(relation->rd_rel->relam)));
	append_options(&sql, relid);
	relation_close(relation, AccessShareLock);
	return sql.data;
}

/* --- CREATE EXTENSION ---------------------------------------------------------- */

/* By name; with the schema and the version that it has got. */
static char *
create_extension(Oid extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *sql = NULL;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
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
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return sql;
}

/* Those that CASCADE made come first, as they were made. */
static void
create_extensions(WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		char	   *sql = NULL;

		if (object->operation != WF_DDL_CREATE)
			continue;
		if (object->address.classId == NamespaceRelationId)
			sql = psprintf("CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(object->schema));
		else if (object->address.classId == ExtensionRelationId)
			sql = create_extension(object->address.objectId);
		if (sql != NULL)
			ddl->statements = lappend(ddl->statements, sql);
	}
}

/* --- CONCURRENTLY -------------------------------------------------------------- */

/* Under its name, wherever that came from. */
static void
create_index(WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		char	   *definition;
		char	   *name;

		if (object->operation != WF_DDL_CREATE || object->implied ||
			get_rel_relkind(object->address.objectId) != RELKIND_INDEX)
			continue;
		definition = pg_get_indexdef_string(object->address.objectId);
		name = strstr(definition, "INDEX ") + strlen("INDEX ");
		ddl->statements = list_make1(psprintf("%.*sCONCURRENTLY %s",
											  (int) (name - definition), definition, name));
	}
}

static void
detach_partition(WfDdl *ddl, AlterTableCmd *command)
{
	PartitionCmd *partition = (PartitionCmd *) command->def;
	Oid			parent = RangeVarGetRelid(((AlterTableStmt *) ddl->tree)->relation, NoLock, true);
	Oid			child = RangeVarGetRelid(partition->name, NoLock, true);

	/* What FINALIZE ends, the destination has never begun. */
	if (command->subtype == AT_DetachPartitionFinalize && OidIsValid(parent) && OidIsValid(child))
		ddl->statements = list_make1(psprintf("ALTER TABLE %s DETACH PARTITION %s",
											  relation_name(parent), relation_name(child)));
}

/* --- CLUSTER ------------------------------------------------------------------- */

/* In which order rows lie is each server's own affair; by which index is the table's definition. */
static void
cluster_on(WfDdl *ddl, const ClusterStmt *statement)
{
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, true);

	if (OidIsValid(relid))
		ddl->statements = list_make1(psprintf("ALTER TABLE %s CLUSTER ON %s", relation_name(relid),
											  quote_identifier(statement->indexname)));
}

/* --- lists --------------------------------------------------------------------- */

/* Without the temporary objects, which the destination has never seen. */
static void
cut_list(WfDdl *ddl)
{
	StringInfoData sql;
	const char *separator = "";
	bool		temporary = false;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfoString(&sql, ddl->list_prefix);
	foreach(cell, ddl->list_items)
	{
		WfDdlItem  *item = lfirst(cell);

		if (item->temporary)
			temporary = true;
		else
		{
			appendStringInfo(&sql, "%s%s", separator, item->text);
			separator = ", ";
		}
	}
	appendStringInfoString(&sql, ddl->list_suffix);
	if (temporary)
		ddl->statements = list_make1(sql.data);
}

/* --- values that were computed once --------------------------------------------- */

/* A part of the text to be replaced. */
typedef struct Slice
{
	int			start;
	int			end;
	const char *replacement;
} Slice;

static int
compare_slices(const ListCell *a, const ListCell *b)
{
	return ((Slice *) lfirst(a))->start - ((Slice *) lfirst(b))->start;
}

static char *
replace_slices(const char *text, List *slices)
{
	StringInfoData out;
	int			at = 0;
	ListCell   *cell;

	initStringInfo(&out);
	list_sort(slices, compare_slices);
	foreach(cell, slices)
	{
		Slice	   *slice = lfirst(cell);

		appendBinaryStringInfo(&out, text + at, slice->start - at);
		appendStringInfoString(&out, slice->replacement);
		at = slice->end;
	}
	appendStringInfoString(&out, text + at);
	return out.data;
}

/* Is this the place of another of the column's clauses? */
static bool
begins_clause(const ColumnDef *column, int location)
{
	ListCell   *cell;

	if (column->collClause != NULL && column->collClause->location == location)
		return true;
	foreach(cell, column->constraints)
	{
		if (((Constraint *) lfirst(cell))->location == location)
			return true;
	}
	return false;
}

/*
 * Where the expression of a DEFAULT clause ends: before the column's next clause,
 * or the comma or parenthesis that ends the column.
 */
static int
end_of_default(const WfDdl *ddl, const ColumnDef *column, int start)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(ddl->text + start, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	int			depth = 0;
	int			end = strlen(ddl->text);

	for (;;)
	{
		core_YYSTYPE value;
		YYLTYPE		location;
		int			token = core_yylex(&value, &location, scanner);
		int			at = start + location;

		if (token == 0)
			break;
		if (depth == 0 && location > 0 &&
			(token == ',' || token == ')' || token == ';' ||
			 begins_clause(column, at + ddl->text_offset)))
		{
			end = at;
			break;
		}
		if (token == '(' || token == '[')
			depth++;
		else if (token == ')' || token == ']')
			depth--;
	}
	scanner_finish(scanner);
	return end;
}

static Constraint *
default_of(const ColumnDef *column)
{
	ListCell   *cell;

	foreach(cell, column->constraints)
	{
		Constraint *constraint = lfirst(cell);

		if (constraint->contype == CONSTR_DEFAULT)
			return constraint;
	}
	return NULL;
}

static ColumnDef *
added_column(const AlterTableStmt *statement, const char *name)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AddColumn &&
			strcmp(((ColumnDef *) command->def)->colname, name) == 0)
			return (ColumnDef *) command->def;
	}
	return NULL;
}

/* A value as a literal of its column's type. */
static char *
literal(Datum value, bool null, const FormData_pg_attribute *column)
{
	Oid			output;
	bool		varlena;
	int			nest;
	char	   *text;

	if (null)
		return psprintf("NULL::%s", type_name(column->atttypid, column->atttypmod));
	getTypeOutputInfo(column->atttypid, &output, &varlena);
	nest = NewGUCNestLevel();
	wf_settings_pin();
	text = OidOutputFunctionCall(output, value);
	AtEOXact_GUC(false, nest);
	return psprintf("%s::%s", quote_literal_cstr(text),
					type_name(column->atttypid, column->atttypmod));
}

static char *
set_default(Relation relation, const FormData_pg_attribute *column)
{
	char	   *expression = default_expression(relation, column->attnum);

	if (expression == NULL || column->attgenerated != '\0' || column->attidentity != '\0')
		return NULL;
	return psprintf("ALTER TABLE ONLY %s ALTER COLUMN %s SET DEFAULT %s",
					relation_name(RelationGetRelid(relation)),
					quote_identifier(NameStr(column->attname)), expression);
}

/* What ADD COLUMN has done to one table. */
static void
pin_added_column(WfDdl *ddl, Relation relation, AttrNumber attnum, List **slices,
				 List **values)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	Node	   *expression;
	Datum		value;
	bool		null;
	char	   *text;
	ColumnDef  *definition;
	Constraint *clause;

	/* Only where rows stay as they were is the value in the catalog. */
	if (!column->atthasmissing || column->attisdropped)
		return;
	expression = build_column_default(relation, attnum);
	if (expression == NULL || !contain_mutable_functions(expression))
		return;
	value = getmissingattr(RelationGetDescr(relation), attnum, &null);
	text = literal(value, null, column);

	definition = added_column((AlterTableStmt *) ddl->tree, NameStr(column->attname));
	clause = definition != NULL ? default_of(definition) : NULL;
	if (clause != NULL && clause->location >= ddl->text_offset)
	{
		Slice	   *slice = palloc(sizeof(Slice));
		ListCell   *cell;

		slice->start = clause->location - ddl->text_offset;
		slice->end = end_of_default(ddl, definition, slice->start);
		slice->replacement = psprintf("DEFAULT %s ", text);
		foreach(cell, *slices)	/* a child's, which has the same */
		{
			if (((Slice *) lfirst(cell))->start == slice->start)
				break;
		}
		if (cell == NULL)
			*slices = lappend(*slices, slice);
		return;
	}

	/* The default is the type's own: a domain's. */
	*values = lappend(*values, psprintf("UPDATE ONLY %s SET %s = %s",
										relation_name(RelationGetRelid(relation)),
										quote_identifier(NameStr(column->attname)), text));
}

/*
 * ADD COLUMN with a default that is stable: its value was computed once and rows
 * were not written, so that nothing but the catalog tells what they hold.
 */
static void
pin_added_columns(WfDdl *ddl)
{
	List	   *slices = NIL;
	List	   *values = NIL;
	List	   *defaults = NIL;
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Relation	relation;
		char	   *sql;

		if (object->operation != WF_DDL_CREATE || object->implied ||
			object->address.classId != RelationRelationId ||
			object->address.objectSubId <= 0)
			continue;
		relation = relation_open(object->address.objectId, AccessShareLock);
		pin_added_column(ddl, relation, object->address.objectSubId, &slices, &values);

		/* Should the literal take the default's place, then in all tables. */
		sql = set_default(relation, TupleDescAttr(RelationGetDescr(relation),
												  object->address.objectSubId - 1));
		if (sql != NULL)
			defaults = lappend(defaults, sql);
		relation_close(relation, AccessShareLock);
	}
	if (slices != NIL || values != NIL)
		ddl->statements = list_concat(list_make1(replace_slices(ddl->text, slices)), values);
	if (slices != NIL)
		ddl->statements = list_concat(ddl->statements, defaults);
}

/* A constant such as 'now' means another moment each time that it is read. */
static bool
names_a_moment(const char *text)
{
	static const char *const words[] = {"'now", "'today", "'tomorrow", "'yesterday"};

	for (const char *at = strchr(text, '\''); at != NULL; at = strchr(at + 1, '\''))
	{
		for (int i = 0; i < lengthof(words); i++)
		{
			if (pg_strncasecmp(at, words[i], strlen(words[i])) == 0)
				return true;
		}
	}
	return false;
}

static void
pin_defaults_of(WfDdl *ddl, Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		char	   *sql = column->attisdropped || !column->atthasdef ? NULL :
			set_default(relation, column);

		if (sql != NULL)
			ddl->statements = lappend(ddl->statements, sql);
	}
	relation_close(relation, AccessShareLock);
}

/* The moment that the constant meant in this transaction, or NULL if it means none. */
static const char *
moment(const char *quoted)
{
	DateADT		today = GetSQLCurrentDate();
	Datum		text;
	int			nest;

	nest = NewGUCNestLevel();
	(void) set_config_option("DateStyle", "ISO", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	if (pg_strncasecmp(quoted, "'now'", 5) == 0)
		text = DirectFunctionCall1(timestamptz_out,
								   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	else if (pg_strncasecmp(quoted, "'today'", 7) == 0)
		text = DirectFunctionCall1(date_out, DateADTGetDatum(today));
	else if (pg_strncasecmp(quoted, "'tomorrow'", 10) == 0)
		text = DirectFunctionCall1(date_out, DateADTGetDatum(today + 1));
	else if (pg_strncasecmp(quoted, "'yesterday'", 11) == 0)
		text = DirectFunctionCall1(date_out, DateADTGetDatum(today - 1));
	else
		text = (Datum) 0;
	AtEOXact_GUC(false, nest);
	return text == (Datum) 0 ? NULL : quote_literal_cstr(DatumGetCString(text));
}

static bool
names_time_type(const char *text)
{
	static const char *const types[] = {"timestamptz", "timestamp", "timetz", "time", "date"};

	for (int i = 0; i < lengthof(types); i++)
	{
		size_t		length = strlen(types[i]);

		if (pg_strncasecmp(text, types[i], length) == 0 && !isalnum((unsigned char) text[length]) &&
			text[length] != '_')
			return true;
	}
	return false;
}

/* Constants that are cast to a type of time, wherever they stand. */
static List *
moments_in_text(WfDdl *ddl)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(ddl->text, &extra, &ScanKeywords, ScanKeywordTokens);
	List	   *slices = NIL;
	const char *before = "";	/* the token before the constant */
	Slice	   *open = NULL;	/* a constant, if a type follows it */

	for (;;)
	{
		core_YYSTYPE value;
		YYLTYPE		location;
		int			token = core_yylex(&value, &location, scanner);
		const char *at = ddl->text + location;
		const char *replacement;

		if (token == 0)
			break;
		if (open != NULL && strncmp(at, "::", 2) != 0)
		{
			if (names_time_type(before) || names_time_type(at))
				slices = lappend(slices, open);
			open = NULL;
		}
		replacement = *at == '\'' ? moment(at) : NULL;
		if (replacement != NULL)
		{
			open = palloc(sizeof(Slice));
			open->start = location;
			open->end = strchr(at + 1, '\'') + 1 - ddl->text;
			open->replacement = replacement;
			if (names_time_type(before))
			{
				slices = lappend(slices, open);
				open = NULL;
			}
		}
		if (strncmp(at, "::", 2) != 0)
			before = at;
	}
	scanner_finish(scanner);
	return slices;
}

static void
pin_moments(WfDdl *ddl)
{
	List	   *slices;
	List	   *seen = NIL;
	ListCell   *cell;

	if (!names_a_moment(ddl->text))
		return;
	if (ddl->statements == NIL)
	{
		slices = moments_in_text(ddl);
		if (slices != NIL)
			ddl->statements = list_make1(replace_slices(ddl->text, slices));
	}
	if (!IsA(ddl->tree, CreateStmt) && !IsA(ddl->tree, AlterTableStmt))
		return;
	if (ddl->statements == NIL)
		ddl->statements = list_make1((void *) ddl->text);
	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Oid			relid = object->address.objectId;
		char		kind;

		if (object->operation == WF_DDL_DROP || object->implied ||
			object->address.classId != RelationRelationId || list_member_oid(seen, relid))
			continue;
		seen = lappend_oid(seen, relid);
		kind = get_rel_relkind(relid);
		if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
			pin_defaults_of(ddl, relid);
	}
}

/* --- partition bounds ------------------------------------------------------------- */

static bool
is_constant(List *values)
{
	ListCell   *cell;

	foreach(cell, values)
	{
		Node	   *value = lfirst(cell);

		/* MINVALUE and MAXVALUE are column references to the grammar. */
		if (!IsA(value, A_Const) && !IsA(value, ColumnRef))
			return false;
	}
	return true;
}

/* Behind the parentheses that follow: one pair, or two with TO between. */
static int
end_of_bound(const WfDdl *ddl, int start, int pairs)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(ddl->text + start, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	int			depth = 0;
	int			end = -1;

	for (;;)
	{
		core_YYSTYPE value;
		YYLTYPE		location;
		int			token = core_yylex(&value, &location, scanner);

		if (token == 0)
			break;
		if (token == '(')
			depth++;
		else if (token == ')' && --depth == 0 && --pairs == 0)
		{
			end = start + location + 1;
			break;
		}
	}
	scanner_finish(scanner);
	return end;
}

static void
pin_bound(WfDdl *ddl, const PartitionBoundSpec *bound, Oid partition)
{
	Slice		slice;
	HeapTuple	tuple;
	Datum		value;
	bool		null;
	char	   *current;

	if (bound == NULL || bound->is_default || !OidIsValid(partition) ||
		(is_constant(bound->listdatums) && is_constant(bound->lowerdatums) &&
		 is_constant(bound->upperdatums)))
		return;
	slice.start = bound->location - ddl->text_offset;
	if (bound->location < 0 || slice.start < 0)
		return;
	slice.end = end_of_bound(ddl, slice.start, bound->strategy == PARTITION_STRATEGY_RANGE ? 2 : 1);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(partition));
	if (slice.end < 0 || !HeapTupleIsValid(tuple))
		return;
	value = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &null);
	if (!null)
	{
		char	   *tree = TextDatumGetCString(value);

		current = deparse_expression(stringToNode(tree), NIL, false, false);
		slice.replacement = current + strlen("FOR VALUES ");
		ddl->statements = list_make1(replace_slices(ddl->text, list_make1(&slice)));
	}
	ReleaseSysCache(tuple);
}

static void
pin_bounds(WfDdl *ddl)
{
	ListCell   *cell;

	if (IsA(ddl->tree, CreateStmt))
	{
		pin_bound(ddl, ((CreateStmt *) ddl->tree)->partbound, created_table(ddl));
		return;
	}
	foreach(cell, ((AlterTableStmt *) ddl->tree)->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AttachPartition)
		{
			PartitionCmd *partition = (PartitionCmd *) command->def;

			pin_bound(ddl, partition->bound, RangeVarGetRelid(partition->name, NoLock, true));
		}
		else if (command->subtype == AT_DetachPartition ||
				 command->subtype == AT_DetachPartitionFinalize)
			detach_partition(ddl, command);
	}
}

/* --- what is computed anew at the destination ----------------------------------------- */

/* Any function of that name will do: which one is meant, only the parser knows. */
static bool
may_be_mutable(List *name)
{
	FuncCandidateList candidate =
		FuncnameGetCandidates(name, -1, NIL, false, false, false, true);

	for (; candidate != NULL; candidate = candidate->next)
	{
		if (func_volatile(candidate->oid) != PROVOLATILE_IMMUTABLE)
			return true;
	}
	return false;
}

static bool
mutable_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) || IsA(node, SubLink))
		return true;
	if (IsA(node, FuncCall) && may_be_mutable(((FuncCall *) node)->funcname))
		return true;
	return raw_expression_tree_walker(node, mutable_walker, context);
}

bool
wf_ddl_uses_volatile(const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AlterColumnType &&
			mutable_walker(((ColumnDef *) command->def)->raw_default, NULL))
			return true;
	}
	return false;
}

/* --- CREATE TABLE (LIKE temporary table) ------------------------------------------------ */

static bool
is_like_temporary(const CreateStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->tableElts)
	{
		Node	   *element = lfirst(cell);

		if (IsA(element, TableLikeClause))
		{
			Oid			relid = RangeVarGetRelid(((TableLikeClause *) element)->relation,
												 NoLock, true);

			if (OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
				return true;
		}
	}
	return false;
}

/*
 * CREATE TABLE (LIKE ..) copies an index too that CREATE INDEX CONCURRENTLY has failed
 * to complete, and that the destination has never had.
 */
static bool
has_invalid_index(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			continue;
		found |= !((Form_pg_index) GETSTRUCT(tuple))->indisvalid;
		ReleaseSysCache(tuple);
	}
	relation_close(relation, AccessShareLock);
	return found;
}

static bool
is_like_invalid_index(const CreateStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->tableElts)
	{
		Node	   *element = lfirst(cell);
		Oid			relid = InvalidOid;

		if (IsA(element, TableLikeClause))
			relid = RangeVarGetRelid(((TableLikeClause *) element)->relation, NoLock, true);
		if (OidIsValid(relid) && has_invalid_index(relid))
			return true;
	}
	return false;
}

/* Those that the statement has made and the destination's has not. */
static void
append_indexes(WfDdl *ddl)
{
	ListCell   *cell;

	if (ddl->statements == NIL)
		ddl->statements = list_make1((void *) ddl->text);
	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Oid			oid = object->address.objectId;
		char	   *definition;
		char	   *name;

		if (object->operation != WF_DDL_CREATE || object->implied ||
			object->address.classId != RelationRelationId ||
			get_rel_relkind(oid) != RELKIND_INDEX || OidIsValid(get_index_constraint(oid)))
			continue;
		definition = pg_get_indexdef_string(oid);
		name = strstr(definition, "INDEX ") + strlen("INDEX ");
		ddl->statements = lappend(ddl->statements, psprintf("%.*sIF NOT EXISTS %s",
															(int) (name - definition), definition, name));
	}
}

static void
append_comment(WfDdl *ddl, Oid relid, Form_pg_attribute column)
{
	char	   *comment = GetComment(relid, RelationRelationId, column->attnum);

	if (comment != NULL)
		ddl->statements = lappend(ddl->statements,
								  psprintf("COMMENT ON COLUMN %s.%s IS %s", relation_name(relid),
										   quote_identifier(NameStr(column->attname)),
										   quote_literal_cstr(comment)));
}

static void
append_definitions(WfDdl *ddl, Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	char	   *name = relation_name(relid);
	ListCell   *cell;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		const char *quoted = quote_identifier(NameStr(column->attname));
		char	   *sql = column->attisdropped || !column->atthasdef ? NULL :
			set_default(relation, column);

		if (sql != NULL)
			ddl->statements = lappend(ddl->statements, sql);
		if (!column->attisdropped)
			append_comment(ddl, relid, column);
		if (!column->attisdropped && column->attnotnull)
			ddl->statements = lappend(ddl->statements,
									  psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
											   name, quoted));
	}
	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Oid			oid = object->address.objectId;

		if (object->operation != WF_DDL_CREATE || object->implied)
			continue;
		if (object->address.classId == ConstraintRelationId)
			ddl->statements = lappend(ddl->statements, pg_get_constraintdef_command(oid));
		else if (object->address.classId == RelationRelationId &&
				 get_rel_relkind(oid) == RELKIND_INDEX &&
				 !OidIsValid(get_index_constraint(oid)))
			ddl->statements = lappend(ddl->statements, pg_get_indexdef_string(oid));
	}
	relation_close(relation, AccessShareLock);
}

/* --- passwords ------------------------------------------------------------------------ */

static DefElem *
password_option(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "password") == 0 && option->arg != NULL)
			return option;
	}
	return NULL;
}

/* What the server keeps of the role's password, as a literal. */
static char *
verifier(const char *role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	Datum		value;
	bool		null;
	char	   *literal = "NULL";

	if (!HeapTupleIsValid(tuple))
		return literal;
	value = SysCacheGetAttr(AUTHNAME, tuple, Anum_pg_authid_rolpassword, &null);
	if (!null)
		literal = quote_literal_cstr(TextDatumGetCString(value));
	ReleaseSysCache(tuple);
	return literal;
}

/* The text without its password; the destination gets what the server keeps of that. */
static void
hide_password(WfDdl *ddl, List *options, const char *role)
{
	DefElem    *option = password_option(options);
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		location;
	Slice		slice = {0, 0, NULL};

	if (option == NULL)
		return;
	slice.start = option->location - ddl->text_offset;
	if (option->location < 0 || slice.start < 0 || slice.start >= (int) strlen(ddl->text))
		slice.start = 0;		/* then nothing of it is kept */

	/* The option's words up to the string, and the string. */
	scanner = scanner_init(ddl->text + slice.start, &extra, &ScanKeywords, ScanKeywordTokens);
	while (core_yylex(&value, &location, scanner) != 0)
	{
		const char *at = ddl->text + slice.start + location;

		if (*at == '\'' || *at == '$' || pg_strncasecmp(at, "e'", 2) == 0 ||
			pg_strncasecmp(at, "u&'", 3) == 0)
		{
			YYLTYPE		next;

			slice.end = core_yylex(&value, &next, scanner) == 0 ?
				(int) strlen(ddl->text) : slice.start + next;
			break;
		}
	}
	scanner_finish(scanner);
	if (slice.end == 0)
		slice.end = strlen(ddl->text);
	slice.replacement = psprintf("PASSWORD %s ", verifier(role));
	ddl->statements = list_make1(replace_slices(ddl->text, list_make1(&slice)));
	slice.replacement = "PASSWORD '...' ";
	ddl->text = replace_slices(ddl->text, list_make1(&slice));
}

/* --------------------------------------------------------------------------------------- */

void
wf_ddl_choose_statements(WfDdl *ddl)
{
	Oid			table;

	switch (nodeTag(ddl->tree))
	{
		case T_CreateTableAsStmt:
			table = created_table(ddl);
			if (((CreateTableAsStmt *) ddl->tree)->objtype == OBJECT_TABLE && OidIsValid(table))
				ddl->statements = list_make1(wf_ddl_create_table(table));
			break;
		case T_CreateExtensionStmt:
			create_extensions(ddl);
			break;
		case T_ClusterStmt:
			cluster_on(ddl, (ClusterStmt *) ddl->tree);
			break;
		case T_CreateRoleStmt:
			hide_password(ddl, ((CreateRoleStmt *) ddl->tree)->options,
						  ((CreateRoleStmt *) ddl->tree)->role);
			break;
		case T_AlterRoleStmt:
			hide_password(ddl, ((AlterRoleStmt *) ddl->tree)->options,
						  get_rolespec_name(((AlterRoleStmt *) ddl->tree)->role));
			break;
		case T_IndexStmt:
			if (((IndexStmt *) ddl->tree)->concurrent)
				create_index(ddl);
			else
				pin_moments(ddl);
			break;
		case T_DropStmt:
		case T_GrantStmt:
			if (ddl->list_items != NIL)
				cut_list(ddl);
			break;
		case T_CreateStmt:
			table = created_table(ddl);
			if (OidIsValid(table) && is_like_temporary((CreateStmt *) ddl->tree))
			{
				ddl->statements = list_make1(wf_ddl_create_table(table));
				append_definitions(ddl, table);
				break;
			}
			pin_bounds(ddl);
			pin_moments(ddl);
			if (is_like_invalid_index((CreateStmt *) ddl->tree))
				append_indexes(ddl);
			break;
		case T_AlterTableStmt:
			pin_bounds(ddl);
			pin_added_columns(ddl);
			pin_moments(ddl);
			break;
		default:
			pin_moments(ddl);
			break;
	}
}
