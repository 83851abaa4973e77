/*
 * wire_write.h
 *	  Writes the messages of docs/protocol.md: one function each.
 *
 * Each appends one whole message, header included; what is sent and when is
 * decided elsewhere.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_WIRE_WRITE_H
#define WALFERRY_WIRE_WRITE_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "relation.h"
#include "transaction.h"

/* The flags and the end of WAL are filled in when the frame is complete. */
extern void wf_wire_frame_header(StringInfo out, uint32 number);
extern void wf_wire_finish_frame_header(StringInfo frame, uint8 flags,
										XLogRecPtr wal_end);

extern void wf_wire_hello(StringInfo out);
extern void wf_wire_begin(StringInfo out, const WfTransaction *transaction);
extern void wf_wire_commit(StringInfo out, const WfTransaction *transaction);
extern void wf_wire_relation(StringInfo out, const WfRelation *relation);
extern void wf_wire_insert(StringInfo out, WfRelation *relation,
						   const WfTuple *row);
extern void wf_wire_update(StringInfo out, WfRelation *relation, char old_kind,
						   const WfTuple *old, const WfTuple *row);
extern void wf_wire_delete(StringInfo out, WfRelation *relation, char old_kind,
						   const WfTuple *old);
extern void wf_wire_truncate(StringInfo out, uint8 options, List *relations);
extern void wf_wire_stream_start(StringInfo out, uint64 xid, bool committed);
extern void wf_wire_stream_subxact(StringInfo out, TransactionId subxid);
extern void wf_wire_stream_stop(StringInfo out);
extern void wf_wire_stream_abort(StringInfo out, uint64 xid,
								 TransactionId subxid);
extern void wf_wire_stream_commit(StringInfo out,
								  const WfTransaction *transaction);
extern void wf_wire_heartbeat(StringInfo out, XLogRecPtr lsn,
							  const char *content, Size size);

#endif							/* WALFERRY_WIRE_WRITE_H */
