/*
 * compat.h
 *	  What differs between the PostgreSQL majors that the plugin supports.
 *
 * Every test of PG_VERSION_NUM in the plugin stands here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_COMPAT_H
#define WALFERRY_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "walferry needs PostgreSQL 15 or newer"
#endif

/* PostgreSQL 16 moved VARDATA_ANY and its kin out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "catalog/dependency.h"
#include "executor/executor.h"
#include "replication/reorderbuffer.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif

/* PostgreSQL 18 says it as C11 does, before the function. */
#if PG_VERSION_NUM >= 180000
#define WF_NORETURN pg_noreturn
#else
#define WF_NORETURN pg_attribute_noreturn()
#endif

/* Until PostgreSQL 17 a change wrapped its tuples in a ReorderBufferTupleBuf. */
#if PG_VERSION_NUM >= 170000
#define WF_CHANGE_TUPLE(field) (field)
#else
#define WF_CHANGE_TUPLE(field) ((field) != NULL ? &(field)->tuple : NULL)
#endif

/* PostgreSQL 18 asks whether a deferrable primary key will do. */
#if PG_VERSION_NUM >= 180000
#define WF_PRIMARY_KEY_INDEX(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define WF_PRIMARY_KEY_INDEX(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* PostgreSQL 17 takes the table itself. */
#if PG_VERSION_NUM >= 170000
#define WF_IDENTITY_SEQUENCE(relation, attnum) getIdentitySequence(relation, attnum, false)
#else
#define WF_IDENTITY_SEQUENCE(relation, attnum) \
	getIdentitySequence(RelationGetRelid(relation), attnum, false)
#endif

/* NOT NULL is a constraint of domains since PostgreSQL 17, of tables since 18. */
#if PG_VERSION_NUM >= 170000
#define WF_IS_NOT_NULL(contype) ((contype) == CONSTRAINT_NOTNULL)
#else
#define WF_IS_NOT_NULL(contype) ((void) (contype), false)
#endif

/* PostgreSQL 18 dropped execute_once. */
#if PG_VERSION_NUM >= 180000
#define WF_EXECUTOR_RUN_HOOK(name, query, direction, count, execute_once) \
	name(query, direction, count)
#define WF_EXECUTE_ONCE true
#define WF_RUN_EXECUTOR(query, direction, count, execute_once) \
	(next_executor_run ? next_executor_run(query, direction, count) \
	 : standard_ExecutorRun(query, direction, count))
#else
#define WF_EXECUTOR_RUN_HOOK(name, query, direction, count, execute_once) \
	name(query, direction, count, execute_once)
#define WF_EXECUTE_ONCE execute_once
#define WF_RUN_EXECUTOR(query, direction, count, execute_once) \
	(next_executor_run ? next_executor_run(query, direction, count, execute_once) \
	 : standard_ExecutorRun(query, direction, count, execute_once))
#endif

/* PostgreSQL 18 asks whether an invalidated slot is an error. */
#if PG_VERSION_NUM >= 180000
#define WF_ACQUIRE_SLOT(name) ReplicationSlotAcquire(name, true, true)
#else
#define WF_ACQUIRE_SLOT(name) ReplicationSlotAcquire(name, true)
#endif

/*
 * Before PostgreSQL 16 a walsender's latch is set when WAL is flushed; since then
 * that is done by a condition variable, on whose list it must be before it looks, and
 * from which each wake-up takes it off.
 */
#if PG_VERSION_NUM >= 170000
#define WF_WAIT_FOR_WAL_BEGIN(for_standbys) \
	ConditionVariablePrepareToSleep((for_standbys) ? &WalSndCtl->wal_confirm_rcv_cv : &WalSndCtl->wal_replay_cv)
#define WF_WAIT_FOR_WAL_END() ConditionVariableCancelSleep()
#define WF_WAIT_EVENT_WAL(for_standbys) \
	((for_standbys) ? WAIT_EVENT_WAIT_FOR_STANDBY_CONFIRMATION : WAIT_EVENT_WAL_SENDER_WAIT_FOR_WAL)
#elif PG_VERSION_NUM >= 160000
#define WF_WAIT_FOR_WAL_BEGIN(for_standbys) ConditionVariablePrepareToSleep(&WalSndCtl->wal_replay_cv)
#define WF_WAIT_FOR_WAL_END() ConditionVariableCancelSleep()
#define WF_WAIT_EVENT_WAL(for_standbys) WAIT_EVENT_WAL_SENDER_WAIT_WAL
#else
#define WF_WAIT_FOR_WAL_BEGIN(for_standbys) ((void) 0)
#define WF_WAIT_FOR_WAL_END() ((void) 0)
#define WF_WAIT_EVENT_WAL(for_standbys) WAIT_EVENT_WAL_SENDER_WAIT_WAL
#endif

/* PostgreSQL 17 has slots that survive a failover to the standbys in synchronized_standby_slots. */
#if PG_VERSION_NUM >= 170000
#define WF_STANDBYS_HAVE(lsn) \
	(!MyReplicationSlot->data.failover || StandbySlotsHaveCaughtup(lsn, WARNING))
#else
#define WF_STANDBYS_HAVE(lsn) true
#endif

#endif							/* WALFERRY_COMPAT_H */
