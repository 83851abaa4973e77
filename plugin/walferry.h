/*
 * walferry.h
 *	  What one decoding session holds.
 *
 * All of it is allocated in the decoding context, so it goes when decoding
 * ends, in success or error.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_H
#define WALFERRY_H

#include "postgres.h"

#include "replication/logical.h"
#include "replication/output_plugin.h"

#include "compat.h"
#include "frame.h"
#include "options.h"
#include "output.h"
#include "relation.h"
#include "transaction.h"

#define WF_VERSION "1.0"

/* The extension's schema, whose tables are never sent as tables. */
#define WF_SCHEMA "walferry"

/* The chunk of a streamed transaction that is being decoded. */
typedef struct WfStream
{
	bool		open;			/* between the callbacks that begin and end it */
	bool		started;		/* its start has been sent */
	bool		committed;		/* the transaction is, further on in the WAL */
	bool		dropped;		/* it has aborted: nothing of it is sent */
	TransactionId dropped_subxid;	/* of a committed one: an aborted subtransaction */
	TransactionId subxid;		/* whose changes the reader expects, or invalid */
} WfStream;

typedef struct WfState
{
	LogicalDecodingContext *decoding;
	MemoryContext change_context;	/* reset after each callback */
	WfOptions	options;
	WfRelationCache *relations;
	WfTransaction transaction;
	WfStream	stream;
	/* With the option origin, transaction ids, as lists of OIDs: */
	List	   *streamed;		/* begun to be streamed, and not at their end */
	List	   *forgotten;		/* of these, the server says no more of them */
	const WfOutput *output;
	WfFrame		frame;
	WfTuple		old;			/* room for the tuples of one change */
	WfTuple		row;
	int			uncounted_changes;	/* since progress was last reported */
} WfState;

#endif							/* WALFERRY_H */
