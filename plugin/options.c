/*
 * options.c
 *	  Parses and checks the plugin options.
 *
 * docs/protocol.md lists them.  Every error names the option and what it
 * accepts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"

#include "options.h"
#include "wire.h"

/* The options as they were written; NULL where one was not given. */
typedef struct RawOptions
{
	const char *protocol;
	const char *include;
	const char *exclude;
	const char *tables;
	const char *settled;
	const char *output;
	const char *positions;
	const char *streaming;
	const char *origin;
} RawOptions;

/* Where the value of the option goes. */
static const char **
raw_option(RawOptions *raw, const char *name)
{
	if (strcmp(name, "protocol") == 0)
		return &raw->protocol;
	if (strcmp(name, "include") == 0)
		return &raw->include;
	if (strcmp(name, "exclude") == 0)
		return &raw->exclude;
	if (strcmp(name, "tables") == 0)
		return &raw->tables;
	if (strcmp(name, "settled") == 0)
		return &raw->settled;
	if (strcmp(name, "output") == 0)
		return &raw->output;
	if (strcmp(name, "positions") == 0)
		return &raw->positions;
	if (strcmp(name, "streaming") == 0)
		return &raw->streaming;
	if (strcmp(name, "origin") == 0)
		return &raw->origin;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("output plugin \"walferry\" has no option \"%s\"", name),
			 errhint("The options are protocol, include, exclude, tables, settled, output, positions, streaming and origin.")));
}

static RawOptions
collect(List *elements)
{
	RawOptions	raw = {0};
	ListCell   *cell;

	foreach(cell, elements)
	{
		DefElem    *element = lfirst_node(DefElem, cell);
		const char **value = raw_option(&raw, element->defname);

		if (*value != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("option \"%s\" is given more than once",
							element->defname)));
		if (element->arg == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" needs a value",
							element->defname)));
		*value = strVal(element->arg);
	}
	return raw;
}

/* Is the option the second of two words?  The first is the default. */
static bool
is_second(const char *name, const char *value,
		  const char *first, const char *second)
{
	if (value == NULL || strcmp(value, first) == 0)
		return false;
	if (strcmp(value, second) == 0)
		return true;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", name, value),
			 errhint("Accepted values are \"%s\" and \"%s\".", first, second)));
}

static List *
read_oids(const char *name, const char *value)
{
	List	   *oids = NIL;
	char	   *end;

	for (const char *next = value;; next = end + 1)
	{
		unsigned long oid;

		errno = 0;
		oid = strtoul(next, &end, 10);
		if (errno != 0 || end == next || (*end != ',' && *end != '\0') || oid == 0 || oid > PG_UINT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid value for option \"%s\": \"%s\"", name, value),
					 errhint("It is a list of OIDs, separated by commas.")));
		oids = lappend_oid(oids, (Oid) oid);
		if (*end == '\0')
			return oids;
	}
}

static void
check_protocol(const char *value)
{
	char	   *end;
	long		version;

	errno = 0;
	version = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || version < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\": \"%s\"",
						"protocol", value),
				 errhint("Accepted is the number of a protocol version; this plugin writes version %d.",
						 WF_PROTOCOL_VERSION)));
	if (version != WF_PROTOCOL_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("protocol version %ld is not supported; this plugin writes version %d",
						version, WF_PROTOCOL_VERSION),
				 errhint("Install the same version of walferry at the source and beside the applier.")));
}

/* Binary output needs a reader that knows the format and takes bytes as they are. */
static void
check_binary(const RawOptions *raw)
{
	if (raw->protocol == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" is missing", "protocol"),
				 errdetail("Binary output needs the protocol version that the reader understands; this plugin writes version %d.",
						   WF_PROTOCOL_VERSION),
				 errhint("For output to be read by people, set option \"output\" to \"text\".")));
	if (raw->positions != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" applies to text output only",
						"positions")));
	if (pg_get_client_encoding() != GetDatabaseEncoding())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("client encoding \"%s\" differs from the encoding of the database, \"%s\"",
						pg_get_client_encoding_name(),
						GetDatabaseEncodingName()),
				 errdetail("Binary output sends text as it is stored."),
				 errhint("Set client_encoding to \"%s\".",
						 GetDatabaseEncodingName())));
}

void
wf_options_parse(List *elements, WfOptions *options)
{
	RawOptions	raw = collect(elements);

	options->text = is_second("output", raw.output, "binary", "text");
	options->positions = is_second("positions", raw.positions, "off", "on");
	options->streaming = is_second("streaming", raw.streaming, "off", "on");
	options->local = is_second("origin", raw.origin, "any", "local");

	if (raw.protocol != NULL)
		check_protocol(raw.protocol);
	if (!options->text)
		check_binary(&raw);

	wf_selection_parse(raw.include != NULL ? raw.include : "*.*",
					   raw.exclude != NULL ? raw.exclude : "",
					   &options->selection);
	options->tables = raw.tables != NULL ? wf_table_settings_parse(raw.tables) : NIL;
	options->settled = raw.settled != NULL ? read_oids("settled", raw.settled) : NIL;
}
