/*
 * transaction.h
 *	  The source transaction that is being decoded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_TRANSACTION_H
#define WALFERRY_TRANSACTION_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "replication/reorderbuffer.h"

typedef struct WfTransaction
{
	bool		begun;			/* its begin has been sent; the rest is set */
	bool		settings_pinned;
	uint64		changes;		/* sent since the begin */

	uint64		xid;			/* with its epoch */
	XLogRecPtr	commit_lsn;		/* start of the commit record */
	XLogRecPtr	end_lsn;		/* end of the commit record */
	TimestampTz commit_time;
	XLogRecPtr	origin_lsn;		/* invalid if local */
	const char *origin;			/* empty if local; valid for the begin alone */
} WfTransaction;

/* The transaction id with its epoch. */
extern uint64 wf_transaction_xid(TransactionId xid);

/* Fills in what a begin says. */
extern void wf_transaction_begin(WfTransaction *transaction,
								 const ReorderBufferTXN *txn);

#endif							/* WALFERRY_TRANSACTION_H */
