/*
 * walferry.c
 *	  The output plugin's callbacks.
 *
 * The server decodes a transaction when its commit record has been read, so
 * transactions come one at a time, whole and in commit order.  Those that are
 * streamed come before that, in chunks between which others lie: see stream.h.
 *
 * 1. A begin is sent before the first change that is sent; a transaction with
 *	  nothing to send leaves no trace.
 * 2. A table is described before its first change, and again before the next
 *	  one after its definition has changed.
 * 3. A change is sent whole or the stream stops with an error.
 * 4. What a callback allocates goes with the change context, reset at its end.
 *
 *	  begin -> (change | truncate)* -> commit			heartbeats lie between
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "capture.h"
#include "ddl_select.h"
#include "settings.h"
#include "stream.h"
#include "walferry.h"
#include "wire.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(walferry_library_version);

extern void _PG_init(void);
extern void _PG_output_plugin_init(OutputPluginCallbacks *callbacks);

/* As often as pgoutput does. */
#define PROGRESS_CHANGES 100

static void
tuple_room(WfTuple *tuple)
{
	tuple->values = palloc(sizeof(Datum) * MaxTupleAttributeNumber);
	tuple->nulls = palloc(sizeof(bool) * MaxTupleAttributeNumber);
}

static const WfOutput *
choose_output(const WfOptions *options)
{
	if (!options->text)
		return &wf_wire_output;
	return options->positions ? &wf_text_output_positions : &wf_text_output;
}

static void
startup(LogicalDecodingContext *decoding, OutputPluginOptions *plugin_options,
		bool is_init)
{
	WfState    *state;

	/* A slot that is only being created has no options yet, and no changes. */
	plugin_options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
	plugin_options->receive_rewrites = true;
	if (is_init)
		return;

	state = palloc0(sizeof(WfState));
	state->decoding = decoding;
	wf_options_parse(decoding->output_plugin_options, &state->options);
	decoding->streaming &= state->options.streaming;
	state->output = choose_output(&state->options);
	state->relations = wf_relation_cache_create(&state->options);
	state->change_context = AllocSetContextCreate(decoding->context,
												  "walferry change",
												  ALLOCSET_DEFAULT_SIZES);
	wf_frame_init(&state->frame);
	tuple_room(&state->old);
	tuple_room(&state->row);

	plugin_options->output_type = state->output->type;
	decoding->output_plugin_private = state;
}

/*
 * A long transaction of which nothing is sent must not make the connection look
 * dead.
 */
static void
count_progress(WfState *state)
{
	if (++state->uncounted_changes >= PROGRESS_CHANGES)
	{
		if (!state->transaction.begun)
			state->output->release(state);
		OutputPluginUpdateProgress(state->decoding, false);
		state->uncounted_changes = 0;
	}
}

static void
begin(LogicalDecodingContext *decoding, ReorderBufferTXN *txn)
{
	WfState    *state = decoding->output_plugin_private;

	memset(&state->transaction, 0, sizeof(WfTransaction));
}

static void
send_begin(WfState *state, const ReorderBufferTXN *txn)
{
	if (state->transaction.begun)
		return;
	wf_stream_abort_forgotten(state);
	wf_transaction_begin(&state->transaction, txn);
	state->output->begin(state->output->open(state), &state->transaction);
	state->output->close(state);
}

static void
send_relation(WfState *state, WfRelation *relation)
{
	if (relation->described)
		return;
	state->output->relation(state->output->open(state), relation);
	state->output->close(state);
	relation->described = true;
}

/* All that must precede a change of the table. */
static void
prepare_change(WfState *state, ReorderBufferTXN *txn,
			   const ReorderBufferChange *change, WfRelation *relation)
{
	if (relation->calls_output && !state->transaction.settings_pinned)
	{
		wf_settings_pin();
		state->transaction.settings_pinned = true;
	}
	if (state->stream.open)
		wf_stream_prepare_change(state, txn, change);
	else
		send_begin(state, txn);
	send_relation(state, relation);
}

static void
finish_change(WfState *state)
{
	state->output->close(state);
	state->transaction.changes++;
}

/* What the WAL holds of the old row depends on the replica identity. */
static char
old_kind(const WfRelation *relation, HeapTuple old)
{
	if (old == NULL)
		return WF_OLD_NONE;
	if (relation->replica_identity == REPLICA_IDENTITY_FULL)
		return WF_OLD_ROW;
	if (relation->nkeys == 0)
		elog(ERROR, "old tuple of a table without replica identity");
	return WF_OLD_KEY;
}

static void
unpack(HeapTuple tuple, Relation relation, WfTuple *unpacked)
{
	if (tuple == NULL)
		elog(ERROR, "change without its tuple");
	heap_deform_tuple(tuple, RelationGetDescr(relation),
					  unpacked->values, unpacked->nulls);
}

/*
 * A row of the DDL log, written by the statement that it is about, stands for the
 * statement.  What is removed from the log was long since read.
 */
static void
send_ddl(WfState *state, ReorderBufferTXN *txn, WfRelation *entry, Relation relation,
		 const ReorderBufferChange *change)
{
	if (change->action != REORDER_BUFFER_CHANGE_INSERT)
		return;
	unpack(WF_CHANGE_TUPLE(change->data.tp.newtuple), relation, &state->row);
	if (!wf_ddl_select(&state->options, &state->row))
		return;
	prepare_change(state, txn, change, entry);
	state->output->insert(state->output->open(state), entry, &state->row);
	finish_change(state);
}

static void
send_change(WfState *state, WfRelation *entry, Relation relation,
			const ReorderBufferChange *change)
{
	const WfOutput *output = state->output;
	HeapTuple	old = WF_CHANGE_TUPLE(change->data.tp.oldtuple);
	HeapTuple	row = WF_CHANGE_TUPLE(change->data.tp.newtuple);
	char		kind = old_kind(entry, old);

	if (kind != WF_OLD_NONE)
		unpack(old, relation, &state->old);

	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			unpack(row, relation, &state->row);
			output->insert(output->open(state), entry, &state->row);
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			unpack(row, relation, &state->row);
			output->update(output->open(state), entry, kind, &state->old,
						   &state->row);
			break;
		case REORDER_BUFFER_CHANGE_DELETE:
			output->delete(output->open(state), entry, kind, &state->old);
			break;
		default:
			elog(ERROR, "unexpected change action %d", change->action);
	}
	finish_change(state);
}

/* Of a table with settings: what of the change is sent, if anything. */
static void
send_filtered(WfState *state, ReorderBufferTXN *txn, WfRelation *entry, Relation relation,
			  const ReorderBufferChange *change)
{
	const WfOutput *output = state->output;
	HeapTuple	old = WF_CHANGE_TUPLE(change->data.tp.oldtuple);
	HeapTuple	row = WF_CHANGE_TUPLE(change->data.tp.newtuple);
	char		kind;
	WfFilteredChange sent;

	if (!wf_filter_sends_action(entry->filter, change->action))
		return;
	kind = old_kind(entry, old);
	if (kind != WF_OLD_NONE)
		unpack(old, relation, &state->old);
	if (change->action != REORDER_BUFFER_CHANGE_DELETE)
		unpack(row, relation, &state->row);
	if (!wf_filter_apply(entry->filter, change->action, kind, &state->old, &state->row, &sent))
		return;

	prepare_change(state, txn, change, entry);
	switch (sent.action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			output->insert(output->open(state), entry, sent.row);
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			output->update(output->open(state), entry, kind, sent.old, sent.row);
			break;
		default:
			output->delete(output->open(state), entry, kind, sent.old);
			break;
	}
	finish_change(state);
}

static void
name_table(void *arg)
{
	WfRelation *relation = arg;

	errcontext("change of table \"%s.%s\"", relation->schema, relation->table);
}

static void
change(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
	   Relation relation, ReorderBufferChange *change)
{
	WfState    *state = decoding->output_plugin_private;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);
	WfRelation *entry = wf_relation_get(state->relations, relation);
	ErrorContextCallback context = {error_context_stack, name_table, entry};

	if (entry->selected && !wf_stream_drops(state, txn, change))
	{
		error_context_stack = &context;
		if (entry->kind == WF_RELATION_DDL_LOG)
			send_ddl(state, txn, entry, relation, change);
		else if (entry->filter != NULL)
			send_filtered(state, txn, entry, relation, change);
		else
		{
			prepare_change(state, txn, change, entry);
			send_change(state, entry, relation, change);
		}
		error_context_stack = context.previous;
	}
	count_progress(state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
}

static List *
selected_relations(WfState *state, int nrelations, Relation relations[])
{
	List	   *selected = NIL;

	for (int i = 0; i < nrelations; i++)
	{
		WfRelation *entry = wf_relation_get(state->relations, relations[i]);

		if (entry->selected &&
			(entry->filter == NULL ||
			 wf_filter_sends_operation(entry->filter, WF_OPERATION_TRUNCATE)))
			selected = lappend(selected, entry);
	}
	return selected;
}

static void
truncate_tables(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
				int nrelations, Relation relations[], ReorderBufferChange *change)
{
	WfState    *state = decoding->output_plugin_private;
	const WfOutput *output = state->output;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);
	List	   *selected = wf_stream_drops(state, txn, change) ? NIL :
		selected_relations(state, nrelations, relations);
	uint8		options = 0;
	ListCell   *cell;

	if (change->data.truncate.cascade)
		options |= WF_TRUNCATE_CASCADE;
	if (change->data.truncate.restart_seqs)
		options |= WF_TRUNCATE_RESTART_IDENTITY;

	foreach(cell, selected)
		prepare_change(state, txn, change, lfirst(cell));
	if (selected != NIL)
	{
		output->truncate(output->open(state), options, selected);
		finish_change(state);
	}
	count_progress(state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
}

static void
commit(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
	   XLogRecPtr commit_lsn)
{
	WfState    *state = decoding->output_plugin_private;
	const WfOutput *output = state->output;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);

	OutputPluginUpdateProgress(decoding, !state->transaction.begun);
	if (state->transaction.begun)
	{
		output->commit(output->open(state), &state->transaction);
		output->close_commit(state, txn->end_lsn);
	}
	else
		output->release(state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
}

/*
 * A heartbeat is passed on when it is read, between transactions, and takes
 * along what the frame holds: the reader sends one when it suspects that
 * something is held.  Any user may write such messages, so they carry no
 * authority.
 */
static void
message(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
		XLogRecPtr message_lsn, bool transactional, const char *prefix,
		Size message_size, const char *message)
{
	WfState    *state = decoding->output_plugin_private;
	const WfOutput *output = state->output;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);

	if (!transactional && strcmp(prefix, WF_HEARTBEAT_PREFIX) == 0)
	{
		output->heartbeat(output->open(state), message_lsn, message, message_size);
		output->close_heartbeat(state);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
}

void
_PG_init(void)
{
	wf_capture_init();
}

void
_PG_output_plugin_init(OutputPluginCallbacks *callbacks)
{
	callbacks->startup_cb = startup;
	callbacks->begin_cb = begin;
	callbacks->change_cb = change;
	callbacks->truncate_cb = truncate_tables;
	callbacks->commit_cb = commit;
	callbacks->message_cb = message;
	callbacks->stream_change_cb = change;
	callbacks->stream_truncate_cb = truncate_tables;
	wf_stream_set_callbacks(callbacks);
}

/* walferry.library_version() */
Datum
walferry_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(WF_VERSION));
}
