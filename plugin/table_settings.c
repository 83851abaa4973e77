/*
 * table_settings.c
 *	  What is sent of single tables: the option tables.
 *
 *	  [{"name": "shop.orders",
 *		"operations": ["insert", "update", "delete", "truncate", "ddl"],
 *		"columns": ["id", "email", "region"],
 *		"where": "region = 'eu'",
 *		"set": {"email": "md5(email)"},
 *		"merge": {"source_id": "'s1'"}}]
 *
 * All but the name may be left out.  The name is a pattern (pattern.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "lib/stringinfo.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "table_settings.h"

static const struct
{
	const char *name;
	WfOperation operation;
}			operations[] =
{
	{"insert", WF_OPERATION_INSERT},
	{"update", WF_OPERATION_UPDATE},
	{"delete", WF_OPERATION_DELETE},
	{"truncate", WF_OPERATION_TRUNCATE},
	{"ddl", WF_OPERATION_DDL},
};

WF_NORETURN static void
reject(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\"", "tables"),
			 errdetail_internal("%s", reason),
			 errhint("It is a JSON array of objects: [{\"name\": \"shop.orders\", \"operations\": [\"insert\"], \"columns\": [\"id\"], \"where\": \"id > 0\", \"set\": {\"email\": \"md5(email)\"}}].")));
}

static char *
read_string(const JsonbValue *value, const char *key)
{
	if (value->type != jbvString)
		reject(psprintf("A value of \"%s\" is not a string.", key));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static List *
read_strings(const JsonbValue *value, const char *key)
{
	List	   *strings = NIL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		reject(psprintf("\"%s\" is not an array.", key));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			strings = lappend(strings, makeString(read_string(&element, key)));
	}
	if (strings == NIL)
		reject(psprintf("\"%s\" is empty.", key));
	return strings;
}

static uint8
read_operations(const JsonbValue *value)
{
	uint8		chosen = 0;
	ListCell   *cell;

	foreach(cell, read_strings(value, "operations"))
	{
		const char *name = strVal(lfirst(cell));
		int			i = 0;

		while (i < lengthof(operations) && strcmp(operations[i].name, name) != 0)
			i++;
		if (i == lengthof(operations))
			reject(psprintf("There is no operation \"%s\": they are insert, update, delete, truncate and ddl.", name));
		chosen |= operations[i].operation;
	}
	return chosen;
}

static List *
read_set(const char *key, const JsonbValue *value, bool part)
{
	List	   *set = NIL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;
	WfSetting  *setting = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		reject(psprintf("\"%s\" is not an object.", key));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			setting = palloc(sizeof(WfSetting));
			setting->part = part;
			setting->column = read_string(&element, key);
			if (*setting->column == '\0' || strlen(setting->column) >= NAMEDATALEN)
				reject(psprintf("\"%s\": no column can have the name \"%s\".", key, setting->column));
		}
		else if (token == WJB_VALUE)
		{
			setting->expression = read_string(&element, key);
			set = lappend(set, setting);
		}
	}
	return set;
}

static void
read_key(WfTableSettings *settings, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "name") == 0)
	{
		List	   *patterns;

		settings->name = read_string(value, key);
		patterns = wf_patterns_read("tables", settings->name);
		if (list_length(patterns) != 1)
			reject(psprintf("The name \"%s\" is more than one pattern.", settings->name));
		settings->pattern = linitial(patterns);
	}
	else if (strcmp(key, "operations") == 0)
		settings->operations = read_operations(value);
	else if (strcmp(key, "columns") == 0)
		settings->columns = read_strings(value, key);
	else if (strcmp(key, "where") == 0)
		settings->where = read_string(value, key);
	else if (strcmp(key, "set") == 0 || strcmp(key, "merge") == 0)
		settings->set = list_concat(settings->set, read_set(key, value, strcmp(key, "merge") == 0));
	else
		reject(psprintf("A table has no setting \"%s\".", key));
}

static WfTableSettings *
read_settings(const JsonbValue *value)
{
	WfTableSettings *settings = palloc0(sizeof(WfTableSettings));
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;
	char	   *key = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		reject("An element is not an object.");
	settings->operations = WF_OPERATIONS_ALL;
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = read_string(&element, "tables");
		else if (token == WJB_VALUE)
			read_key(settings, key, &element);
	}
	if (settings->name == NULL)
		reject("An element has no \"name\".");
	return settings;
}

List *
wf_table_settings_parse(const char *text)
{
	Jsonb	   *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	List	   *all = NIL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		reject("It is not an array.");
	iterator = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			all = lappend(all, read_settings(&element));
	}
	return all;
}

WfTableSettings *
wf_table_settings_by_name(List *all, const char *schema, const char *table)
{
	WfTableSettings *found = NULL;
	ListCell   *cell;

	foreach(cell, all)
	{
		WfTableSettings *settings = lfirst(cell);

		if (!wf_pattern_matches(settings->pattern, schema, table))
			continue;
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table \"%s.%s\" has two settings: those of \"%s\" and of \"%s\"",
							schema, table, found->name, settings->name),
					 errhint("Write the names so that one alone matches.")));
		found = settings;
	}
	return found;
}

static WfTableSettings *
find_by_own_name(List *all, Oid relid)
{
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *table = get_rel_name(relid);

	if (schema == NULL || table == NULL)
		return NULL;
	return wf_table_settings_by_name(all, schema, table);
}

WfTableSettings *
wf_table_settings_find(List *all, Oid relid)
{
	WfTableSettings *found;
	List	   *ancestors;
	ListCell   *cell;

	if (all == NIL)
		return NULL;
	found = find_by_own_name(all, relid);
	if (found != NULL || !get_rel_relispartition(relid))
		return found;
	ancestors = get_partition_ancestors(relid);
	foreach(cell, ancestors)
	{
		found = find_by_own_name(all, lfirst_oid(cell));
		if (found != NULL)
			break;
	}
	return found;
}

static bool
equal_strings(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The keys of a JSON object come in one order. */
static bool
equal_set(List *a, List *b)
{
	ListCell   *cell_a;
	ListCell   *cell_b;

	if (list_length(a) != list_length(b))
		return false;
	forboth(cell_a, a, cell_b, b)
	{
		WfSetting  *of_a = lfirst(cell_a);
		WfSetting  *of_b = lfirst(cell_b);

		if (of_a->part != of_b->part || strcmp(of_a->column, of_b->column) != 0 ||
			strcmp(of_a->expression, of_b->expression) != 0)
			return false;
	}
	return true;
}

bool
wf_table_settings_equal(const WfTableSettings *a, const WfTableSettings *b)
{
	static const WfTableSettings none = {.operations = WF_OPERATIONS_ALL};

	if (a == b)
		return true;
	a = a != NULL ? a : &none;
	b = b != NULL ? b : &none;
	return a->operations == b->operations && equal(a->columns, b->columns) &&
		equal_strings(a->where, b->where) && equal_set(a->set, b->set);
}

static void
append_key(StringInfo text, const char *key)
{
	appendStringInfo(text, "%s\"%s\": ", text->len > 1 ? ", " : "", key);
}

static void
append_operations(StringInfo text, uint8 chosen)
{
	const char *separator = "[";

	append_key(text, "operations");
	for (int i = 0; i < lengthof(operations); i++)
	{
		if ((chosen & operations[i].operation) == 0)
			continue;
		appendStringInfo(text, "%s\"%s\"", separator, operations[i].name);
		separator = ", ";
	}
	appendStringInfoChar(text, ']');
}

static void
append_columns(StringInfo text, List *columns)
{
	ListCell   *cell;

	append_key(text, "columns");
	foreach(cell, columns)
	{
		appendStringInfoString(text, foreach_current_index(cell) > 0 ? ", " : "[");
		escape_json(text, strVal(lfirst(cell)));
	}
	appendStringInfoChar(text, ']');
}

static void
append_set(StringInfo text, const char *key, List *set, bool part)
{
	const char *separator = "{";
	ListCell   *cell;

	foreach(cell, set)
	{
		WfSetting  *setting = lfirst(cell);

		if (setting->part != part)
			continue;
		if (*separator == '{')
			append_key(text, key);
		appendStringInfoString(text, separator);
		escape_json(text, setting->column);
		appendStringInfoString(text, ": ");
		escape_json(text, setting->expression);
		separator = ", ";
	}
	if (*separator == ',')
		appendStringInfoChar(text, '}');
}

char *
wf_table_settings_text(const WfTableSettings *settings)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	if (settings->operations != WF_OPERATIONS_ALL)
		append_operations(&text, settings->operations);
	if (settings->columns != NIL)
		append_columns(&text, settings->columns);
	if (settings->where != NULL)
	{
		append_key(&text, "where");
		escape_json(&text, settings->where);
	}
	append_set(&text, "set", settings->set, false);
	append_set(&text, "merge", settings->set, true);
	appendStringInfoChar(&text, '}');
	return text.data;
}

bool
wf_table_settings_change_rows(const WfTableSettings *settings)
{
	return settings != NULL &&
		(settings->columns != NIL || settings->where != NULL || settings->set != NIL);
}
