/*
 * string_list.c
 *	  Lists of strings: as text[], from one, and joined.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "string_list.h"

Datum
wf_string_list_array(List *strings)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, strings)
		values[n++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

List *
wf_string_list_from(Datum array)
{
	List	   *strings = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		strings = lappend(strings, nulls[i] ? "" : TextDatumGetCString(values[i]));
	return strings;
}

char *
wf_string_list_join(List *strings, const char *separator)
{
	StringInfoData joined;
	ListCell   *cell;

	initStringInfo(&joined);
	foreach(cell, strings)
		appendStringInfo(&joined, "%s%s", joined.len > 0 ? separator : "",
						 (const char *) lfirst(cell));
	return joined.data;
}
