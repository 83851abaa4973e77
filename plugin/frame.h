/*
 * frame.h
 *	  Gathers binary messages into frames.
 *
 * Every output message costs a walsender a system call and a wake-up, and that
 * is most of what decoding costs; so messages are handed over by the frame.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_FRAME_H
#define WALFERRY_FRAME_H

#include "postgres.h"

#include "lib/stringinfo.h"

struct LogicalDecodingContext;

typedef struct WfFrame
{
	StringInfoData buffer;		/* the frame that is being filled, or empty */
	uint32		number;			/* of that frame; wraps */
	bool		hello_written;
} WfFrame;

/* The buffer stays in the current memory context. */
extern void wf_frame_init(WfFrame *frame);

/* The place for the next message. */
extern StringInfo wf_frame_open(WfFrame *frame);

/* Writes the frame if it is full, or closing. */
extern void wf_frame_close(WfFrame *frame,
						   struct LogicalDecodingContext *decoding,
						   bool closing);

#endif							/* WALFERRY_FRAME_H */
