/*
 * wire.h
 *	  The change format between the output plugin and the applier.
 *
 * This header is the format's only source of constants: the plugin (C) writes
 * with it, the applier (C++) reads with it.  docs/protocol.md has one table per
 * message; keep the two in step and raise WF_PROTOCOL_VERSION with any change
 * that an older reader could not read.
 *
 * A stream is a sequence of frames; the plugin hands each to the server as one
 * output message.  A frame is a header and then whole messages; a transaction
 * may span frames and a frame may hold several transactions.  All integers are
 * big-endian.  A string is a uint16 length and that many bytes, in the source
 * database's encoding, without a terminator.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_WIRE_H
#define WALFERRY_WIRE_H

#define WF_PROTOCOL_VERSION 4

/* A frame is written when it has reached this size; one big message may exceed it. */
#define WF_FRAME_SIZE (64 * 1024)

/*
 * Frame header: uint8 'F', uint8 flags, uint32 frame number (0 for the first
 * of a connection, then dense), uint64 end of the source's flushed WAL when the
 * frame was written.
 */
#define WF_FRAME_MAGIC 'F'
#define WF_FRAME_HEADER_SIZE (1 + 1 + 4 + 8)

/* Frame flag: nothing is held back, and the next commit will be written at once. */
#define WF_FRAME_CLOSING 0x01

/* Message header: uint8 type, uint32 length of the body that follows. */
#define WF_MESSAGE_HEADER_SIZE (1 + 4)

/* Message types */
#define WF_MSG_HELLO 'H'
#define WF_MSG_BEGIN 'B'
#define WF_MSG_COMMIT 'C'
#define WF_MSG_RELATION 'R'
#define WF_MSG_INSERT 'I'
#define WF_MSG_UPDATE 'U'
#define WF_MSG_DELETE 'D'
#define WF_MSG_TRUNCATE 'T'
#define WF_MSG_HEARTBEAT 'M'
#define WF_MSG_STREAM_START 'S'
#define WF_MSG_STREAM_SUBXACT 'X'
#define WF_MSG_STREAM_STOP 'E'
#define WF_MSG_STREAM_ABORT 'A'
#define WF_MSG_STREAM_COMMIT 'Y'

/* Which old tuple an update or delete carries */
#define WF_OLD_NONE 'N'		/* none: an update that kept the key, or no replica identity */
#define WF_OLD_KEY 'K'		/* the columns of the replica identity, in column order */
#define WF_OLD_ROW 'O'		/* all columns (REPLICA IDENTITY FULL) */

/*
 * A tuple is int16 column count, then per column int32 length and that many
 * bytes: exactly a COPY BINARY tuple, plus one more negative length.
 */
#define WF_LENGTH_NULL (-1)
#define WF_LENGTH_UNCHANGED (-2)	/* a TOAST value that the update did not touch */

/* How a column's bytes are to be read */
#define WF_FORMAT_BINARY 'b'	/* the type's binary send form */
#define WF_FORMAT_TEXT 't'		/* the type's text output form */

/* Column flags in a relation message */
#define WF_COLUMN_KEY 0x01			/* part of the replica identity */
#define WF_COLUMN_GENERATED 0x02	/* generated: sent only because it is part of the key */
#define WF_COLUMN_IDENTITY_ALWAYS 0x04	/* GENERATED ALWAYS AS IDENTITY */
#define WF_COLUMN_NOT_NULL 0x08
#define WF_COLUMN_PRIMARY_KEY 0x10	/* part of the primary key */
#define WF_COLUMN_PART 0x20			/* has one value in all rows, which no other source's rows have */

/* What a relation message describes */
#define WF_RELATION_TABLE 't'
#define WF_RELATION_DDL_LOG 'l'	/* walferry.ddl_log: an inserted row is a DDL statement */
#define WF_RELATION_REWRITE 'w' /* rows that a DDL statement has computed anew */

/* Flag in a relation message: the table has columns that are not sent */
#define WF_RELATION_OMITS_COLUMNS 0x01

/*
 * Flags of a DDL statement: the column walferry.ddl_log.flags.  A row with one of
 * the first two is no statement: between them lie changes of rows that the
 * statement's own script makes at the destination too.
 */
#define WF_DDL_MUTE 0x01
#define WF_DDL_UNMUTE 0x02
#define WF_DDL_OUTSIDE 0x04		/* runs outside of a transaction */
#define WF_DDL_PARTIAL 0x08		/* some of its objects are not selected */
#define WF_DDL_OWNER 0x10		/* changes an owner, and nothing else */
#define WF_DDL_SKIP 0x20		/* nothing of it is for the destination; the column note says why */
#define WF_DDL_STOP 0x40		/* it can't be followed exactly; the column note says why */

/* Truncate options */
#define WF_TRUNCATE_CASCADE 0x01
#define WF_TRUNCATE_RESTART_IDENTITY 0x02

/* Flag of a stream start: the transaction has committed, further on in the WAL */
#define WF_STREAM_COMMITTED 0x01

/* Prefix of the logical messages that the plugin passes on as heartbeats */
#define WF_HEARTBEAT_PREFIX "walferry"

#endif							/* WALFERRY_WIRE_H */
