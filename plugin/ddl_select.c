/*
 * ddl_select.c
 *	  What of a DDL statement's record the reader's selection lets through.
 *
 * A statement is selected by its objects.  One that lists objects is cut to those
 * that are selected; one that drops others along with what it names is replaced by
 * statements that drop just those that are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

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

/* The statement with those of its list's items that are selected; NULL if none is. */
static char *
cut_list(const WfSelection *selection, const WfTuple *row)
{
	List	   *fields = wf_ddl_strings(row, WF_DDL_LOG_LIST);
	List	   *texts = NIL;

	for (int i = WF_DDL_LIST_HEAD; i < list_length(fields); i += WF_DDL_ITEM_FIELDS)
	{
		if (selects(selection, list_nth(fields, i), list_nth(fields, i + 1)))
			texts = lappend(texts, list_nth(fields, i + 2));
	}
	return texts == NIL ? NULL :
		psprintf("%s%s%s", (const char *) linitial(fields),
				 wf_string_list_join(texts, ", "), (const char *) lsecond(fields));
}

/* A statement that drops one object that another one's CASCADE has reached, or NULL. */
static char *
drop_alone(const char *type, const char *address)
{
	List	   *names = wf_string_list_from(OidInputFunctionCall(F_ARRAY_IN, (char *) address,
																   TEXTOID, -1));
	int			n = list_length(names);

	if (n == 3 && strcmp(type, "table constraint") == 0)
		return psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s",
						quote_qualified_identifier(linitial(names), lsecond(names)),
						quote_identifier(lthird(names)));
	if (n == 2 && (strcmp(type, "table") == 0 || strcmp(type, "view") == 0 ||
				   strcmp(type, "materialized view") == 0 || strcmp(type, "sequence") == 0 ||
				   strcmp(type, "foreign table") == 0))
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

static List *
selected_objects(const WfSelection *selection, List *objects)
{
	List	   *selected = NIL;

	for (int i = 0; i < list_length(objects); i += WF_DDL_OBJECT_FIELDS)
	{
		if (!selects(selection, list_nth(objects, i + 2), list_nth(objects, i + 3)))
			continue;
		for (int field = 0; field < WF_DDL_OBJECT_FIELDS; field++)
			selected = lappend(selected, list_nth(objects, i + field));
	}
	return selected;
}

bool
wf_ddl_select(const WfSelection *selection, WfTuple *row)
{
	int32		flags = DatumGetInt32(row->values[WF_DDL_LOG_FLAGS]);
	List	   *objects = wf_ddl_strings(row, WF_DDL_LOG_OBJECTS);
	List	   *selected;
	List	   *statements;
	char	   *list;

	if ((flags & (WF_DDL_MUTE | WF_DDL_UNMUTE)) != 0 || objects == NIL)
		return true;
	selected = selected_objects(selection, objects);
	if (selected == NIL)
		return false;
	if (list_length(selected) == list_length(objects))
		return true;

	row->values[WF_DDL_LOG_FLAGS] = Int32GetDatum(flags | WF_DDL_PARTIAL);
	row->values[WF_DDL_LOG_OBJECTS] = wf_string_list_array(selected);

	/* What the list names, if there is something left of it; then the rest of what has gone. */
	list = cut_list(selection, row);
	statements = list != NULL ? list_make1(list) : NIL;
	if (only_drops(selected))
		statements = list_concat(statements, drop_each(selected));
	else if (list == NULL)
		return true;
	row->values[WF_DDL_LOG_STATEMENTS] = wf_string_list_array(statements);
	row->nulls[WF_DDL_LOG_STATEMENTS] = false;
	return true;
}
