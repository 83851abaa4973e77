/*
 * pattern.c
 *	  Patterns that choose tables and other objects by their names.
 *
 * A pattern is schema.table in psql's language: an asterisk stands for any
 * run of characters, a question mark for one, letters are folded to lower
 * case, double quotes keep what is inside as it is.  A part between slashes is
 * a regular expression that the whole name matches.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "regex/regex.h"
#include "utils/builtins.h"

#include "compat.h"
#include "pattern.h"

/* Elements of a name pattern: bytes stand for themselves, these for more. */
#define ANY_RUN 0x100
#define ANY_CHARACTER 0x101

typedef struct NamePattern
{
	int			length;
	uint16	   *elements;
	text	   *regex;			/* instead of elements */
} NamePattern;

struct WfPattern
{
	NamePattern schema;
	NamePattern table;
};

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
			 errhint("Write patterns as schema.table, separated by commas, as in: shop.*, public.order_?, shop./order_[0-9]+/, \"Old Shop\".\"Order\".")));
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

/*
 * Compiled to see whether it can be, and then kept by the server's own cache: by
 * that it is found again when a name is matched.
 */
static void
read_regex(PatternReader *reader, NamePattern *pattern)
{
	StringInfoData regex;

	initStringInfo(&regex);
	appendStringInfoString(&regex, "^(?:");
	for (reader->next++; *reader->next != '/'; reader->next++)
	{
		if (*reader->next == '\\' && reader->next[1] == '/')
			reader->next++;
		else if (*reader->next == '\\' && reader->next[1] != '\0')
			appendStringInfoChar(&regex, *reader->next++);
		if (*reader->next == '\0')
			reject(reader, "The slash that ends a regular expression is missing.");
		appendStringInfoChar(&regex, *reader->next);
	}
	if (regex.len == strlen("^(?:"))
		reject(reader, "A name is empty.");
	reader->next++;
	appendStringInfoString(&regex, ")$");
	pattern->regex = cstring_to_text_with_len(regex.data, regex.len);
	(void) RE_compile_and_cache(pattern->regex, REG_ADVANCED, C_COLLATION_OID);
}

static void
read_name(PatternReader *reader, NamePattern *pattern)
{
	const char *start = reader->next;

	pattern->regex = NULL;
	if (*start == '/')
	{
		read_regex(reader, pattern);
		return;
	}
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

static WfPattern *
read_table(PatternReader *reader)
{
	WfPattern *pattern = palloc(sizeof(WfPattern));

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

List *
wf_patterns_read(const char *option, const char *text)
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

	if (pattern->regex != NULL)
		return RE_compile_and_execute(pattern->regex, unconstify(char *, name), strlen(name),
									  REG_ADVANCED, C_COLLATION_OID, 0, NULL);

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

bool
wf_pattern_matches(const WfPattern *pattern, const char *schema, const char *table)
{
	return matches_name(&pattern->schema, schema) && matches_name(&pattern->table, table);
}

bool
wf_pattern_matches_schema(const WfPattern *pattern, const char *schema)
{
	return matches_name(&pattern->schema, schema);
}

bool
wf_pattern_takes_whole_schema(const WfPattern *pattern)
{
	return pattern->table.regex == NULL && pattern->table.length == 1 &&
		pattern->table.elements[0] == ANY_RUN;
}

bool
wf_patterns_match(List *patterns, const char *schema, const char *table)
{
	ListCell   *cell;

	foreach(cell, patterns)
	{
		if (wf_pattern_matches(lfirst(cell), schema, table))
			return true;
	}
	return false;
}
