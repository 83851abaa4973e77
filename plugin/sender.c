/*
 * sender.c
 *	  Sends a slot's stream over a replication connection: CALL walferry.stream().
 *
 * It does what START_REPLICATION does for a logical slot, in the same protocol, and
 * differs in one thing.  The server's loop looks for a message of the client after
 * each WAL record: a system call, which with a backlog costs several times what it
 * takes to decode the record.  Here the client is heard now and then while there is
 * something to decode, and at once while there is not.
 *
 * The walsender that executes the CALL has a place in pg_stat_replication, and is
 * woken when WAL is flushed.  Like VACUUM it ends the transaction that the statement
 * has begun, and begins one before it returns: the stream runs outside of any, holds no
 * snapshot, and each decoded transaction begins one of its own.
 *
 * At a shutdown of the server it ends at once, where the server's loop would send
 * all that is left and wait for it to be confirmed.  What is left stays in the slot.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "access/xlogutils.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "postmaster/interrupt.h"
#include "replication/decode.h"
#include "replication/logical.h"
#include "replication/slot.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/portal.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* The server's struct of a connection, which is not used here, would need the headers of these. */
#undef ENABLE_GSS
#undef USE_OPENSSL
#undef USE_SSL
#include "libpq/libpq.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(walferry_stream);

#define WF_PLUGIN "walferry"

/* While there is something to decode, the client is heard this often. */
#define HEARD_EVERY_MS 10

/* And is told this often how far decoding has come. */
#define ANNOUNCED_EVERY_MS 1000

/* The clock is read after so many records. */
#define RECORDS_PER_LOOK 64

/* While there is nothing to send either, in case a wake-up is lost. */
#define SLEEP_MS_MAX 1000

typedef struct Sender
{
	LogicalDecodingContext *decoding;
	StringInfoData message;		/* the one of the client that is being read */
	StringInfoData keepalive;
	bool		ended;			/* the client wants no more */
	XLogRecPtr	decoded;		/* the end of the last record that was */
	XLogRecPtr	announced;		/* what the client was last told of it, and when */
	TimestampTz announced_at;
	XLogRecPtr	readable;		/* WAL up to here may be decoded */
	XLogRecPtr	flushed;		/* may be, as soon as standbys have it */
	TimestampTz looked;			/* when the client was last looked for */
	TimestampTz heard;			/* when it has last said something */
	bool		asked;			/* to, since then */
	int			records;		/* since the clock was last read */
} Sender;

/* --- the client ----------------------------------------------------------------- */

/* There is nobody left to tell. */
static void
end_process(void)
{
	if (whereToSendOutput == DestRemote)
		whereToSendOutput = DestNone;
	proc_exit(0);
}

static void
lose_client(void)
{
	ereport(COMMERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("unexpected EOF on the connection that walferry.stream() sends to")));
	end_process();
}

static void
flush_if_writable(void)
{
	if (pq_flush_if_writable() != 0)
		end_process();
}

/* Until where all that commits has been handed to the output plugin. */
static void
send_keepalive(Sender *sender, bool ask)
{
	sender->announced = sender->decoded;
	sender->announced_at = GetCurrentTimestamp();
	resetStringInfo(&sender->keepalive);
	pq_sendbyte(&sender->keepalive, 'k');
	pq_sendint64(&sender->keepalive, sender->announced);
	pq_sendint64(&sender->keepalive, sender->announced_at);
	pq_sendbyte(&sender->keepalive, ask ? 1 : 0);
	pq_putmessage_noblock('d', sender->keepalive.data, sender->keepalive.len);
}

static void
show_decoded(Sender *sender)
{
	SpinLockAcquire(&MyWalSnd->mutex);
	MyWalSnd->sentPtr = sender->decoded;
	SpinLockRelease(&MyWalSnd->mutex);
}

/* Standby status update: what of the stream the client has written, flushed and applied. */
static void
take_status(Sender *sender)
{
	XLogRecPtr	written = pq_getmsgint64(&sender->message);
	XLogRecPtr	flushed = pq_getmsgint64(&sender->message);
	XLogRecPtr	applied = pq_getmsgint64(&sender->message);
	TimestampTz sent = pq_getmsgint64(&sender->message);
	bool		reply_requested = pq_getmsgbyte(&sender->message) != 0;

	SpinLockAcquire(&MyWalSnd->mutex);
	MyWalSnd->write = written;
	MyWalSnd->flush = flushed;
	MyWalSnd->apply = applied;
	MyWalSnd->replyTime = sent;
	SpinLockRelease(&MyWalSnd->mutex);

	SyncRepReleaseWaiters();
	if (flushed != InvalidXLogRecPtr)
		LogicalConfirmReceivedLocation(flushed);
	if (reply_requested)
		send_keepalive(sender, false);
}

static void
take_message(Sender *sender, char type)
{
	switch (type)
	{
		case 'd':
			if (pq_getmsgbyte(&sender->message) == 'r')
				take_status(sender);
			break;
		case 'c':
			sender->ended = true;
			break;
		case 'X':
			end_process();
			break;
		default:
			ereport(FATAL,
					(errcode(ERRCODE_PROTOCOL_VIOLATION),
					 errmsg("unexpected message of type \"%c\" while walferry.stream() sends", type)));
	}
}

static void
hear_client(Sender *sender)
{
	sender->looked = GetCurrentTimestamp();
	while (!sender->ended)
	{
		unsigned char type;
		int			received;

		pq_startmsgread();
		received = pq_getbyte_if_available(&type);
		if (received < 0)
			lose_client();
		if (received == 0)
		{
			pq_endmsgread();
			return;
		}
		if (pq_getmessage(&sender->message, type == 'd' ? PQ_LARGE_MESSAGE_LIMIT : PQ_SMALL_MESSAGE_LIMIT) != 0)
			lose_client();
		sender->heard = sender->looked;
		sender->asked = false;
		take_message(sender, type);
	}
}

/* A client that is silent for half of wal_sender_timeout is asked to say something. */
static void
check_timeout(Sender *sender)
{
	if (wal_sender_timeout <= 0)
		return;
	if (TimestampDifferenceExceeds(sender->heard, sender->looked, wal_sender_timeout))
	{
		ereport(COMMERROR,
				(errmsg("walferry.stream() ends: the client has been silent for wal_sender_timeout")));
		end_process();
	}
	if (!sender->asked &&
		TimestampDifferenceExceeds(sender->heard, sender->looked, wal_sender_timeout / 2))
	{
		send_keepalive(sender, true);
		sender->asked = true;
	}
}

/* Through WAL of which nothing is sent the client gets on, too, or it would be kept for it. */
static void
announce_progress(Sender *sender)
{
	if (sender->announced < sender->decoded &&
		TimestampDifferenceExceeds(sender->announced_at, sender->looked, ANNOUNCED_EVERY_MS))
		send_keepalive(sender, false);
}

/* All that isn't decoding. */
static void
attend(Sender *sender)
{
	/* The last message of a process that is to end would wait for a client that takes nothing. */
	if (ProcDiePending && pq_is_send_pending() && whereToSendOutput == DestRemote)
		whereToSendOutput = DestNone;
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		SyncRepInitConfig();
	}
	hear_client(sender);
	check_timeout(sender);
	announce_progress(sender);
	flush_if_writable();
	show_decoded(sender);
	sender->records = 0;
}

static void
attend_now_and_then(Sender *sender)
{
	if (TimestampDifferenceExceeds(sender->looked, GetCurrentTimestamp(), HEARD_EVERY_MS))
		attend(sender);
	sender->records = 0;
}

/* Until something comes from the client, it takes what is pending, or our latch is set. */
static void
sleep_on_socket(bool until_writable, uint32 wait_event)
{
	WaitEvent	event;
	long		timeout = SLEEP_MS_MAX;

	if (wal_sender_timeout > 0)
		timeout = Min(timeout, Max(wal_sender_timeout / 10, 1));
	ModifyWaitEvent(FeBeWaitSet, FeBeWaitSetSocketPos,
					WL_SOCKET_READABLE | (until_writable ? WL_SOCKET_WRITEABLE : 0), NULL);
	if (WaitEventSetWait(FeBeWaitSet, timeout, &event, 1, wait_event) == 1 &&
		(event.events & WL_POSTMASTER_DEATH))
		proc_exit(1);
	ResetLatch(MyLatch);
}

/* --- what decoding calls -------------------------------------------------------- */

/*
 * WAL that is flushed, or replayed on a standby.  Of a slot for failover, only what the
 * standbys have that it is to survive on.
 */
static XLogRecPtr
readable_wal(Sender *sender)
{
	if (sender->flushed <= sender->readable)
		sender->flushed = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetFlushRecPtr(NULL);
	if (WF_STANDBYS_HAVE(sender->flushed))
		sender->readable = sender->flushed;
	return sender->readable;
}

/* False: the client wants no more. */
static bool
wait_for_wal(Sender *sender, XLogRecPtr end)
{
	bool		readable = end <= sender->readable || end <= readable_wal(sender);

	if (readable)
		return true;
	if (MyWalSnd->state == WALSNDSTATE_CATCHUP)
		WalSndSetState(WALSNDSTATE_STREAMING);
	for (;;)
	{
		bool		for_standbys = sender->flushed > sender->readable;

		WF_WAIT_FOR_WAL_BEGIN(for_standbys);
		attend(sender);
		readable = end <= readable_wal(sender);
		if (readable || sender->ended)
			break;
		if (for_standbys != (sender->flushed > sender->readable))
			continue;			/* it would wait for the wrong event */
		if (sender->announced < sender->decoded && MyWalSnd->flush < sender->decoded)
		{
			send_keepalive(sender, false);
			flush_if_writable();
		}
		sleep_on_socket(pq_is_send_pending(), WF_WAIT_EVENT_WAL(for_standbys));
	}
	WF_WAIT_FOR_WAL_END();
	return readable;
}

static int
read_page(XLogReaderState *reader, XLogRecPtr page, int length, XLogRecPtr record, char *buffer)
{
	LogicalDecodingContext *decoding = reader->private_data;

	Sender	   *sender = decoding->output_writer_private;
	int			read;

	if (!wait_for_wal(sender, page + length))
		return -1;
	read = read_local_xlog_page(reader, page, length, record, buffer);
	return Min(read, (int64) (sender->readable - page));
}

static void
prepare_write(LogicalDecodingContext *decoding, XLogRecPtr lsn, TransactionId xid, bool last)
{
	resetStringInfo(decoding->out);
	pq_sendbyte(decoding->out, 'w');
	pq_sendint64(decoding->out, lsn);	/* where it begins, and what there is */
	pq_sendint64(decoding->out, lsn);
	pq_sendint64(decoding->out, GetCurrentTimestamp());
}

static void
write_data(LogicalDecodingContext *decoding, XLogRecPtr lsn, TransactionId xid, bool last)
{
	Sender	   *sender = decoding->output_writer_private;

	pq_putmessage_noblock('d', decoding->out->data, decoding->out->len);
	attend(sender);
	while (pq_is_send_pending())
	{
		sleep_on_socket(true, WAIT_EVENT_WAL_SENDER_WRITE_DATA);
		attend(sender);
	}
}

/* Often, also from within a long transaction. */
static void
update_progress(LogicalDecodingContext *decoding, XLogRecPtr lsn, TransactionId xid, bool skipped)
{
	attend_now_and_then(decoding->output_writer_private);
}

/* --- the procedure --------------------------------------------------------------- */

/* Names and values by turns. */
static List *
options_of(ArrayType *array)
{
	List	   *options = NIL;
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	if (count % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the options of walferry.stream() are names and values by turns, and their number is odd")));
	for (int i = 0; i < count; i += 2)
	{
		if (nulls[i] || nulls[i + 1])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an option of walferry.stream() is NULL")));
		options = lappend(options,
						  makeDefElem(TextDatumGetCString(texts[i]),
									  (Node *) makeString(TextDatumGetCString(texts[i + 1])), -1));
	}
	return options;
}

static void
check_call(FunctionCallInfo fcinfo)
{
	if (!am_db_walsender)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("walferry.stream() sends to a replication connection, which this is not"),
				 errhint("Connect with replication=database.")));
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic || SPI_inside_nonatomic_context())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("walferry.stream() can't run inside a transaction block, function or DO")));
	for (int i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an argument of walferry.stream() is NULL")));
	}
	CheckSlotPermissions();
	CheckLogicalDecodingRequirements();
}

static void
begin_copy(void)
{
	StringInfoData message;

	pq_beginmessage(&message, 'W');
	pq_sendbyte(&message, 0);	/* text, of no column, as START_REPLICATION has it */
	pq_sendint16(&message, 0);
	pq_endmessage(&message);
	if (pq_flush() != 0)
		end_process();
}

static void
decode(Sender *sender, XLogReaderState *reader)
{
	XLogBeginRead(reader, MyReplicationSlot->data.restart_lsn);
	while (!sender->ended)
	{
		char	   *error = NULL;
		XLogRecord *record = XLogReadRecord(reader, &error);

		if (error != NULL)
			elog(ERROR, "WAL can't be read: %s", error);
		if (record != NULL)
		{
			LogicalDecodingProcessRecord(sender->decoding, reader);
			sender->decoded = reader->EndRecPtr;
		}
		if (record == NULL || ++sender->records >= RECORDS_PER_LOOK)
			attend_now_and_then(sender);
	}
}

/* After an error nobody else closes the file of WAL that is open. */
static void
decode_or_close(Sender *sender)
{
	XLogReaderState *reader = sender->decoding->reader;

	PG_TRY();
	{
		decode(sender, reader);
	}
	PG_CATCH();
	{
		if (reader->seg.ws_file >= 0)
			wal_segment_close(reader);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
stream(const char *slot, XLogRecPtr start, List *options)
{
	Sender		sender = {0};

	WF_ACQUIRE_SLOT(slot);
	if (strcmp(NameStr(MyReplicationSlot->data.plugin), WF_PLUGIN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("replication slot \"%s\" is not of the output plugin \"%s\"", slot, WF_PLUGIN)));
	if (XLogRecPtrIsInvalid(MyReplicationSlot->data.restart_lsn))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("replication slot \"%s\" can't be used: WAL that it needs has been removed", slot)));
	sender.decoding = CreateDecodingContext(start, options, false,
											XL_ROUTINE(.page_read = read_page,
													   .segment_open = wal_segment_open,
													   .segment_close = wal_segment_close),
											prepare_write, write_data, update_progress);
	sender.decoding->output_writer_private = &sender;
	initStringInfo(&sender.message);
	initStringInfo(&sender.keepalive);
	sender.decoded = MyReplicationSlot->data.confirmed_flush;
	sender.looked = sender.heard = GetCurrentTimestamp();
	show_decoded(&sender);
	SyncRepInitConfig();
	WalSndSetState(WALSNDSTATE_CATCHUP);

	begin_copy();
	decode_or_close(&sender);
	pq_putemptymessage('c');

	FreeDecodingContext(sender.decoding);
	ReplicationSlotRelease();
	WalSndSetState(WALSNDSTATE_STARTUP);
}

/* Whoever runs the statement goes on in a transaction, or cleans one up. */
static void
stream_outside(const char *slot, XLogRecPtr start, List *options)
{
	MemoryContext context = CurrentMemoryContext;

	/* What decoding keeps of catalogs is of another time than what SQL does. */
	InvalidateSystemCaches();
	ForgetPortalSnapshots();
	CommitTransactionCommand();
	disable_timeout(STATEMENT_TIMEOUT, false);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		stream(slot, start, options);
	}
	PG_FINALLY();
	{
		if (!IsTransactionOrTransactionBlock())
			StartTransactionCommand();
		InvalidateSystemCaches();
	}
	PG_END_TRY();
}

/* walferry.stream(slot, start, options) */
Datum
walferry_stream(PG_FUNCTION_ARGS)
{
	char	   *slot;
	XLogRecPtr	start;
	List	   *options;

	check_call(fcinfo);

	/* Outlives the transaction, and goes with the statement. */
	MemoryContextSwitchTo(AllocSetContextCreate(PortalContext, "walferry stream",
												ALLOCSET_DEFAULT_SIZES));
	slot = pstrdup(NameStr(*PG_GETARG_NAME(0)));
	start = PG_GETARG_LSN(1);
	options = options_of(PG_GETARG_ARRAYTYPE_P(2));

	stream_outside(slot, start, options);
	PG_RETURN_VOID();
}
