/*
 * ddl_select.c
 *	  What of a DDL statement's record the reader's selection lets through.
 *
 * A statement is selected by its objects, and an object that can't be without a
 * relation that isn't selected is not there at the destination.  A statement that
 * lists objects is cut to those that are; one that drops others along with what it
 * names is replaced by statements that drop just those that are; one whose text names
 * what is not selected, by those of its pieces that do without.  A note says so.
 * A table whose settings leave DDL out is selected for its rows alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "ddl_log.h"
#include "ddl_select.h"
#include "string_list.h"
#include "wire.h"

List *
wf_ddl_strings(const WfTuple *row, int column)
{
	return row->nulls[column] ? NIL : wf_string_list_from(row->values[column]);
}

/* What belongs to no schema is everybody's. */
static bool
selects(const WfSelection *selection, const char *schema, const char *name)
{
	return *schema == '\0' || wf_selection_selects_name(selection, schema, name);
}

static List *
strings_of(const char *literal)
{
	return wf_string_list_from(OidInputFunctionCall(F_ARRAY_IN, (char *) literal, TEXTOID, -1));
}

/* Adds to missing which of the needs, names of relations, are not selected; is it none? */
static bool
has_all(const WfSelection *selection, const char *needs, List **missing)
{
	List	   *names = strings_of(needs);
	bool		all = true;

	for (int i = 0; i < list_length(names); i += 2)
	{
		char	   *schema = list_nth(names, i);
		char	   *name = list_nth(names, i + 1);

		if (selects(selection, schema, name))
			continue;
		all = false;
		*missing = list_append_unique(*missing,
									  makeString(quote_qualified_identifier(schema, name)));
	}
	return all;
}

static bool
has_any(const WfSelection *selection, const char *literal)
{
	List	   *names = strings_of(literal);

	for (int i = 0; i < list_length(names); i += 2)
	{
		if (selects(selection, list_nth(names, i), list_nth(names, i + 1)))
			return true;
	}
	return false;
}

/*
 * The statement with those of its list's items that are selected; NULL if none is.
 * Sets cut if they are not all.
 */
static char *
cut_list(const WfSelection *selection, const WfTuple *row, bool *cut, List **missing)
{
	List	   *fields = wf_ddl_strings(row, WF_DDL_LOG_LIST);
	List	   *texts = NIL;

	for (int i = WF_DDL_LIST_HEAD; i < list_length(fields); i += WF_DDL_ITEM_FIELDS)
	{
		if (selects(selection, list_nth(fields, i), list_nth(fields, i + 1)) &&
			has_all(selection, list_nth(fields, i + 3), missing))
			texts = lappend(texts, list_nth(fields, i + 2));
		else
			*cut = true;
	}
	return texts == NIL ? NULL :
		psprintf("%s%s%s", (const char *) linitial(fields),
				 wf_string_list_join(texts, ", "), (const char *) lsecond(fields));
}

/* Does the text need something that is not selected?  Then statements are those of its pieces that don't. */
static bool
take_pieces(const WfSelection *selection, const WfTuple *row, List **statements, List **missing)
{
	List	   *fields = wf_ddl_strings(row, WF_DDL_LOG_PIECES);

	if (fields == NIL || has_all(selection, linitial(fields), missing))
		return false;
	*statements = NIL;
	for (int i = WF_DDL_PIECES_HEAD; i < list_length(fields); i += WF_DDL_PIECE_FIELDS)
	{
		if (has_all(selection, list_nth(fields, i), missing) &&
			!has_any(selection, list_nth(fields, i + 1)))
			*statements = lappend(*statements, list_nth(fields, i + 2));
	}
	return true;
}

/* A statement that drops one object that another one's CASCADE has reached, or NULL. */
static char *
drop_alone(const char *type, const char *address)
{
	List	   *names = strings_of(address);
	int			n = list_length(names);

	if (n == 3 && strcmp(type, "table constraint") == 0)
		return psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s",
						quote_qualified_identifier(linitial(names), lsecond(names)),
						quote_identifier(lthird(names)));
	if (n == 3 && strcmp(type, "table column") == 0)
		return psprintf("ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %s CASCADE",
						quote_qualified_identifier(linitial(names), lsecond(names)),
						quote_identifier(lthird(names)));
	if (n == 2 && (strcmp(type, "table") == 0 || strcmp(type, "view") == 0 ||
				   strcmp(type, "materialized view") == 0 || strcmp(type, "sequence") == 0 ||
				   strcmp(type, "foreign table") == 0 || strcmp(type, "index") == 0))
		return psprintf("DROP %s IF EXISTS %s CASCADE", type,
						quote_qualified_identifier(linitial(names), lsecond(names)));
	return NULL;
}

/* Statements for each of the objects. */
static List *
drop_each(List *objects)
{
	List	   *statements = NIL;

	for (int i = 0; i < list_length(objects); i += WF_DDL_OBJECT_FIELDS)
	{
		char	   *sql = drop_alone(list_nth(objects, i + 1), list_nth(objects, i + 4));

		if (sql != NULL)
			statements = lappend(statements, sql);
	}
	return statements;
}

static bool
only_drops(List *objects)
{
	for (int i = 0; i < list_length(objects); i += WF_DDL_OBJECT_FIELDS)
	{
		if (strcmp(list_nth(objects, i), "D") != 0)
			return false;
	}
	return true;
}

/* By the table's name; as a partition too, if it is still there. */
static const WfTableSettings *
settings_of(const WfOptions *options, const char *schema, const char *name)
{
	Oid			namespace;
	Oid			relid;

	if (options->tables == NIL || *name == '\0')
		return NULL;
	namespace = get_namespace_oid(schema, true);
	relid = OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
	return OidIsValid(relid) ? wf_table_settings_find(options->tables, relid)
		: wf_table_settings_by_name(options->tables, schema, name);
}

static bool
follows_ddl(const WfOptions *options, const char *schema, const char *name)
{
	const WfTableSettings *settings = settings_of(options, schema, name);

	return settings == NULL || (settings->operations & WF_OPERATION_DDL) != 0;
}

/* Those that are selected and can be; others is how many are not selected by their own names. */
static List *
selected_objects(const WfOptions *options, List *objects, int *others, List **missing)
{
	const WfSelection *selection = &options->selection;
	List	   *selected = NIL;

	for (int i = 0; i < list_length(objects); i += WF_DDL_OBJECT_FIELDS)
	{
		if (!selects(selection, list_nth(objects, i + 2), list_nth(objects, i + 3)) ||
			!follows_ddl(options, list_nth(objects, i + 2), list_nth(objects, i + 3)))
		{
			++*others;
			continue;
		}
		if (!has_all(selection, list_nth(objects, i + 6), missing))
			continue;
		for (int field = 0; field < WF_DDL_OBJECT_FIELDS; field++)
			selected = lappend(selected, list_nth(objects, i + field));
	}
	return selected;
}

static void
set_note(WfTuple *row, char *note)
{
	row->values[WF_DDL_LOG_NOTE] = CStringGetTextDatum(note);
	row->nulls[WF_DDL_LOG_NOTE] = false;
}

static void
note_missing(WfTuple *row, List *missing)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, missing)
		names = lappend(names, strVal(lfirst(cell)));
	if (names != NIL)
		set_note(row, psprintf("not selected: %s", wf_string_list_join(names, ", ")));
}

static void
set_flag(WfTuple *row, int32 flag)
{
	row->values[WF_DDL_LOG_FLAGS] = Int32GetDatum(DatumGetInt32(row->values[WF_DDL_LOG_FLAGS]) | flag);
}

/*
 * Of the tables that are rewritten, those that are there.  Rows that are not sent as
 * they are, the statement can't make from those that the destination has.
 */
static List *
selected_rewritten(const WfOptions *options, WfTuple *row)
{
	List	   *tables = wf_ddl_strings(row, WF_DDL_LOG_REWRITTEN);
	List	   *selected = NIL;

	for (int i = 0; i < list_length(tables); i += WF_DDL_REWRITTEN_FIELDS)
	{
		const char *schema = list_nth(tables, i + 3);
		const char *name = list_nth(tables, i + 4);
		const WfTableSettings *settings = settings_of(options, schema, name);
		bool		refilled = strcmp(list_nth(tables, i + 2), "t") == 0 ||
			wf_table_settings_change_rows(settings);

		if (!selects(&options->selection, schema, name) || !follows_ddl(options, schema, name))
			continue;
		if (refilled && settings != NULL &&
			(settings->operations & WF_OPERATIONS_OF_ROWS) != WF_OPERATIONS_OF_ROWS)
		{
			set_flag(row, WF_DDL_STOP);
			set_note(row, psprintf("it computes the rows of %s anew, of which the task's settings leave out operations",
								   quote_qualified_identifier(schema, name)));
		}
		for (int field = 0; field < WF_DDL_REWRITTEN_FIELDS; field++)
			selected = lappend(selected, field == 2 ? pstrdup(refilled ? "t" : "f")
							   : list_nth(tables, i + field));
	}
	return selected;
}

static void
set_statements(WfTuple *row, List *statements)
{
	if (statements == NIL)
		set_flag(row, WF_DDL_SKIP);
	row->values[WF_DDL_LOG_STATEMENTS] = wf_string_list_array(statements);
	row->nulls[WF_DDL_LOG_STATEMENTS] = false;
}

/* Of a statement that gives what was selected a name that isn't: it stays here as it was. */
static bool
note_leaving(const WfSelection *selection, WfTuple *row)
{
	List	   *former = wf_ddl_strings(row, WF_DDL_LOG_FORMER);
	char	   *schema;
	char	   *name;

	if (former == NIL)
		return false;
	schema = linitial(former);
	name = lsecond(former);
	if (!selects(selection, schema, name))
		return false;
	set_flag(row, WF_DDL_SKIP);
	set_note(row, psprintf("no longer selected, and kept as it is: %s",
						   *name == '\0' ? quote_identifier(schema) : quote_qualified_identifier(schema, name)));
	return true;
}

/* Of a statement that gives a table which was not selected a name that is: its rows are not at the destination. */
static void
note_entering(const WfSelection *selection, WfTuple *row, List *selected)
{
	List	   *former = wf_ddl_strings(row, WF_DDL_LOG_FORMER);
	char	   *table;

	if (former == NIL || strcmp(list_nth(selected, 1), "table") != 0 ||
		selects(selection, linitial(former), lsecond(former)))
		return;
	table = quote_qualified_identifier(list_nth(selected, 2), list_nth(selected, 3));
	set_flag(row, WF_DDL_STOP);
	set_note(row, psprintf("by it %s comes into the selection, which has rows that are not at the destination. "
						   "Make the table there by hand, then have this statement count as done, "
						   "and the table copied by \"walferry table recopy FILE %s\"", table, table));
}

/* Is it so for each settings that they match both names or neither? */
static bool
match_alike(List *all, const char *schema, const char *other_schema)
{
	ListCell   *cell;

	foreach(cell, all)
	{
		WfPattern  *pattern = ((WfTableSettings *) lfirst(cell))->pattern;

		if (wf_pattern_matches_schema(pattern, schema) != wf_pattern_matches_schema(pattern, other_schema))
			return false;
	}
	return true;
}

/*
 * Settings go by names: under a new one, what they hold back would leave the source.
 */
static void
check_new_name(const WfOptions *options, const WfTuple *row, List *objects)
{
	List	   *former = wf_ddl_strings(row, WF_DDL_LOG_FORMER);

	if (former == NIL || options->tables == NIL)
		return;
	for (int i = 0; i < list_length(objects); i += WF_DDL_OBJECT_FIELDS)
	{
		const char *type = list_nth(objects, i + 1);
		const char *schema = list_nth(objects, i + 2);
		const char *name = list_nth(objects, i + 3);
		bool		same = strcmp(type, "table") == 0
			? wf_table_settings_equal(wf_table_settings_by_name(options->tables, linitial(former), lsecond(former)),
									  wf_table_settings_by_name(options->tables, schema, name))
			: strcmp(type, "schema") != 0 || match_alike(options->tables, linitial(former), schema);

		if (!same && selects(&options->selection, schema, name))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s has got a new name, for which the task has other settings", quote_identifier(lsecond(former))),
					 errdetail("The statement: %s", TextDatumGetCString(row->values[WF_DDL_LOG_STATEMENT])),
					 errhint("In the task file, give it the same settings under its new name.")));
	}
}

bool
wf_ddl_select(const WfOptions *options, WfTuple *row)
{
	const WfSelection *selection = &options->selection;
	int32		flags = DatumGetInt32(row->values[WF_DDL_LOG_FLAGS]);
	List	   *objects = wf_ddl_strings(row, WF_DDL_LOG_OBJECTS);
	int			others = 0;
	List	   *missing = NIL;
	List	   *selected;
	List	   *statements = NIL;
	char	   *list;
	bool		cut = false;

	if ((flags & (WF_DDL_MUTE | WF_DDL_UNMUTE)) != 0 || objects == NIL)
		return true;
	check_new_name(options, row, objects);
	selected = selected_objects(options, objects, &others, &missing);
	if (selected == NIL && missing == NIL)
		return note_leaving(selection, row);
	row->values[WF_DDL_LOG_OBJECTS] = wf_string_list_array(selected);
	if (selected != NIL)
		note_entering(selection, row, selected);
	if (others > 0)
		set_flag(row, WF_DDL_PARTIAL);
	row->values[WF_DDL_LOG_REWRITTEN] =
		wf_string_list_array(selected_rewritten(options, row));

	/* What the list names, if there is something left of it; then the rest of what has gone. */
	list = cut_list(selection, row, &cut, &missing);
	if (selected == NIL)
		set_statements(row, NIL);
	else if (take_pieces(selection, row, &statements, &missing))
		set_statements(row, statements);
	else if (others > 0 || cut)
	{
		if (list != NULL)
			statements = list_make1(list);
		if (others > 0 && only_drops(selected))
			statements = list_concat(statements, drop_each(selected));
		if (statements != NIL)
			set_statements(row, statements);
	}
	note_missing(row, missing);
	row->values[WF_DDL_LOG_PIECES] = wf_string_list_array(NIL);	/* the reader is spared them */
	return true;
}
