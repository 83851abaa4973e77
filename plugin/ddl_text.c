/*
 * ddl_text.c
 *	  A statement's text with the parts replaced that mean something else at the
 *	  destination, or that are nobody's business.
 *
 * The parse tree says where a part begins; where it ends, the server's own scanner.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "optimizer/optimizer.h"
#include "parser/scanner.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "ddl_definition.h"
#include "ddl_text.h"
#include "settings.h"

/* --- parts of a text ----------------------------------------------------------- */

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

/* The tokens of a text from some place on. */
typedef struct Tokens
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	const char *text;
	int			start;
} Tokens;

static void
tokens_begin(Tokens *tokens, const char *text, int start)
{
	tokens->text = text;
	tokens->start = start;
	tokens->scanner = scanner_init(text + start, &tokens->extra, &ScanKeywords,
								   ScanKeywordTokens);
}

/* 0 at the end; at is the token's place in the text, or the text's end. */
static int
tokens_next(Tokens *tokens, int *at)
{
	core_YYSTYPE value;
	YYLTYPE		location;
	int			token = core_yylex(&value, &location, tokens->scanner);

	*at = token != 0 ? tokens->start + location : (int) strlen(tokens->text);
	return token;
}

static void
tokens_end(Tokens *tokens)
{
	scanner_finish(tokens->scanner);
}

/* --- ADD COLUMN ------------------------------------------------------------------ */

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
 * Where a clause of a column ends: before the column's next one, or the comma or
 * parenthesis that ends the column.
 */
static int
end_of_clause(const WfDdl *ddl, const ColumnDef *column, int start)
{
	Tokens		tokens;
	int			token;
	int			at;
	int			depth = 0;

	tokens_begin(&tokens, ddl->text, start);
	while ((token = tokens_next(&tokens, &at)) != 0)
	{
		if (depth == 0 && at > start &&
			(token == ',' || token == ')' || token == ';' ||
			 begins_clause(column, at + ddl->text_offset)))
			break;
		if (token == '(' || token == '[')
			depth++;
		else if (token == ')' || token == ']')
			depth--;
	}
	tokens_end(&tokens);
	return at;
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
		return psprintf("NULL::%s", wf_type_name(column->atttypid, column->atttypmod));
	getTypeOutputInfo(column->atttypid, &output, &varlena);
	nest = NewGUCNestLevel();
	wf_settings_pin();
	text = OidOutputFunctionCall(output, value);
	AtEOXact_GUC(false, nest);
	return psprintf("%s::%s", quote_literal_cstr(text),
					wf_type_name(column->atttypid, column->atttypmod));
}

/* One that goes with the statement, and is of one table alone. */
static void
add_statement(WfDdl *ddl, Oid relid, const char *sql)
{
	while (list_length(ddl->statement_needs) < list_length(ddl->statements))
		ddl->statement_needs = lappend(ddl->statement_needs, NIL);
	ddl->statements = lappend(ddl->statements, (void *) sql);
	ddl->statement_needs = lappend(ddl->statement_needs, wf_ddl_name_of(relid));
}

typedef struct TableStatement
{
	Oid			relid;
	const char *sql;
} TableStatement;

static List *
append_table_statement(List *list, Oid relid, const char *sql)
{
	TableStatement *statement = palloc(sizeof(TableStatement));

	statement->relid = relid;
	statement->sql = sql;
	return lappend(list, statement);
}

static void
add_statements(WfDdl *ddl, List *list)
{
	ListCell   *cell;

	foreach(cell, list)
		add_statement(ddl, ((TableStatement *) lfirst(cell))->relid,
					  ((TableStatement *) lfirst(cell))->sql);
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
		slice->end = end_of_clause(ddl, definition, slice->start);
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
	*values = append_table_statement(*values, RelationGetRelid(relation),
									 psprintf("UPDATE ONLY %s SET %s = %s",
											  wf_relation_name(RelationGetRelid(relation)),
											  quote_identifier(NameStr(column->attname)), text));
}

void
wf_pin_added_columns(WfDdl *ddl)
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
		sql = wf_set_default(relation, TupleDescAttr(RelationGetDescr(relation),
												  object->address.objectSubId - 1));
		if (sql != NULL)
			defaults = append_table_statement(defaults, object->address.objectId, sql);
		relation_close(relation, AccessShareLock);
	}
	if (slices == NIL && values == NIL)
		return;
	ddl->statements = list_make1(replace_slices(ddl->text, slices));
	add_statements(ddl, values);
	if (slices != NIL)
		add_statements(ddl, defaults);
}

/* --- moments ----------------------------------------------------------------------- */

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
		char	   *sql = wf_set_default(relation, TupleDescAttr(desc, i));

		if (sql != NULL)
			add_statement(ddl, relid, sql);
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
	Tokens		tokens;
	int			place;
	List	   *slices = NIL;
	const char *before = "";	/* the token before, leaving out a cast's colons */
	Slice	   *open = NULL;	/* a constant, if a type follows it */

	tokens_begin(&tokens, ddl->text, 0);
	while (tokens_next(&tokens, &place) != 0)
	{
		const char *at = ddl->text + place;
		const char *replacement;

		if (strncmp(at, "::", 2) == 0)
			continue;
		if (open != NULL && names_time_type(at))
			slices = lappend(slices, open);
		open = NULL;
		replacement = *at == '\'' ? moment(at) : NULL;
		if (replacement != NULL)
		{
			open = palloc(sizeof(Slice));
			open->start = place;
			open->end = strchr(at + 1, '\'') + 1 - ddl->text;
			open->replacement = replacement;
			if (names_time_type(before))
			{
				slices = lappend(slices, open);
				open = NULL;
			}
		}
		before = at;
	}
	tokens_end(&tokens);
	return slices;
}

void
wf_pin_moments(WfDdl *ddl)
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

/* --- partition bounds ---------------------------------------------------------------- */

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

/* Behind the parentheses that follow: one pair, or two with TO between; -1 if there are none. */
static int
end_of_bound(const WfDdl *ddl, int start, int pairs)
{
	Tokens		tokens;
	int			token;
	int			at;
	int			depth = 0;
	int			end = -1;

	tokens_begin(&tokens, ddl->text, start);
	while (end < 0 && (token = tokens_next(&tokens, &at)) != 0)
	{
		if (token == '(')
			depth++;
		else if (token == ')' && --depth == 0 && --pairs == 0)
			end = at + 1;
	}
	tokens_end(&tokens);
	return end;
}

void
wf_pin_bound(WfDdl *ddl, const PartitionBoundSpec *bound, Oid partition)
{
	Slice		slice;
	char	   *current;

	if (bound == NULL || bound->is_default || !OidIsValid(partition) ||
		(is_constant(bound->listdatums) && is_constant(bound->lowerdatums) &&
		 is_constant(bound->upperdatums)))
		return;
	slice.start = bound->location - ddl->text_offset;
	if (bound->location < 0 || slice.start < 0)
		return;
	slice.end = end_of_bound(ddl, slice.start, bound->strategy == PARTITION_STRATEGY_RANGE ? 2 : 1);
	current = wf_partition_bound(partition);
	if (slice.end < 0 || current == NULL)
		return;
	slice.replacement = current + strlen("FOR VALUES ");
	ddl->statements = list_make1(replace_slices(ddl->text, list_make1(&slice)));
}

/* --- subcommands of ALTER TABLE ------------------------------------------------------- */

/* Behind the table's name, with which the text that starts here begins. */
static int
end_of_name(Tokens *tokens, const RangeVar *name, int *token)
{
	int			parts = 1 + (name->schemaname != NULL) + (name->catalogname != NULL);
	int			at = 0;

	for (int i = 0; i < 2 * parts - 1; i++)
		*token = tokens_next(tokens, &at);
	do
		*token = tokens_next(tokens, &at);
	while (*token == '*' || *token == ')');
	return at;
}

bool
wf_find_commands(const WfDdl *ddl, const AlterTableStmt *statement, WfCommands *commands)
{
	int			ncommands = list_length(statement->cmds);
	int			start = statement->relation->location - ddl->text_offset;
	Tokens		tokens;
	int			token;
	int			at;
	int			depth = 0;

	if (statement->relation->location < 0 || start < 0 || start >= (int) strlen(ddl->text))
		return false;
	commands->starts = palloc(sizeof(int) * (ncommands + 1));
	commands->ends = palloc(sizeof(int) * (ncommands + 1));
	commands->count = 0;
	tokens_begin(&tokens, ddl->text, start);
	at = end_of_name(&tokens, statement->relation, &token);
	commands->starts[0] = at;
	while (commands->count < ncommands)
	{
		if (token == 0 || token == ';' || (depth == 0 && token == ','))
		{
			commands->ends[commands->count++] = at;
			if (token != ',')
				break;
			(void) tokens_next(&tokens, &commands->starts[commands->count]);
		}
		else if (token == '(' || token == '[')
			depth++;
		else if (token == ')' || token == ']')
			depth--;
		token = tokens_next(&tokens, &at);
	}
	tokens_end(&tokens);
	return commands->count == ncommands && token != ',';
}

char *
wf_command_alone(const WfDdl *ddl, const WfCommands *commands, int i)
{
	return psprintf("%.*s%.*s", commands->starts[0], ddl->text,
					commands->ends[i] - commands->starts[i], ddl->text + commands->starts[i]);
}

/* Places stay what they are. */
static void
blank(char *text, int start, int end)
{
	memset(text + start, ' ', end - start);
}

/* A foreign key among a column's clauses, with the words behind it that say when it is checked. */
static void
blank_reference(const WfDdl *ddl, char *text, const Constraint *constraint, const ColumnDef *column)
{
	int			start = constraint->location - ddl->text_offset;
	ColumnDef	others = *column;
	ListCell   *cell;

	others.constraints = NIL;
	foreach(cell, column->constraints)
	{
		ConstrType	type = ((Constraint *) lfirst(cell))->contype;

		if (type != CONSTR_ATTR_DEFERRABLE && type != CONSTR_ATTR_NOT_DEFERRABLE &&
			type != CONSTR_ATTR_DEFERRED && type != CONSTR_ATTR_IMMEDIATE)
			others.constraints = lappend(others.constraints, lfirst(cell));
	}
	blank(text, start, end_of_clause(ddl, &others, start));
}

char *
wf_commands_without(const WfDdl *ddl, const WfCommands *commands, List **needs, List *references)
{
	const AlterTableStmt *statement = (AlterTableStmt *) ddl->tree;
	char	   *text = pstrdup(ddl->text);
	bool		kept = false;

	for (int i = 0; i < commands->count; i++)
	{
		AlterTableCmd *command = list_nth(statement->cmds, i);
		ListCell   *cell;

		/* The comma before it stays if it has something on both sides. */
		if (i > 0 && (needs[i] != NIL || !kept))
			blank(text, commands->ends[i - 1], commands->starts[i]);
		if (needs[i] != NIL)
		{
			blank(text, commands->starts[i], commands->ends[i]);
			continue;
		}
		kept = true;
		foreach(cell, references)
		{
			ColumnDef  *column = (ColumnDef *) command->def;

			if (command->subtype == AT_AddColumn && list_member_ptr(column->constraints, lfirst(cell)))
				blank_reference(ddl, text, lfirst(cell), column);
		}
	}
	return kept ? text : NULL;
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

static bool
begins_string(const char *text)
{
	return *text == '\'' || *text == '$' || pg_strncasecmp(text, "e'", 2) == 0 ||
		pg_strncasecmp(text, "u&'", 3) == 0;
}

/* Behind the string that follows, or the text's end. */
static int
end_of_string(const char *text, int start)
{
	Tokens		tokens;
	int			at;

	tokens_begin(&tokens, text, start);
	while (tokens_next(&tokens, &at) != 0)
	{
		if (begins_string(text + at))
		{
			(void) tokens_next(&tokens, &at);
			break;
		}
	}
	tokens_end(&tokens);
	return at;
}

void
wf_hide_password(WfDdl *ddl, List *options, const char *role)
{
	DefElem    *option = password_option(options);
	Slice		slice = {0, 0, NULL};

	if (option == NULL)
		return;
	slice.start = option->location - ddl->text_offset;
	if (option->location < 0 || slice.start < 0 || slice.start >= (int) strlen(ddl->text))
		slice.start = 0;		/* then nothing of it is kept */
	slice.end = end_of_string(ddl->text, slice.start);
	slice.replacement = psprintf("PASSWORD %s ", verifier(role));
	ddl->statements = list_make1(replace_slices(ddl->text, list_make1(&slice)));
	slice.replacement = "PASSWORD '...' ";
	ddl->text = replace_slices(ddl->text, list_make1(&slice));
}
