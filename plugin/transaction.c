/*
 * transaction.c
 *	  What the stream says about a transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "replication/origin.h"
#include "utils/memutils.h"

#include "transaction.h"

/*
 * The epoch of a transaction that is being decoded is the next transaction's,
 * or the one before if the counter has wrapped in between: the slot keeps it
 * from falling further behind.
 */
uint64
wf_transaction_xid(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return U64FromFullTransactionId(FullTransactionIdFromEpochAndXid(epoch, xid));
}

/* The commit of a streamed transaction is decoded outside of any of ours. */
static const char *
origin_name(RepOriginId origin)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		in_transaction = IsTransactionState();
	char	   *name;
	const char *found = "";

	if (origin == InvalidRepOriginId)
		return "";
	if (!in_transaction)
		StartTransactionCommand();
	/* Without a name it still has an LSN, which tells that it isn't local. */
	if (replorigin_by_oid(origin, true, &name))
		found = MemoryContextStrdup(caller, name);
	if (!in_transaction)
		CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	return found;
}

void
wf_transaction_begin(WfTransaction *transaction, const ReorderBufferTXN *txn)
{
	transaction->begun = true;
	transaction->xid = wf_transaction_xid(txn->xid);
	transaction->commit_lsn = txn->final_lsn;
	transaction->end_lsn = txn->end_lsn;
	transaction->commit_time = txn->xact_time.commit_time;
	transaction->origin_lsn = txn->origin_lsn;
	transaction->origin = origin_name(txn->origin_id);
}
