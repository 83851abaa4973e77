/*
 * key.h
 *	  Hashes of a row's keys, by which the applier tells what may run in parallel.
 *
 * Equal keys must have equal hashes, by the index's own idea of equality: its
 * operator and its collation (1.0 = 1.00; nondeterministic collations).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_KEY_H
#define WALFERRY_KEY_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/rel.h"

/* A row, taken apart: indexed by attribute number - 1. */
typedef struct WfTuple
{
	Datum	   *values;
	bool	   *nulls;
} WfTuple;

typedef struct WfKeyColumn
{
	int			index;			/* in the table's row, from 0 */
	bool		varlena;		/* may be toasted */
	Oid			collation;
	FmgrInfo	hash;			/* the extended hash function */
} WfKeyColumn;

typedef struct WfKey
{
	int			ncolumns;
	WfKeyColumn *columns;
	bool		nulls_equal;	/* NULLS NOT DISTINCT */
} WfKey;

/*
 * Fills in the key of a unique index of the relation; false if it can't be
 * hashed: it has expressions, or a column's type has no hash function that goes
 * with the index's operator.  What it allocates stays in the current memory
 * context.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern bool wf_key_init(WfKey *key, Relation relation, Oid index);

/*
 * The row's key as a hash, or 0 if it has none: a value is NULL, or a TOAST value
 * that is not in the WAL.  Such a value is looked up in old, unless that is NULL.
 */
extern uint64 wf_key_hash(WfKey *key, const WfTuple *row, const WfTuple *old);

#endif							/* WALFERRY_KEY_H */
