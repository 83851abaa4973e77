/*
 * stream.c
 *	  Transactions that come in chunks, before their end.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/transam.h"
#include "replication/origin.h"
#include "replication/snapbuild.h"
#include "utils/memutils.h"

#include "stream.h"

/* What the reader knows of a streamed transaction, as its output_plugin_private. */
static char known_committed;
static char known_unfinished;

/*
 * What came from elsewhere, if only what was written here is wanted.  The server
 * asks at each record, and once more at the commit.
 *
 * A session may take an origin after its transaction's first changes, when they
 * have been streamed.  15 ends it with an abort then, 17 and 18 say no more of it,
 * and here nothing may be sent.
 */
static bool
filter_by_origin(LogicalDecodingContext *decoding, RepOriginId origin)
{
	WfState    *state = decoding->output_plugin_private;
	TransactionId xid = XLogRecGetXid(decoding->reader);

	/* While a slot is made there is no state yet, and nothing is sent. */
	if (state == NULL || !state->options.local || origin == InvalidRepOriginId)
		return false;
	if (XLogRecGetRmid(decoding->reader) == RM_XACT_ID &&
		list_member_oid(state->streamed, xid))
	{
		MemoryContext caller = MemoryContextSwitchTo(decoding->context);

		state->forgotten = lappend_oid(state->forgotten, xid);
		MemoryContextSwitchTo(caller);
	}
	return true;
}

static void
note_streamed(WfState *state, TransactionId xid)
{
	MemoryContext caller;

	if (!state->options.local)
		return;
	caller = MemoryContextSwitchTo(state->decoding->context);
	state->streamed = list_append_unique_oid(state->streamed, xid);
	MemoryContextSwitchTo(caller);
}

static void
note_ended(WfState *state, TransactionId xid)
{
	state->streamed = list_delete_oid(state->streamed, xid);
	state->forgotten = list_delete_oid(state->forgotten, xid);
}

void
wf_stream_abort_forgotten(WfState *state)
{
	while (state->forgotten != NIL)
	{
		TransactionId xid = linitial_oid(state->forgotten);

		state->output->stream_abort(state->output->open(state),
									wf_transaction_xid(xid), xid);
		state->output->close(state);
		note_ended(state, xid);
	}
}

static void
send_start(WfState *state, ReorderBufferTXN *txn)
{
	if (state->stream.started)
		return;
	wf_stream_abort_forgotten(state);
	note_streamed(state, txn->xid);
	if (!state->stream.committed)
		txn->output_plugin_private = &known_unfinished;
	else if (txn->output_plugin_private == NULL)
		txn->output_plugin_private = &known_committed;
	state->output->stream_start(state->output->open(state),
								wf_transaction_xid(txn->xid),
								state->stream.committed);
	state->output->close(state);
	state->stream.started = true;
}

static void
send_subxact(WfState *state, TransactionId subxid)
{
	if (state->stream.subxid == subxid)
		return;
	state->output->stream_subxact(state->output->open(state), subxid);
	state->output->close(state);
	state->stream.subxid = subxid;
}

void
wf_stream_prepare_change(WfState *state, ReorderBufferTXN *txn,
						 const ReorderBufferChange *change)
{
	send_start(state, txn);
	send_subxact(state, change->txn->xid);
}

bool
wf_stream_drops(WfState *state, const ReorderBufferTXN *txn,
				const ReorderBufferChange *change)
{
	WfStream   *stream = &state->stream;
	TransactionId subxid;

	if (!stream->open)
		return false;
	if (stream->dropped || !stream->committed)
		return stream->dropped;
	subxid = change->txn->xid;
	if (subxid == txn->xid || subxid == stream->subxid)
		return false;
	if (subxid == stream->dropped_subxid)
		return true;
	if (TransactionIdDidCommit(subxid))
		return false;
	stream->dropped_subxid = subxid;
	return true;
}

/*
 * With a backlog the outcome is known before it is read: the reader may then apply
 * the transaction as it comes.
 *
 * One that was confirmed before this session can come once more, when the chunk is
 * made while its very commit record is read; the server then ends it with an abort.
 * So while that record is read, nothing is called committed.  Nor with the option
 * origin: a session may have taken one since the transaction's first changes, and then
 * the server ends it with an abort, too.
 */
static void
stream_start(LogicalDecodingContext *decoding, ReorderBufferTXN *txn)
{
	WfState    *state = decoding->output_plugin_private;
	WfStream   *stream = &state->stream;

	memset(&state->transaction, 0, sizeof(WfTransaction));
	memset(stream, 0, sizeof(WfStream));
	stream->open = true;
	stream->dropped = TransactionIdDidAbort(txn->xid);
	stream->committed = !state->options.local && TransactionIdDidCommit(txn->xid) &&
		!SnapBuildXactNeedsSkip(decoding->snapshot_builder,
								decoding->reader->ReadRecPtr);
}

static void
stream_stop(LogicalDecodingContext *decoding, ReorderBufferTXN *txn)
{
	WfState    *state = decoding->output_plugin_private;

	if (state->stream.started)
	{
		state->output->stream_stop(state->output->open(state));
		state->output->close(state);
	}
	state->stream.open = false;
}

/*
 * Of a subtransaction as well.  As a commit, it may be held for a while only.  Of
 * one that was called committed, what is aborted was left out.
 */
static void
stream_abort(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
			 XLogRecPtr abort_lsn)
{
	WfState    *state = decoding->output_plugin_private;
	ReorderBufferTXN *top = txn->toptxn != NULL ? txn->toptxn : txn;

	if (top->output_plugin_private != &known_unfinished)
		return;
	if (txn == top)
		note_ended(state, txn->xid);
	state->output->stream_abort(state->output->open(state),
								wf_transaction_xid(top->xid), txn->xid);
	state->output->close_commit(state, abort_lsn);
}

static void
stream_commit(LogicalDecodingContext *decoding, ReorderBufferTXN *txn,
			  XLogRecPtr commit_lsn)
{
	WfState    *state = decoding->output_plugin_private;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);

	OutputPluginUpdateProgress(decoding, txn->output_plugin_private == NULL);
	note_ended(state, txn->xid);
	if (txn->output_plugin_private != NULL)
	{
		wf_transaction_begin(&state->transaction, txn);
		state->output->stream_commit(state->output->open(state),
									 &state->transaction);
		state->output->close_commit(state, txn->end_lsn);
	}
	else
		state->output->release(state);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
}

void
wf_stream_set_callbacks(OutputPluginCallbacks *callbacks)
{
	callbacks->filter_by_origin_cb = filter_by_origin;
	callbacks->stream_start_cb = stream_start;
	callbacks->stream_stop_cb = stream_stop;
	callbacks->stream_abort_cb = stream_abort;
	callbacks->stream_commit_cb = stream_commit;
}
