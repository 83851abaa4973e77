/*
 * relation.c
 *	  What the stream needs to know of each table, cached.
 *
 * 1. An entry is read anew before its next use when the table, a type, a
 *	  collation or a schema has changed; an invalidation marks, it frees nothing.
 * 2. A table is described to the reader again only if its relation message
 *	  would now be another one: an ANALYZE invalidates too.
 * 3. The callbacks stay registered for the life of the backend, in which
 *	  decoding may run many times (by SQL); without a cache they do nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "ddl.h"
#include "relation.h"
#include "wire.h"
#include "wire_write.h"

struct WfRelationCache
{
	const WfOptions *options;
	HTAB	   *entries;
	MemoryContext context;
	MemoryContextCallback forget;
};

/* For the callbacks: the cache that is alive, or NULL. */
static WfRelationCache *active_cache = NULL;

static void
invalidate_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	WfRelation *entry;

	if (active_cache == NULL)
		return;

	if (OidIsValid(relid))
	{
		entry = hash_search(active_cache->entries, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
		return;
	}

	hash_seq_init(&status, active_cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

/* Types, schemas and collations change so seldom that all tables may pay. */
static void
invalidate_all(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_relation(arg, InvalidOid);
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(COLLOID, invalidate_all, (Datum) 0);
	registered = true;
}

static void
forget_cache(void *arg)
{
	Assert(active_cache == arg);
	active_cache = NULL;
}

WfRelationCache *
wf_relation_cache_create(const WfOptions *options)
{
	WfRelationCache *cache = palloc0(sizeof(WfRelationCache));
	HASHCTL		control = {0};

	cache->options = options;
	cache->context = AllocSetContextCreate(CurrentMemoryContext,
										   "walferry relations",
										   ALLOCSET_DEFAULT_SIZES);
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(WfRelation);
	control.hcxt = cache->context;
	cache->entries = hash_create("walferry relations", 128, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	register_callbacks();
	cache->forget.func = forget_cache;
	cache->forget.arg = cache;
	MemoryContextRegisterResetCallback(cache->context, &cache->forget);
	active_cache = cache;
	return cache;
}

static bool
has_attribute(Bitmapset *attributes, Form_pg_attribute attribute)
{
	return bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber,
						 attributes);
}

static uint8
column_flags(Form_pg_attribute attribute, Bitmapset *identity,
			 Bitmapset *primary_key)
{
	uint8		flags = 0;

	if (has_attribute(identity, attribute))
		flags |= WF_COLUMN_KEY;
	if (attribute->attgenerated != '\0')
		flags |= WF_COLUMN_GENERATED;
	if (attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		flags |= WF_COLUMN_IDENTITY_ALWAYS;
	if (attribute->attnotnull)
		flags |= WF_COLUMN_NOT_NULL;
	if (has_attribute(primary_key, attribute))
		flags |= WF_COLUMN_PRIMARY_KEY;
	return flags;
}

/* The destination generates its own values; but it needs them to find a row. */
static bool
is_sent(const WfRelation *entry, Form_pg_attribute attribute, uint8 flags)
{
	return !attribute->attisdropped &&
		((flags & WF_COLUMN_GENERATED) == 0 || (flags & WF_COLUMN_KEY) != 0) &&
		(entry->filter == NULL || wf_filter_sends_column(entry->filter, attribute));
}

static void
load_column(WfRelation *entry, Form_pg_attribute attribute, uint8 flags, bool readable)
{
	WfColumn   *column = &entry->columns[entry->ncolumns++];
	Node	   *part;

	wf_column_init(column, attribute, flags, readable);
	part = entry->filter != NULL ? wf_filter_part(entry->filter, column->index) : NULL;
	if (part != NULL)
	{
		column->flags |= WF_COLUMN_PART;
		column->part = deparse_expression(part, NIL, false, false);
	}
	if (flags & WF_COLUMN_KEY)
		entry->nkeys++;
	if (column->encoder.encoding == WF_ENCODE_OUTPUT)
		entry->calls_output = true;
}

/*
 * The filter, which says what is sent.  Its identity is what rows are found by at the
 * destination.  Expressions may depend on settings as output functions do.
 */
static int
load_filter(WfRelation *entry, Relation relation, const WfTableSettings *settings,
			Bitmapset *identity, Bitmapset *primary_key)
{
	if (settings == NULL || entry->kind == WF_RELATION_DDL_LOG)
		return 0;
	entry->filter = wf_filter_create(settings, relation,
									 quote_qualified_identifier(entry->schema, entry->table),
									 entry->replica_identity == REPLICA_IDENTITY_FULL ? primary_key : identity);
	wf_filter_prepare(entry->filter);
	entry->calls_output = true;
	if (wf_filter_omits_columns(entry->filter))
		entry->flags |= WF_RELATION_OMITS_COLUMNS;
	return wf_filter_added_columns(entry->filter);
}

static void
load_columns(WfRelation *entry, Relation relation, const WfTableSettings *settings, bool readable)
{
	TupleDesc	desc = RelationGetDescr(relation);
	Bitmapset  *identity = RelationGetIdentityKeyBitmap(relation);
	Oid			constraint;

	/* As for the identity, a deferrable key is none: it may be violated. */
	Bitmapset  *primary_key = get_primary_key_attnos(entry->relid, false,
													 &constraint);
	int			nadded = load_filter(entry, relation, settings, identity, primary_key);

	entry->columns = palloc0(sizeof(WfColumn) * Max(desc->natts + nadded, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		uint8		flags = column_flags(attribute, identity, primary_key);

		if (is_sent(entry, attribute, flags))
			load_column(entry, attribute, flags, readable);
	}
	for (int i = 0; i < nadded; i++)
		load_column(entry, wf_filter_added_column(entry->filter, i), 0, readable);
}

static bool
is_unique(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		unique;

	if (!HeapTupleIsValid(tuple))
		return false;
	unique = ((Form_pg_index) GETSTRUCT(tuple))->indisunique;
	ReleaseSysCache(tuple);
	return unique;
}

/*
 * The index by whose columns a row is found; requires that the relation's list
 * of indexes has been read.
 */
static Oid
identity_index(WfRelation *entry, Relation relation)
{
	if (entry->nkeys > 0)
		return RelationGetReplicaIndex(relation);
	if (entry->replica_identity == REPLICA_IDENTITY_FULL)
		return WF_PRIMARY_KEY_INDEX(relation);
	return InvalidOid;
}

/*
 * Unique indexes that can't be hashed are left out: a collision there costs the
 * applier a second attempt, never a row.
 */
static void
load_keys(WfRelation *entry, Relation relation)
{
	List	   *indexes = RelationGetIndexList(relation);
	Oid			identity = identity_index(entry, relation);
	ListCell   *cell;

	if (OidIsValid(identity))
		entry->identity_hashed = wf_key_init(&entry->identity, relation, identity);

	entry->unique = palloc0(sizeof(WfKey) * Max(list_length(indexes), 1));
	foreach(cell, indexes)
	{
		Oid			index = lfirst_oid(cell);

		if (index != identity && is_unique(index) &&
			wf_key_init(&entry->unique[entry->nunique], relation, index))
			entry->nunique++;
	}
}

/*
 * Which table it is and whether it is sent.  The rows of a rewrite come as those of
 * a table without a name of its own, which takes the place of the one that it is
 * made from at the statement's end.
 */
static void
load_kind(WfRelation *entry, Relation relation, const WfOptions *options)
{
	const WfSelection *selection = &options->selection;
	Oid			relid = entry->relid;
	Form_pg_class class = relation->rd_rel;
	HeapTuple	tuple = NULL;

	entry->kind = WF_RELATION_TABLE;
	entry->rewrites = class->relrewrite;
	if (OidIsValid(entry->rewrites))
	{
		entry->kind = WF_RELATION_REWRITE;
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->rewrites));
		if (!HeapTupleIsValid(tuple))
			return;
		relid = entry->rewrites;
		class = (Form_pg_class) GETSTRUCT(tuple);
		entry->selected = wf_selection_selects_rewrite(selection, relid, class);
	}
	else if (wf_ddl_log_is(relid))
	{
		entry->kind = WF_RELATION_DDL_LOG;
		entry->selected = true;
	}
	else
		entry->selected = wf_selection_selects(selection, relid, class);
	if (entry->selected)
	{
		entry->schema = get_namespace_name(class->relnamespace);
		entry->table = pstrdup(NameStr(class->relname));
	}
	if (tuple != NULL)
		ReleaseSysCache(tuple);
}

/*
 * A table's settings go by its name.  Were it sent without them once it has another
 * name, or is a partition no longer, what they hold back would leave the source.
 */
static WfTableSettings *
find_settings(WfRelationCache *cache, WfRelation *entry, const WfRelation *old)
{
	Oid			relid = OidIsValid(entry->rewrites) ? entry->rewrites : entry->relid;
	WfTableSettings *settings = wf_table_settings_find(cache->options->tables, relid);

	if ((old->settled && !wf_table_settings_equal(settings, old->settings)) ||
		(settings == NULL && list_member_oid(cache->options->settled, relid)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the settings of table \"%s.%s\" are no longer those that its rows were sent with",
						entry->schema, entry->table),
				 errdetail("Settings go by names, and a partition has those of its parent."),
				 errhint("Give the table the same settings under its new name.")));
	return settings;
}

/* Fills in the definition; allocates in the current memory context. */
static void
load_definition(WfRelation *entry, Relation relation, bool readable)
{
	entry->replica_identity = relation->rd_rel->relreplident;
	load_columns(entry, relation, entry->settings, readable);
	load_keys(entry, relation);
	initStringInfo(&entry->message);
	wf_wire_relation(&entry->message, entry);
}

static bool
same_message(const WfRelation *a, const WfRelation *b)
{
	return a->message.len == b->message.len &&
		memcmp(a->message.data, b->message.data, a->message.len) == 0;
}

static void
load(WfRelationCache *cache, WfRelation *entry, Relation relation)
{
	WfRelation	old = *entry;
	MemoryContext caller;

	memset(entry, 0, sizeof(WfRelation));
	entry->relid = old.relid;

	/* Now, not at the end: an invalidation that arrives meanwhile must stick. */
	entry->valid = true;

	entry->context = AllocSetContextCreate(cache->context,
										   "walferry relation",
										   ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(entry->context);
	load_kind(entry, relation, cache->options);
	if (entry->selected)
	{
		entry->settings = find_settings(cache, entry, &old);
		entry->settled = true;
		/* What a statement has computed goes with the statement. */
		if (entry->kind == WF_RELATION_REWRITE && entry->settings != NULL)
			entry->selected = (entry->settings->operations & WF_OPERATIONS_ALL) == WF_OPERATIONS_ALL;
	}
	if (entry->selected)
		load_definition(entry, relation, cache->options->text);
	MemoryContextSwitchTo(caller);

	entry->described = old.described && entry->selected &&
		same_message(&old, entry);
	if (old.context != NULL)
		MemoryContextDelete(old.context);
}

WfRelation *
wf_relation_get(WfRelationCache *cache, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	bool		found;
	WfRelation *entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);

	if (!found)
	{
		memset(entry, 0, sizeof(WfRelation));
		entry->relid = relid;
	}
	if (!entry->valid)
		load(cache, entry, relation);
	return entry;
}
