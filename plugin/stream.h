/*
 * stream.h
 *	  Transactions that come in chunks, before their end: with the option
 *	  streaming, those that outgrow logical_decoding_work_mem.
 *
 *	  (stream_start -> (change | truncate)* -> stream_stop)* ->
 *		  (stream_abort of subtransactions)* -> stream_commit | stream_abort
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_STREAM_H
#define WALFERRY_STREAM_H

#include "walferry.h"

/*
 * Of the chunks and of what ends them; also the filter by origin, as it is there
 * that a streamed transaction may end unannounced.
 */
extern void wf_stream_set_callbacks(OutputPluginCallbacks *callbacks);

/*
 * Whether the change will be or has been undone, as far as that is known; what is
 * not known is taken back by an abort.  False outside of a chunk.
 */
extern bool wf_stream_drops(WfState *state, const ReorderBufferTXN *txn,
							const ReorderBufferChange *change);

/* Sends all that must precede a change in a chunk, save the table. */
extern void wf_stream_prepare_change(WfState *state, ReorderBufferTXN *txn,
									 const ReorderBufferChange *change);

/*
 * Sends the ends that the server doesn't tell.  Called where something may be sent
 * again.
 */
extern void wf_stream_abort_forgotten(WfState *state);

#endif							/* WALFERRY_STREAM_H */
