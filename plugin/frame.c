/*
 * frame.c
 *	  Gathers binary messages into frames.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "frame.h"
#include "wire.h"
#include "wire_write.h"

/* With less WAL left to decode there is no backlog. */
#define BACKLOG_MIN WF_FRAME_SIZE

/* How long a commit is held while callbacks come, in milliseconds. */
#define HELD_MS_MAX 10

/* A buffer that one huge row has stretched beyond this is given back. */
#define BUFFER_SIZE_MAX (16 * WF_FRAME_SIZE)

void
wf_frame_init(WfFrame *frame)
{
	initStringInfo(&frame->buffer);
	enlargeStringInfo(&frame->buffer, 2 * WF_FRAME_SIZE);
	frame->number = 0;
	frame->hello_written = false;
	frame->may_hold = false;
	frame->held_since = 0;
}

StringInfo
wf_frame_open(WfFrame *frame)
{
	if (frame->buffer.len == 0)
	{
		wf_wire_frame_header(&frame->buffer, frame->number);
		if (!frame->hello_written)
			wf_wire_hello(&frame->buffer);
		frame->hello_written = true;
	}
	return &frame->buffer;
}

/* On a standby the WAL that has been replayed is all that can be decoded. */
static XLogRecPtr
wal_end(void)
{
	return RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetFlushRecPtr(NULL);
}

static void
empty(WfFrame *frame)
{
	MemoryContext context = GetMemoryChunkContext(frame->buffer.data);

	if (frame->buffer.maxlen > BUFFER_SIZE_MAX)
	{
		MemoryContext caller = MemoryContextSwitchTo(context);

		pfree(frame->buffer.data);
		initStringInfo(&frame->buffer);
		MemoryContextSwitchTo(caller);
	}
	else
		resetStringInfo(&frame->buffer);
}

static void
write_frame(WfFrame *frame, LogicalDecodingContext *decoding,
			XLogRecPtr end_of_wal, bool closing)
{
	wf_wire_finish_frame_header(&frame->buffer,
								closing ? WF_FRAME_CLOSING : 0, end_of_wal);
	OutputPluginPrepareWrite(decoding, true);
	appendBinaryStringInfo(decoding->out, frame->buffer.data, frame->buffer.len);
	OutputPluginWrite(decoding, true);

	empty(frame);
	frame->number++;
	frame->may_hold = !closing;
	frame->held_since = 0;
}

void
wf_frame_close(WfFrame *frame, LogicalDecodingContext *decoding)
{
	if (frame->buffer.len >= WF_FRAME_SIZE)
		write_frame(frame, decoding, wal_end(), false);
}

void
wf_frame_close_commit(WfFrame *frame, LogicalDecodingContext *decoding,
					  XLogRecPtr end_lsn)
{
	XLogRecPtr	end_of_wal = wal_end();
	bool		closing;

	/* Decoding by SQL ends where the WAL does: nobody could fetch the rest. */
	closing = end_of_wal < end_lsn + BACKLOG_MIN ||
		decoding->update_progress == NULL;

	if (frame->held_since == 0)
		frame->held_since = GetCurrentTimestamp();
	if (closing || !frame->may_hold || frame->buffer.len >= WF_FRAME_SIZE)
		write_frame(frame, decoding, end_of_wal, closing);
}

void
wf_frame_release(WfFrame *frame, LogicalDecodingContext *decoding)
{
	if (frame->held_since != 0 &&
		TimestampDifferenceExceeds(frame->held_since, GetCurrentTimestamp(),
								   HELD_MS_MAX))
		write_frame(frame, decoding, wal_end(), false);
}

void
wf_frame_close_heartbeat(WfFrame *frame, LogicalDecodingContext *decoding)
{
	write_frame(frame, decoding, wal_end(), true);
}
