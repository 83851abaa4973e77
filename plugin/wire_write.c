/*
 * wire_write.c
 *	  Writes the messages of docs/protocol.md: one function each.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"

#include "walferry.h"
#include "wire.h"
#include "wire_write.h"

/* Where the fields of a frame header lie. */
#define FRAME_FLAGS_OFFSET 1
#define FRAME_WAL_END_OFFSET 6

void
wf_wire_frame_header(StringInfo out, uint32 number)
{
	pq_sendbyte(out, WF_FRAME_MAGIC);
	pq_sendbyte(out, 0);
	pq_sendint32(out, number);
	pq_sendint64(out, 0);
	Assert(out->len == WF_FRAME_HEADER_SIZE);
}

void
wf_wire_finish_frame_header(StringInfo frame, uint8 flags, XLogRecPtr wal_end)
{
	uint64		swapped = pg_hton64(wal_end);

	frame->data[FRAME_FLAGS_OFFSET] = flags;
	memcpy(frame->data + FRAME_WAL_END_OFFSET, &swapped, sizeof(swapped));
}

/* Returns the position of the body, for end_message. */
static int
start_message(StringInfo out, char type)
{
	pq_sendbyte(out, type);
	pq_sendint32(out, 0);
	return out->len;
}

static void
end_message(StringInfo out, int body)
{
	uint32		length = pg_hton32(out->len - body);

	memcpy(out->data + body - sizeof(length), &length, sizeof(length));
}

static void
send_bytes(StringInfo out, const char *bytes, Size size)
{
	Assert(size <= PG_UINT16_MAX);
	pq_sendint16(out, size);
	pq_sendbytes(out, bytes, size);
}

static void
send_string(StringInfo out, const char *string)
{
	send_bytes(out, string, strlen(string));
}

void
wf_wire_hello(StringInfo out)
{
	int			body = start_message(out, WF_MSG_HELLO);

	pq_sendint16(out, WF_PROTOCOL_VERSION);
	pq_sendint32(out, PG_VERSION_NUM);
	pq_sendint64(out, 0);		/* version 1 defines no capability */
	send_string(out, GetDatabaseEncodingName());
	send_string(out, WF_VERSION);
	end_message(out, body);
}

static void
send_transaction(StringInfo out, char type, const WfTransaction *transaction)
{
	int			body = start_message(out, type);

	pq_sendint64(out, transaction->xid);
	pq_sendint64(out, transaction->commit_lsn);
	pq_sendint64(out, transaction->end_lsn);
	pq_sendint64(out, transaction->commit_time);
	pq_sendint64(out, transaction->origin_lsn);
	send_string(out, transaction->origin);
	end_message(out, body);
}

void
wf_wire_begin(StringInfo out, const WfTransaction *transaction)
{
	send_transaction(out, WF_MSG_BEGIN, transaction);
}

void
wf_wire_stream_commit(StringInfo out, const WfTransaction *transaction)
{
	send_transaction(out, WF_MSG_STREAM_COMMIT, transaction);
}

void
wf_wire_stream_start(StringInfo out, uint64 xid, bool committed)
{
	int			body = start_message(out, WF_MSG_STREAM_START);

	pq_sendint64(out, xid);
	pq_sendbyte(out, committed ? WF_STREAM_COMMITTED : 0);
	end_message(out, body);
}

void
wf_wire_stream_subxact(StringInfo out, TransactionId subxid)
{
	int			body = start_message(out, WF_MSG_STREAM_SUBXACT);

	pq_sendint32(out, subxid);
	end_message(out, body);
}

void
wf_wire_stream_stop(StringInfo out)
{
	end_message(out, start_message(out, WF_MSG_STREAM_STOP));
}

void
wf_wire_stream_abort(StringInfo out, uint64 xid, TransactionId subxid)
{
	int			body = start_message(out, WF_MSG_STREAM_ABORT);

	pq_sendint64(out, xid);
	pq_sendint32(out, subxid);
	end_message(out, body);
}

void
wf_wire_commit(StringInfo out, const WfTransaction *transaction)
{
	int			body = start_message(out, WF_MSG_COMMIT);

	pq_sendint64(out, transaction->commit_lsn);
	pq_sendint64(out, transaction->end_lsn);
	pq_sendint64(out, transaction->changes);
	end_message(out, body);
}

static void
send_column(StringInfo out, const WfColumn *column)
{
	pq_sendbyte(out, column->flags);
	pq_sendbyte(out, column->format);
	send_string(out, column->name);
	pq_sendint32(out, column->type);
	send_string(out, column->type_schema);
	send_string(out, column->type_name);
	pq_sendint32(out, column->typmod);
	send_string(out, column->collation_schema);
	send_string(out, column->collation_name);
	if (column->flags & WF_COLUMN_PART)
		send_string(out, column->part);
}

void
wf_wire_relation(StringInfo out, const WfRelation *relation)
{
	int			body = start_message(out, WF_MSG_RELATION);

	pq_sendint32(out, relation->relid);
	pq_sendbyte(out, relation->kind);
	pq_sendbyte(out, relation->flags);
	pq_sendint32(out, relation->rewrites);
	send_string(out, relation->schema);
	send_string(out, relation->table);
	pq_sendbyte(out, relation->replica_identity);
	pq_sendbyte(out, relation->identity_hashed ? 1 : 0);
	pq_sendint16(out, relation->nunique);
	pq_sendint16(out, relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
		send_column(out, &relation->columns[i]);
	end_message(out, body);
}

static void
send_value(StringInfo out, WfColumn *column, const WfTuple *tuple)
{
	if (tuple->nulls[column->index])
		pq_sendint32(out, WF_LENGTH_NULL);
	else
		wf_column_write(out, column, tuple->values[column->index]);
}

static void
send_row(StringInfo out, WfRelation *relation, const WfTuple *tuple)
{
	pq_sendint16(out, relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
		send_value(out, &relation->columns[i], tuple);
}

/* The new row of an update: it alone may lack values. */
static void
send_updated_row(StringInfo out, WfRelation *relation, const WfTuple *tuple)
{
	pq_sendint16(out, relation->ncolumns);
	for (int i = 0; i < relation->ncolumns; i++)
	{
		WfColumn   *column = &relation->columns[i];

		if (!tuple->nulls[column->index] &&
			wf_column_is_unchanged(column, tuple->values[column->index]))
			pq_sendint32(out, WF_LENGTH_UNCHANGED);
		else
			send_value(out, column, tuple);
	}
}

static void
send_key(StringInfo out, WfRelation *relation, const WfTuple *tuple)
{
	pq_sendint16(out, relation->nkeys);
	for (int i = 0; i < relation->ncolumns; i++)
	{
		if (relation->columns[i].flags & WF_COLUMN_KEY)
			send_value(out, &relation->columns[i], tuple);
	}
}

static void
send_old(StringInfo out, WfRelation *relation, char old_kind,
		 const WfTuple *old)
{
	if (old_kind == WF_OLD_ROW)
		send_row(out, relation, old);
	else if (old_kind == WF_OLD_KEY)
		send_key(out, relation, old);
}

static void
send_identity(StringInfo out, WfRelation *relation, const WfTuple *row,
			  const WfTuple *old)
{
	if (relation->identity_hashed)
		pq_sendint64(out, wf_key_hash(&relation->identity, row, old));
}

static void
send_unique(StringInfo out, WfRelation *relation, const WfTuple *row)
{
	for (int i = 0; i < relation->nunique; i++)
		pq_sendint64(out, wf_key_hash(&relation->unique[i], row, NULL));
}

void
wf_wire_insert(StringInfo out, WfRelation *relation, const WfTuple *row)
{
	int			body = start_message(out, WF_MSG_INSERT);

	pq_sendint32(out, relation->relid);
	send_identity(out, relation, row, NULL);
	send_unique(out, relation, row);
	send_row(out, relation, row);
	end_message(out, body);
}

void
wf_wire_update(StringInfo out, WfRelation *relation, char old_kind,
			   const WfTuple *old, const WfTuple *row)
{
	int			body = start_message(out, WF_MSG_UPDATE);

	pq_sendint32(out, relation->relid);
	pq_sendbyte(out, old_kind);
	if (old_kind == WF_OLD_NONE)
		send_identity(out, relation, row, NULL);
	else
	{
		send_identity(out, relation, row, old);
		send_identity(out, relation, old, NULL);
	}
	send_unique(out, relation, row);
	send_old(out, relation, old_kind, old);
	send_updated_row(out, relation, row);
	end_message(out, body);
}

void
wf_wire_delete(StringInfo out, WfRelation *relation, char old_kind,
			   const WfTuple *old)
{
	int			body = start_message(out, WF_MSG_DELETE);

	pq_sendint32(out, relation->relid);
	pq_sendbyte(out, old_kind);
	if (old_kind != WF_OLD_NONE)
		send_identity(out, relation, old, NULL);
	send_old(out, relation, old_kind, old);
	end_message(out, body);
}

void
wf_wire_truncate(StringInfo out, uint8 options, List *relations)
{
	int			body = start_message(out, WF_MSG_TRUNCATE);
	ListCell   *cell;

	if (list_length(relations) > PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a TRUNCATE of %d tables can't be sent",
						list_length(relations)),
				 errdetail("The limit is %d tables.", PG_UINT16_MAX)));
	pq_sendbyte(out, options);
	pq_sendint16(out, list_length(relations));
	foreach(cell, relations)
	{
		WfRelation *relation = lfirst(cell);

		pq_sendint32(out, relation->relid);
	}
	end_message(out, body);
}

void
wf_wire_heartbeat(StringInfo out, XLogRecPtr lsn, const char *content, Size size)
{
	int			body = start_message(out, WF_MSG_HEARTBEAT);

	pq_sendint64(out, lsn);
	send_bytes(out, content, Min(size, PG_UINT16_MAX));
	end_message(out, body);
}
