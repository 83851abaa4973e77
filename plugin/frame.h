/*
 * frame.h
 *	  Gathers binary messages into frames.
 *
 * Every output message costs a walsender a system call and a wake-up, and that
 * is most of what decoding costs; so messages are handed over by the frame.
 *
 * With small transactions a frame for each would still be most of the cost, so
 * while there is a backlog a frame is held over commits until it is full.  That
 * there is one can't be known for sure: the WAL that is left may hold nothing
 * for us, and then no callback comes in which to write the rest.  Hence a promise
 * to the reader:
 *
 *	  After a frame that is flagged closing, the next commit is written at once.
 *	  After one that is not, commits may be held; a reader who has waited long
 *	  enough sends a heartbeat, in whose callback all that is held is written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_FRAME_H
#define WALFERRY_FRAME_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

struct LogicalDecodingContext;

typedef struct WfFrame
{
	StringInfoData buffer;		/* the frame that is being filled, or empty */
	uint32		number;			/* of that frame; wraps */
	bool		hello_written;
	bool		may_hold;		/* the last frame was not a closing one */
	TimestampTz held_since;		/* since when the buffer holds a commit, or 0 */
} WfFrame;

/* The buffer stays in the current memory context. */
extern void wf_frame_init(WfFrame *frame);

/* The place for the next message. */
extern StringInfo wf_frame_open(WfFrame *frame);

/* After a message of a transaction: writes the frame if it is full. */
extern void wf_frame_close(WfFrame *frame,
						   struct LogicalDecodingContext *decoding);

/* After a commit, which ends at end_lsn: writes it unless it may be held. */
extern void wf_frame_close_commit(WfFrame *frame,
								  struct LogicalDecodingContext *decoding,
								  XLogRecPtr end_lsn);

/*
 * Between messages, in a transaction that sends nothing: writes what has been
 * held for long.  A backlog that is filtered out may be endless.
 */
extern void wf_frame_release(WfFrame *frame,
							 struct LogicalDecodingContext *decoding);

/* After a heartbeat: writes the frame, and holds nothing back after it. */
extern void wf_frame_close_heartbeat(WfFrame *frame,
									 struct LogicalDecodingContext *decoding);

#endif							/* WALFERRY_FRAME_H */
