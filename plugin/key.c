/*
 * key.c
 *	  Hashes of a row's keys, by which the applier tells what may run in parallel.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/hash.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "common/hashfn.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "key.h"

/* The extended hash function of a hash operator family that knows the operator. */
static Oid
hash_function(Oid equality)
{
	CatCList   *members = SearchSysCacheList1(AMOPOPID,
											  ObjectIdGetDatum(equality));
	Oid			function = InvalidOid;

	for (int i = 0; i < members->n_members && !OidIsValid(function); i++)
	{
		HeapTuple	tuple = &members->members[i]->tuple;
		Form_pg_amop member = (Form_pg_amop) GETSTRUCT(tuple);

		if (member->amopmethod == HASH_AM_OID &&
			member->amopstrategy == HTEqualStrategyNumber &&
			member->amoplefttype == member->amoprighttype)
			function = get_opfamily_proc(member->amopfamily,
										 member->amoplefttype,
										 member->amoprighttype,
										 HASHEXTENDED_PROC);
	}
	ReleaseSysCacheList(members);
	return function;
}

static bool
init_column(WfKeyColumn *column, Relation relation, Relation index, int position)
{
	AttrNumber	attribute = index->rd_index->indkey.values[position];
	Oid			type = index->rd_opcintype[position];
	Oid			equality = get_opfamily_member(index->rd_opfamily[position],
											   type, type,
											   BTEqualStrategyNumber);
	Oid			function;

	if (attribute <= 0 || !OidIsValid(equality))
		return false;
	function = hash_function(equality);
	if (!OidIsValid(function))
		return false;

	column->index = attribute - 1;
	column->varlena = TupleDescAttr(RelationGetDescr(relation),
									attribute - 1)->attlen == -1;
	column->collation = index->rd_indcollation[position];
	fmgr_info_cxt(function, &column->hash, CurrentMemoryContext);
	return true;
}

bool
wf_key_init(WfKey *key, Relation relation, Oid index_oid)
{
	Relation	index = RelationIdGetRelation(index_oid);
	bool		hashed;

	if (!RelationIsValid(index))
		return false;
	hashed = index->rd_rel->relam == BTREE_AM_OID;
	key->ncolumns = index->rd_index->indnkeyatts;
	key->columns = palloc0(sizeof(WfKeyColumn) * key->ncolumns);
	key->nulls_equal = index->rd_index->indnullsnotdistinct;
	for (int i = 0; i < key->ncolumns && hashed; i++)
		hashed = init_column(&key->columns[i], relation, index, i);
	RelationClose(index);
	return hashed;
}

static bool
is_missing(const WfKeyColumn *column, const WfTuple *row)
{
	return column->varlena && !row->nulls[column->index] &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row->values[column->index]));
}

uint64
wf_key_hash(WfKey *key, const WfTuple *row, const WfTuple *old)
{
	uint64		hash = 0;

	for (int i = 0; i < key->ncolumns; i++)
	{
		WfKeyColumn *column = &key->columns[i];
		const WfTuple *tuple = row;
		uint64		value = 0;

		if (is_missing(column, tuple))
		{
			tuple = old;
			if (tuple == NULL || is_missing(column, tuple))
				return 0;
		}
		if (!tuple->nulls[column->index])
			value = DatumGetUInt64(FunctionCall2Coll(&column->hash,
													 column->collation,
													 tuple->values[column->index],
													 Int64GetDatum(0)));
		else if (!key->nulls_equal)
			return 0;
		hash = hash_combine64(hash, value);
	}
	return hash != 0 ? hash : 1;
}
