/*
 * selection.c
 *	  Matches tables against the include and exclude patterns.
 *
 * A pattern is schema.table in psql's language: an asterisk stands for any
 * run of characters, a question mark for one, letters are folded to lower
 * case, double quotes keep what is inside as it is.  The SQL function selects
 * answers with the same code that the stream runs, so that the initial copy
 * and the stream can't disagree.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "selection.h"
#include "walferry.h"

PG_FUNCTION_INFO_V1(walferry_selects);

/* Elements of a name pattern: bytes stand for themselves, these for more. */
#define ANY_RUN 0x100
#define ANY_CHARACTER 0x101

typedef struct NamePattern
{
	int			length;
	uint16	   *elements;
} NamePattern;

typedef struct TablePattern
{
	NamePattern schema;
	NamePattern table;
} TablePattern;

/* One list of patterns while it is read. */
typedef struct PatternReader
{
	const char *option;			/* for errors */
	const char *text;
	const char *next;
} PatternReader;

WF_NORETURN static void
reject(const PatternReader *reader, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"",
					reader->option, reader->text),
			 errdetail("%s", reason),
			 errhint("Write patterns as schema.table, separated by commas, as in: shop.*, public.order_?, \"Old Shop\".\"Order\".")));
}

static void
skip_space(PatternReader *reader)
{
	while (isspace((unsigned char) *reader->next))
		reader->next++;
}

/* As the parser folds an identifier that is not quoted. */
static unsigned char
fold(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c + 'a' - 'A';
	if (IS_HIGHBIT_SET(c) && pg_database_encoding_max_length() == 1 && isupper(c))
		return tolower(c);
	return c;
}

static void
read_quoted(PatternReader *reader, NamePattern *pattern)
{
	reader->next++;
	for (;;)
	{
		if (*reader->next == '\0')
			reject(reader, "A double quote is not closed.");
		if (*reader->next == '"' && *++reader->next != '"')
			return;
		pattern->elements[pattern->length++] = (unsigned char) *reader->next++;
	}
}

static void
read_name(PatternReader *reader, NamePattern *pattern)
{
	const char *start = reader->next;

	pattern->length = 0;
	pattern->elements = palloc(sizeof(uint16) * (strlen(start) + 1));

	while (*reader->next != '\0' && *reader->next != '.' &&
		   *reader->next != ',' && !isspace((unsigned char) *reader->next))
	{
		if (*reader->next == '"')
		{
			read_quoted(reader, pattern);
			continue;
		}
		if (*reader->next == '*')
			pattern->elements[pattern->length++] = ANY_RUN;
		else if (*reader->next == '?')
			pattern->elements[pattern->length++] = ANY_CHARACTER;
		else
			pattern->elements[pattern->length++] = fold(*reader->next);
		reader->next++;
	}
	if (pattern->length == 0)
		reject(reader, "A name is empty.");
}

static TablePattern *
read_table(PatternReader *reader)
{
	TablePattern *pattern = palloc(sizeof(TablePattern));

	skip_space(reader);
	read_name(reader, &pattern->schema);
	if (*reader->next != '.')
		reject(reader, "A pattern has no schema, or a name with a space is not quoted.");
	reader->next++;
	read_name(reader, &pattern->table);
	skip_space(reader);
	if (*reader->next != '\0' && *reader->next != ',')
		reject(reader, "A pattern has more than a schema and a table, or a name with a space is not quoted.");
	return pattern;
}

static List *
read_list(const char *option, const char *text)
{
	PatternReader reader = {option, text, text};
	List	   *patterns = NIL;

	for (;;)
	{
		patterns = lappend(patterns, read_table(&reader));
		if (*reader.next == '\0')
			return patterns;
		reader.next++;
	}
}

void
wf_selection_parse(const char *include, const char *exclude,
				   WfSelection *selection)
{
	selection->include = read_list("include", include);
	selection->exclude = *exclude != '\0' ? read_list("exclude", exclude) : NIL;
}

static const char *
next_character(const char *name)
{
	return name + pg_encoding_mblen(GetDatabaseEncoding(), name);
}

/*
 * Only the last asterisk is ever tried again with a longer run: whatever an
 * earlier one could cover, the last can too.
 */
static bool
matches_name(const NamePattern *pattern, const char *name)
{
	int			at = 0;
	int			after_run = -1;
	const char *run_end = NULL;

	while (*name != '\0')
	{
		uint16		element = at < pattern->length ? pattern->elements[at] : 0;

		if (element == ANY_RUN)
		{
			after_run = ++at;
			run_end = name;
		}
		else if (element == ANY_CHARACTER)
		{
			at++;
			name = next_character(name);
		}
		else if (element == (unsigned char) *name)
		{
			at++;
			name++;
		}
		else if (after_run >= 0)
		{
			at = after_run;
			name = run_end = next_character(run_end);
		}
		else
			return false;
	}
	while (at < pattern->length && pattern->elements[at] == ANY_RUN)
		at++;
	return at == pattern->length;
}

static bool
matches_any(List *patterns, const char *schema, const char *table)
{
	ListCell   *cell;

	foreach(cell, patterns)
	{
		TablePattern *pattern = lfirst(cell);

		if (matches_name(&pattern->schema, schema) &&
			matches_name(&pattern->table, table))
			return true;
	}
	return false;
}

/*
 * The patterns alone, for a relation of a user's of any kind: a view or a
 * sequence is chosen by them too, although the stream has nothing of it.
 * Catalogs (information_schema is one) and the extension's schema never are.
 */
static bool
patterns_select(const WfSelection *selection, Oid relid, Form_pg_class class)
{
	const char *schema;
	const char *table = NameStr(class->relname);

	if (relid < FirstNormalObjectId)
		return false;

	schema = get_namespace_name(class->relnamespace);
	if (schema == NULL)
		elog(ERROR, "cache lookup failed for namespace %u",
			 class->relnamespace);
	return strcmp(schema, WF_SCHEMA) != 0 &&
		matches_any(selection->include, schema, table) &&
		!matches_any(selection->exclude, schema, table);
}

/*
 * Ordinary tables alone: no partitioned parents, whose rows lie elsewhere, and
 * no materialized views, which the destination refreshes itself.
 */
bool
wf_selection_selects(const WfSelection *selection, Oid relid,
					 Form_pg_class class)
{
	return class->relkind == RELKIND_RELATION &&
		class->relpersistence == RELPERSISTENCE_PERMANENT &&
		patterns_select(selection, relid, class);
}

bool
wf_selection_selects_rewrite(const WfSelection *selection, Oid relid,
							 Form_pg_class class)
{
	return class->relkind == RELKIND_RELATION &&
		patterns_select(selection, relid, class);
}

static bool
selects_schema(const WfSelection *selection, const char *schema)
{
	ListCell   *cell;

	foreach(cell, selection->exclude)
	{
		TablePattern *pattern = lfirst(cell);

		if (matches_name(&pattern->schema, schema) && pattern->table.length == 1 &&
			pattern->table.elements[0] == ANY_RUN)
			return false;
	}
	foreach(cell, selection->include)
	{
		TablePattern *pattern = lfirst(cell);

		if (matches_name(&pattern->schema, schema))
			return true;
	}
	return false;
}

bool
wf_selection_selects_name(const WfSelection *selection, const char *schema,
						  const char *name)
{
	if (strcmp(schema, WF_SCHEMA) == 0)
		return false;
	if (name == NULL || *name == '\0')
		return selects_schema(selection, schema);
	return matches_any(selection->include, schema, name) &&
		!matches_any(selection->exclude, schema, name);
}

/* walferry.selects(relation regclass, include text, exclude text) */
Datum
walferry_selects(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	WfSelection selection;
	HeapTuple	tuple;
	bool		selects;

	wf_selection_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)),
					   text_to_cstring(PG_GETARG_TEXT_PP(2)), &selection);

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	selects = patterns_select(&selection, relid,
							  (Form_pg_class) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	PG_RETURN_BOOL(selects);
}
