/*
 * text_output.c
 *	  The readable twin of the binary messages, for people and for tests.
 *
 * Each message is an output row by itself.  LSNs, transaction ids and times,
 * which no test could expect, are left out unless the option positions asks
 * for them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ddl_log.h"
#include "ddl_select.h"
#include "output.h"
#include "string_list.h"
#include "walferry.h"
#include "wire.h"

static StringInfo
text_open(WfState *state)
{
	OutputPluginPrepareWrite(state->decoding, true);
	return state->decoding->out;
}

static void
text_close(WfState *state)
{
	OutputPluginWrite(state->decoding, true);
}

/* Nothing is held. */
static void
text_release(WfState *state)
{
}

static void
text_close_commit(WfState *state, XLogRecPtr end_lsn)
{
	text_close(state);
}

static void
append_origin(StringInfo out, const WfTransaction *transaction)
{
	if (*transaction->origin != '\0')
		appendStringInfo(out, " origin %s",
						 quote_identifier(transaction->origin));
}

static void
text_begin(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfoString(out, "BEGIN");
	append_origin(out, transaction);
}

static void
append_transaction(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfo(out, " xid " UINT64_FORMAT " commit_lsn %X/%X end_lsn %X/%X commit_time %s",
					 transaction->xid,
					 LSN_FORMAT_ARGS(transaction->commit_lsn),
					 LSN_FORMAT_ARGS(transaction->end_lsn),
					 timestamptz_to_str(transaction->commit_time));
	append_origin(out, transaction);
	if (transaction->origin_lsn != InvalidXLogRecPtr)
		appendStringInfo(out, " origin_lsn %X/%X",
						 LSN_FORMAT_ARGS(transaction->origin_lsn));
}

static void
text_begin_positions(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfoString(out, "BEGIN");
	append_transaction(out, transaction);
}

static void
text_commit(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfo(out, "COMMIT changes " UINT64_FORMAT,
					 transaction->changes);
}

static void
text_commit_positions(StringInfo out, const WfTransaction *transaction)
{
	text_commit(out, transaction);
	appendStringInfo(out, " commit_lsn %X/%X end_lsn %X/%X",
					 LSN_FORMAT_ARGS(transaction->commit_lsn),
					 LSN_FORMAT_ARGS(transaction->end_lsn));
}

static const char *
replica_identity_name(char replica_identity)
{
	switch (replica_identity)
	{
		case REPLICA_IDENTITY_DEFAULT:
			return "default";
		case REPLICA_IDENTITY_NOTHING:
			return "nothing";
		case REPLICA_IDENTITY_FULL:
			return "full";
		case REPLICA_IDENTITY_INDEX:
			return "index";
	}
	elog(ERROR, "unknown replica identity \"%c\"", replica_identity);
}

/*
 * Names of pg_catalog stand alone: they are nearly all.  And without quotes,
 * as each major has its own keywords.
 */
static void
append_name(StringInfo out, const char *schema, const char *name)
{
	if (strcmp(schema, "pg_catalog") == 0)
		appendStringInfoString(out, name);
	else
		appendStringInfoString(out, quote_qualified_identifier(schema, name));
}

static void
append_column(StringInfo out, const WfColumn *column)
{
	appendStringInfo(out, "\n  %s ", quote_identifier(column->name));
	append_name(out, column->type_schema, column->type_name);
	if (column->typmod != -1)
		appendStringInfo(out, "(typmod %d)", column->typmod);
	if (*column->collation_name != '\0' &&
		strcmp(column->collation_name, "default") != 0)
	{
		appendStringInfoString(out, " collate ");
		append_name(out, column->collation_schema, column->collation_name);
	}
	appendStringInfoString(out,
						   column->format == WF_FORMAT_BINARY ? " binary" : " text");
	if (column->flags & WF_COLUMN_KEY)
		appendStringInfoString(out, ", key");
	if (column->flags & WF_COLUMN_PRIMARY_KEY)
		appendStringInfoString(out, ", primary key");
	if (column->flags & WF_COLUMN_NOT_NULL)
		appendStringInfoString(out, ", not null");
	if (column->flags & WF_COLUMN_GENERATED)
		appendStringInfoString(out, ", generated");
	if (column->flags & WF_COLUMN_IDENTITY_ALWAYS)
		appendStringInfoString(out, ", identity always");
	if (column->flags & WF_COLUMN_PART)
		appendStringInfo(out, ", merged as %s", column->part);
}

static void
append_table(StringInfo out, const WfRelation *relation)
{
	appendStringInfoString(out, quote_qualified_identifier(relation->schema,
														   relation->table));
}

static void
text_relation(StringInfo out, const WfRelation *relation)
{
	appendStringInfoString(out, "RELATION ");
	append_table(out, relation);
	appendStringInfo(out, ": replica identity %s",
					 replica_identity_name(relation->replica_identity));
	for (int i = 0; i < relation->ncolumns; i++)
		append_column(out, &relation->columns[i]);
}

static void
append_quoted(StringInfo out, const char *string)
{
	appendStringInfoChar(out, '\'');
	for (; *string != '\0'; string++)
	{
		if (*string == '\'')
			appendStringInfoChar(out, '\'');
		appendStringInfoChar(out, *string);
	}
	appendStringInfoChar(out, '\'');
}

static void
append_value(StringInfo out, WfColumn *column, const WfTuple *tuple)
{
	Datum		value = tuple->values[column->index];

	appendStringInfo(out, " %s=", quote_identifier(column->name));
	if (tuple->nulls[column->index])
		appendStringInfoString(out, "null");
	else if (wf_column_is_unchanged(column, value))
		appendStringInfoString(out, "unchanged");
	else
		append_quoted(out, wf_column_to_text(column, value));
}

/* The columns that have all these flags. */
static void
append_tuple(StringInfo out, WfRelation *relation, uint8 flags,
			 const WfTuple *tuple)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		if ((relation->columns[i].flags & flags) == flags)
			append_value(out, &relation->columns[i], tuple);
	}
}

static void
append_old(StringInfo out, WfRelation *relation, char old_kind,
		   const WfTuple *old)
{
	switch (old_kind)
	{
		case WF_OLD_KEY:
			appendStringInfoString(out, " key:");
			append_tuple(out, relation, WF_COLUMN_KEY, old);
			break;
		case WF_OLD_ROW:
			appendStringInfoString(out, " old:");
			append_tuple(out, relation, 0, old);
			break;
		default:
			break;
	}
}

/* A DDL statement: what the destination runs, what it is about. */
static void
append_ddl(StringInfo out, const WfTuple *row)
{
	int32		flags = DatumGetInt32(row->values[WF_DDL_LOG_FLAGS]);
	List	   *fields;

	appendStringInfo(out, "DDL %s", TextDatumGetCString(row->values[WF_DDL_LOG_TAG]));
	if (flags & WF_DDL_MUTE)
		appendStringInfoString(out, " (mute)");
	if (flags & WF_DDL_UNMUTE)
		appendStringInfoString(out, " (unmute)");
	if (flags & (WF_DDL_MUTE | WF_DDL_UNMUTE))
		return;
	if (flags & WF_DDL_OUTSIDE)
		appendStringInfoString(out, " (outside)");
	if (flags & WF_DDL_PARTIAL)
		appendStringInfoString(out, " (partial)");
	if (flags & WF_DDL_OWNER)
		appendStringInfoString(out, " (owner)");
	if (flags & WF_DDL_SKIP)
		appendStringInfoString(out, " (skip)");
	if (flags & WF_DDL_STOP)
		appendStringInfoString(out, " (stop)");
	if (!row->nulls[WF_DDL_LOG_NOTE])
		appendStringInfo(out, " note: %s;", TextDatumGetCString(row->values[WF_DDL_LOG_NOTE]));
	if (row->nulls[WF_DDL_LOG_STATEMENTS])
		appendStringInfo(out, ": %s", TextDatumGetCString(row->values[WF_DDL_LOG_STATEMENT]));
	else
		appendStringInfo(out, " instead: %s",
						 wf_string_list_join(wf_ddl_strings(row, WF_DDL_LOG_STATEMENTS), "; "));
	fields = wf_ddl_strings(row, WF_DDL_LOG_SEARCH_PATH);
	if (fields != NIL)
		appendStringInfo(out, " path: %s", wf_string_list_join(fields, ", "));
	fields = wf_ddl_strings(row, WF_DDL_LOG_OBJECTS);
	for (int i = 0; i < list_length(fields); i += WF_DDL_OBJECT_FIELDS)
	{
		const char *arguments = list_nth(fields, i + 5);

		appendStringInfo(out, "%s%s %s %s%s", i == 0 ? " objects: " : ", ",
						 (const char *) list_nth(fields, i),
						 (const char *) list_nth(fields, i + 1),
						 (const char *) list_nth(fields, i + 4),
						 strcmp(arguments, "{}") == 0 ? "" : arguments);
	}
	fields = wf_ddl_strings(row, WF_DDL_LOG_REWRITTEN);
	for (int i = 0; i < list_length(fields); i += WF_DDL_REWRITTEN_FIELDS)
		appendStringInfo(out, "%s%s%s", i == 0 ? " rewritten: " : ", ",
						 (const char *) list_nth(fields, i + 1),
						 strcmp(list_nth(fields, i + 2), "t") == 0 ? " (refill)" : "");
}

static void
text_insert(StringInfo out, WfRelation *relation, const WfTuple *row)
{
	if (relation->kind == WF_RELATION_DDL_LOG)
	{
		append_ddl(out, row);
		return;
	}
	appendStringInfoString(out, relation->kind == WF_RELATION_REWRITE ? "REWRITE " : "INSERT ");
	append_table(out, relation);
	appendStringInfoString(out, " new:");
	append_tuple(out, relation, 0, row);
}

static void
text_update(StringInfo out, WfRelation *relation, char old_kind,
			const WfTuple *old, const WfTuple *row)
{
	appendStringInfoString(out, "UPDATE ");
	append_table(out, relation);
	append_old(out, relation, old_kind, old);
	appendStringInfoString(out, " new:");
	append_tuple(out, relation, 0, row);
}

static void
text_delete(StringInfo out, WfRelation *relation, char old_kind,
			const WfTuple *old)
{
	appendStringInfoString(out, "DELETE ");
	append_table(out, relation);
	if (old_kind == WF_OLD_NONE)
		appendStringInfoString(out, " no old tuple");
	append_old(out, relation, old_kind, old);
}

static void
text_truncate(StringInfo out, uint8 options, List *relations)
{
	ListCell   *cell;

	appendStringInfoString(out, "TRUNCATE");
	foreach(cell, relations)
	{
		appendStringInfoString(out, foreach_current_index(cell) > 0 ? ", " : " ");
		append_table(out, lfirst(cell));
	}
	if (options & WF_TRUNCATE_CASCADE)
		appendStringInfoString(out, " cascade");
	if (options & WF_TRUNCATE_RESTART_IDENTITY)
		appendStringInfoString(out, " restart identity");
}

static void
text_stream_start(StringInfo out, uint64 xid, bool committed)
{
	appendStringInfoString(out, committed ?
						   "STREAM START committed" : "STREAM START");
}

static void
text_stream_start_positions(StringInfo out, uint64 xid, bool committed)
{
	text_stream_start(out, xid, committed);
	appendStringInfo(out, " xid " UINT64_FORMAT, xid);
}

static void
text_stream_subxact(StringInfo out, TransactionId subxid)
{
	appendStringInfoString(out, "SUBTRANSACTION");
}

static void
text_stream_subxact_positions(StringInfo out, TransactionId subxid)
{
	appendStringInfo(out, "SUBTRANSACTION xid %u", subxid);
}

static void
text_stream_stop(StringInfo out)
{
	appendStringInfoString(out, "STREAM STOP");
}

static void
text_stream_abort(StringInfo out, uint64 xid, TransactionId subxid)
{
	appendStringInfoString(out, subxid == (TransactionId) xid ?
						   "STREAM ABORT" : "STREAM ABORT of a subtransaction");
}

static void
text_stream_abort_positions(StringInfo out, uint64 xid, TransactionId subxid)
{
	text_stream_abort(out, xid, subxid);
	appendStringInfo(out, " xid " UINT64_FORMAT " subxid %u", xid, subxid);
}

static void
text_stream_commit(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfoString(out, "STREAM COMMIT");
	append_origin(out, transaction);
}

static void
text_stream_commit_positions(StringInfo out, const WfTransaction *transaction)
{
	appendStringInfoString(out, "STREAM COMMIT");
	append_transaction(out, transaction);
}

/* A message may hold any bytes; text output must be text. */
static void
text_heartbeat(StringInfo out, XLogRecPtr lsn, const char *content, Size size)
{
	appendStringInfoString(out, "HEARTBEAT ");
	if (memchr(content, '\0', size) == NULL && pg_verifymbstr(content, size, true))
		append_quoted(out, pnstrdup(content, size));
	else
		appendStringInfo(out, "(%zu bytes)", size);
}

static void
text_heartbeat_positions(StringInfo out, XLogRecPtr lsn, const char *content,
						 Size size)
{
	text_heartbeat(out, lsn, content, size);
	appendStringInfo(out, " lsn %X/%X", LSN_FORMAT_ARGS(lsn));
}

#define WRITERS_WITHOUT_POSITIONS \
	.type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT, \
	.open = text_open, \
	.close = text_close, \
	.close_commit = text_close_commit, \
	.close_heartbeat = text_close, \
	.release = text_release, \
	.relation = text_relation, \
	.insert = text_insert, \
	.update = text_update, \
	.delete = text_delete, \
	.truncate = text_truncate, \
	.stream_stop = text_stream_stop

const WfOutput wf_text_output = {
	WRITERS_WITHOUT_POSITIONS,
	.begin = text_begin,
	.commit = text_commit,
	.stream_start = text_stream_start,
	.stream_subxact = text_stream_subxact,
	.stream_abort = text_stream_abort,
	.stream_commit = text_stream_commit,
	.heartbeat = text_heartbeat,
};

const WfOutput wf_text_output_positions = {
	WRITERS_WITHOUT_POSITIONS,
	.begin = text_begin_positions,
	.commit = text_commit_positions,
	.stream_start = text_stream_start_positions,
	.stream_subxact = text_stream_subxact_positions,
	.stream_abort = text_stream_abort_positions,
	.stream_commit = text_stream_commit_positions,
	.heartbeat = text_heartbeat_positions,
};
