/*
 * wire_output.c
 *	  Binary output: messages of wire.h, gathered in frames.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "output.h"
#include "walferry.h"
#include "wire_write.h"

static StringInfo
wire_open(WfState *state)
{
	return wf_frame_open(&state->frame);
}

static void
wire_close(WfState *state)
{
	wf_frame_close(&state->frame, state->decoding);
}

static void
wire_close_commit(WfState *state, XLogRecPtr end_lsn)
{
	wf_frame_close_commit(&state->frame, state->decoding, end_lsn);
}

static void
wire_release(WfState *state)
{
	wf_frame_release(&state->frame, state->decoding);
}

static void
wire_close_heartbeat(WfState *state)
{
	wf_frame_close_heartbeat(&state->frame, state->decoding);
}

/* The relation cache has the message ready: it compares definitions by it. */
static void
wire_relation(StringInfo out, const WfRelation *relation)
{
	appendBinaryStringInfo(out, relation->message.data, relation->message.len);
}

const WfOutput wf_wire_output = {
	.type = OUTPUT_PLUGIN_BINARY_OUTPUT,
	.open = wire_open,
	.close = wire_close,
	.close_commit = wire_close_commit,
	.close_heartbeat = wire_close_heartbeat,
	.release = wire_release,
	.begin = wf_wire_begin,
	.commit = wf_wire_commit,
	.relation = wire_relation,
	.insert = wf_wire_insert,
	.update = wf_wire_update,
	.delete = wf_wire_delete,
	.truncate = wf_wire_truncate,
	.stream_start = wf_wire_stream_start,
	.stream_subxact = wf_wire_stream_subxact,
	.stream_stop = wf_wire_stream_stop,
	.stream_abort = wf_wire_stream_abort,
	.stream_commit = wf_wire_stream_commit,
	.heartbeat = wf_wire_heartbeat,
};
