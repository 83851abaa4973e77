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

#include "replication/reorderbuffer.h"

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

#endif							/* WALFERRY_COMPAT_H */
