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
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

#include "ddl_log.h"
#include "ddl_select.h"
#include "wire.h"

static void
array_strings(ArrayType *array, char ***strings, int *n)
{
	Datum	   *values;
	bool	   *nulls;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, n);
	*strings = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		(*strings)[i] = nulls[i] ? "" : TextDatumGetCString(values[i]);
}

void
wf_ddl_strings(const WfTuple *row, int column, char ***strings, int *n)
{
	*n = 0;
	if (!row->nulls[column])
		array_strings(DatumGetArrayTypeP(row->values[column]), strings, n);
}

static Datum
string_array(char **strings, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(strings[i]);
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* What belongs to no schema is everybody's. */
static bool
selects(const WfSelection *selection, const char *schema, const char *name)
{
	return *schema == '\0' || wf_selection_selects_name(selection, schema, name);
}

static void
set_statements(WfTuple *row, char **statements, int n)
{
	row->values[WF_DDL_LOG_STATEMENTS] = string_array(statements, n);
	row->nulls[WF_DDL_LOG_STATEMENTS] = false;
}

/* The statement with those of its list's items that are selected; NULL if none is. */
static char *
cut_list(const WfSelection *selection, const WfTuple *row)
{
	StringInfoData sql;
	const char *separator = "";
	char	  **fields;
	int			n;

	wf_ddl_strings(row, WF_DDL_LOG_LIST, &fields, &n);
	if (n <= WF_DDL_LIST_HEAD)
		return NULL;
	initStringInfo(&sql);
	appendStringInfoString(&sql, fields[0]);
	for (int i = WF_DDL_LIST_HEAD; i + WF_DDL_ITEM_FIELDS <= n; i += WF_DDL_ITEM_FIELDS)
	{
		if (!selects(selection, fields[i], fields[i + 1]))
			continue;
		appendStringInfo(&sql, "%s%s", separator, fields[i + 2]);
		separator = ", ";
	}
	appendStringInfoString(&sql, fields[1]);
	return *separator == '\0' ? NULL : sql.data;
}

/* A statement that drops one object that another one's CASCADE has reached, or NULL. */
static char *
drop_alone(const char *type, const char *address)
{
	Datum		array = OidInputFunctionCall(F_ARRAY_IN, (char *) address, TEXTOID, -1);
	char	  **names;
	int			n;

	array_strings(DatumGetArrayTypeP(array), &names, &n);
	if (n == 3 && strcmp(type, "table constraint") == 0)
		return psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s",
						quote_qualified_identifier(names[0], names[1]),
						quote_identifier(names[2]));
	if (n == 2 && (strcmp(type, "table") == 0 || strcmp(type, "view") == 0 ||
				   strcmp(type, "materialized view") == 0 || strcmp(type, "sequence") == 0 ||
				   strcmp(type, "foreign table") == 0))
		return psprintf("DROP %s IF EXISTS %s CASCADE", type,
						quote_qualified_identifier(names[0], names[1]));
	return NULL;
}

/* What the list names, if there is something left of it; then the rest of what has gone. */
static void
drop_selected(WfTuple *row, char *list, char **fields, int n)
{
	char	  **statements = palloc(sizeof(char *) * (n + 1));
	int			nstatements = 0;

	if (list != NULL)
		statements[nstatements++] = list;
	for (int i = 0; i < n; i += WF_DDL_OBJECT_FIELDS)
	{
		char	   *sql = drop_alone(fields[i + 1], fields[i + 4]);

		if (sql != NULL)
			statements[nstatements++] = sql;
	}
	set_statements(row, statements, nstatements);
}

static bool
only_drops(char **fields, int n)
{
	for (int i = 0; i < n; i += WF_DDL_OBJECT_FIELDS)
	{
		if (fields[i][0] != 'D')
			return false;
	}
	return true;
}

bool
wf_ddl_select(const WfSelection *selection, WfTuple *row)
{
	int32		flags = DatumGetInt32(row->values[WF_DDL_LOG_FLAGS]);
	char	  **fields;
	char	  **kept;
	char	   *list;
	int			n;
	int			nkept = 0;

	wf_ddl_strings(row, WF_DDL_LOG_OBJECTS, &fields, &n);
	if ((flags & (WF_DDL_MUTE | WF_DDL_UNMUTE)) != 0 || n == 0)
		return true;
	kept = palloc(sizeof(char *) * n);
	for (int i = 0; i + WF_DDL_OBJECT_FIELDS <= n; i += WF_DDL_OBJECT_FIELDS)
	{
		if (!selects(selection, fields[i + 2], fields[i + 3]))
			continue;
		memcpy(kept + nkept, fields + i, sizeof(char *) * WF_DDL_OBJECT_FIELDS);
		nkept += WF_DDL_OBJECT_FIELDS;
	}
	if (nkept == 0)
		return false;
	if (nkept == n)
		return true;

	row->values[WF_DDL_LOG_FLAGS] = Int32GetDatum(flags | WF_DDL_PARTIAL);
	row->values[WF_DDL_LOG_OBJECTS] = string_array(kept, nkept);
	list = cut_list(selection, row);
	if (only_drops(kept, nkept))
		drop_selected(row, list, kept, nkept);
	else if (list != NULL)
		set_statements(row, &list, 1);
	return true;
}
