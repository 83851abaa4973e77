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

#include "frame.h"
#include "wire.h"
#include "wire_write.h"

/* A buffer that one huge row has stretched beyond this is given back. */
#define BUFFER_SIZE_MAX (16 * WF_FRAME_SIZE)

void
wf_frame_init(WfFrame *frame)
{
	initStringInfo(&frame->buffer);
	enlargeStringInfo(&frame->buffer, 2 * WF_FRAME_SIZE);
	frame->number = 0;
	frame->hello_written = false;
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

void
wf_frame_close(WfFrame *frame, LogicalDecodingContext *decoding, bool closing)
{
	if (!closing && frame->buffer.len < WF_FRAME_SIZE)
		return;

	wf_wire_finish_frame_header(&frame->buffer,
								closing ? WF_FRAME_CLOSING : 0, wal_end());
	OutputPluginPrepareWrite(decoding, true);
	appendBinaryStringInfo(decoding->out, frame->buffer.data, frame->buffer.len);
	OutputPluginWrite(decoding, true);

	empty(frame);
	frame->number++;
}
