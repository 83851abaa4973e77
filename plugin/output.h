/*
 * output.h
 *	  The one seam between the callbacks and the two forms of output.
 *
 * A message is written between open and close: open says where it goes, one
 * of the writers appends it, close hands it over.  Binary output gathers
 * messages in frames; text output hands over each message by itself.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_OUTPUT_H
#define WALFERRY_OUTPUT_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "replication/output_plugin.h"

#include "relation.h"
#include "transaction.h"

struct WfState;

typedef struct WfOutput
{
	OutputPluginOutputType type;

	StringInfo	(*open) (struct WfState *state);

	/* Hands over a message of a transaction, but its last. */
	void		(*close) (struct WfState *state);

	/* Hands over a commit, which ends at end_lsn. */
	void		(*close_commit) (struct WfState *state, XLogRecPtr end_lsn);

	/* Hands over what has been held back for long; between transactions. */
	void		(*release) (struct WfState *state);

	/* Hands over a heartbeat, and whatever was held back before it. */
	void		(*close_heartbeat) (struct WfState *state);

	void		(*begin) (StringInfo out, const WfTransaction *transaction);
	void		(*commit) (StringInfo out, const WfTransaction *transaction);
	void		(*relation) (StringInfo out, const WfRelation *relation);
	void		(*insert) (StringInfo out, WfRelation *relation,
						   const WfTuple *row);

	/* old_kind is one of WF_OLD_*; old is not read for WF_OLD_NONE */
	void		(*update) (StringInfo out, WfRelation *relation, char old_kind,
						   const WfTuple *old, const WfTuple *row);
	void		(*delete) (StringInfo out, WfRelation *relation, char old_kind,
						   const WfTuple *old);

	/* relations is a list of WfRelation, options are WF_TRUNCATE_* */
	void		(*truncate) (StringInfo out, uint8 options, List *relations);
	void		(*stream_start) (StringInfo out, uint64 xid, bool committed);
	void		(*stream_subxact) (StringInfo out, TransactionId subxid);
	void		(*stream_stop) (StringInfo out);
	void		(*stream_abort) (StringInfo out, uint64 xid, TransactionId subxid);
	void		(*stream_commit) (StringInfo out, const WfTransaction *transaction);
	void		(*heartbeat) (StringInfo out, XLogRecPtr lsn,
							  const char *content, Size size);
} WfOutput;

extern const WfOutput wf_wire_output;
extern const WfOutput wf_text_output;

/* Text output that also shows LSNs, transaction ids and times. */
extern const WfOutput wf_text_output_positions;

#endif							/* WALFERRY_OUTPUT_H */
