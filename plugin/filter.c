/*
 * filter.c
 *	  What of a table's changes is sent, and in which form.
 *
 * 1. An update is an update where both the old and the new row pass the row filter, an
 *	  insert where only the new one does, a delete where only the old one does.
 * 2. Each value that an expression reads is the row's own: what an update left in the
 *	  TOAST table is taken from the old row.  Where the WAL may lack a value, the
 *	  settings are refused when the table is first seen; where that depends on the row,
 *	  the stream stops at the change.
 * 3. An expression over one TOAST value alone that the update left untouched has the
 *	  value that it had: it is marked as untouched as well.
 * 4. Rows that are to be found at the destination are found by what was sent of them:
 *	  a column by which they are found is sent, and its transform reads such columns only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "expression.h"
#include "filter.h"
#include "wire.h"

/* A value that is computed. */
typedef struct Transform
{
	int			index;			/* of the value in the row that is sent */
	const char *column;
	Node	   *expression;
	ExprState  *state;
	Bitmapset  *reads;			/* attribute numbers */
	int			only_read;		/* the one column that it reads, from 0; or -1 */
	bool		in_key;			/* part of an old key */
	bool		part;			/* of merge */
} Transform;

struct WfFilter
{
	const WfTableSettings *settings;
	const char *table;			/* for errors */
	TupleDesc	desc;
	bool		whole_old_rows; /* REPLICA IDENTITY FULL */
	Bitmapset  *identity;
	Node	   *condition;
	ExprState  *condition_state;
	Bitmapset  *condition_reads;	/* attribute numbers */
	int			ntransforms;
	Transform  *transforms;
	int			nadded;
	FormData_pg_attribute *added;

	/* To run it. */
	ExprContext *econtext;
	TupleTableSlot *slot;
	WfTuple		whole;			/* the new row with what it lacks of the old one */
	WfTuple		sent_row;
	WfTuple		sent_old;
};

static bool
in_identity(const WfFilter *filter, int attnum)
{
	return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, filter->identity);
}

/* Is it in every old tuple? */
static bool
in_old_tuple(const WfFilter *filter, int attnum)
{
	return filter->whole_old_rows || in_identity(filter, attnum);
}

static Form_pg_attribute
find_attribute(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return TupleDescAttr(desc, i);
	}
	return NULL;
}

static bool
lists_column(const WfFilter *filter, const char *name)
{
	ListCell   *cell;

	foreach(cell, filter->settings->columns)
	{
		if (strcmp(strVal(lfirst(cell)), name) == 0)
			return true;
	}
	return false;
}

static void
check_columns(const WfFilter *filter)
{
	ListCell   *cell;

	foreach(cell, filter->settings->columns)
	{
		const char *name = strVal(lfirst(cell));

		if (find_attribute(filter->desc, name) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("\"columns\" of table %s: column \"%s\" does not exist",
							filter->table, name)));
	}
}

/* Names the setting that an expression belongs to. */
static void
name_setting(void *arg)
{
	errcontext("%s", (const char *) arg);
}

static Node *
parse_setting(const char *setting, const char *text, TupleDesc desc, bool condition, Oid type)
{
	ErrorContextCallback context = {error_context_stack, name_setting, unconstify(char *, setting)};
	Node	   *expression;

	error_context_stack = &context;
	expression = condition ? wf_expression_parse_condition(text, desc)
		: wf_expression_parse(text, desc, type);
	error_context_stack = context.previous;
	return expression;
}

/* As the catalog would describe it. */
static void
add_column(WfFilter *filter, Transform *transform)
{
	FormData_pg_attribute *attribute = &filter->added[filter->nadded++];

	transform->index = filter->desc->natts + filter->nadded - 1;
	if (transform->index >= MaxTupleAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("\"set\" of table %s has too many columns", filter->table)));
	memset(attribute, 0, sizeof(FormData_pg_attribute));
	namestrcpy(&attribute->attname, transform->column);
	attribute->atttypid = exprType(transform->expression);
	attribute->atttypmod = -1;
	attribute->attlen = get_typlen(attribute->atttypid);
	attribute->attnum = transform->index + 1;
	attribute->attcollation = get_typcollation(attribute->atttypid);
}

static void
load_transform(WfFilter *filter, Transform *transform, const WfSetting *setting)
{
	Form_pg_attribute attribute = find_attribute(filter->desc, setting->column);
	const char *name = psprintf("\"%s\" of table %s: column \"%s\"", setting->part ? "merge" : "set", filter->table,
								setting->column);
	int			nreads;

	transform->column = setting->column;
	transform->part = setting->part;
	if (attribute != NULL && attribute->attgenerated != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("%s is a generated column", name),
				 errdetail("The destination computes its values.")));
	if (attribute != NULL && filter->settings->columns != NIL && !lists_column(filter, setting->column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("%s is not among \"columns\"", name)));
	transform->expression = parse_setting(name, setting->expression, filter->desc, false,
										  attribute != NULL ? getBaseType(attribute->atttypid) : InvalidOid);
	transform->reads = wf_expression_columns(transform->expression, NULL);
	nreads = bms_num_members(transform->reads);
	transform->only_read = nreads == 1 ? bms_singleton_member(transform->reads) - 1 : -1;
	if (transform->part && nreads > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("%s is not a constant", name),
				 errdetail("It tells the rows of this table from those of others that arrive in the same one.")));
	if (attribute == NULL)
		add_column(filter, transform);
	else
	{
		transform->index = attribute->attnum - 1;
		transform->in_key = in_identity(filter, attribute->attnum);
	}
}

static void
load_transforms(WfFilter *filter)
{
	ListCell   *cell;

	filter->transforms = palloc0(sizeof(Transform) * Max(list_length(filter->settings->set), 1));
	filter->added = palloc0(sizeof(FormData_pg_attribute) * Max(list_length(filter->settings->set), 1));
	foreach(cell, filter->settings->set)
		load_transform(filter, &filter->transforms[filter->ntransforms++], lfirst(cell));
}

WF_NORETURN static void
refuse_missing_old(const WfFilter *filter, const char *setting, int attnum)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s of table %s needs the old value of column \"%s\", which the replica identity doesn't have",
					setting, filter->table,
					NameStr(TupleDescAttr(filter->desc, attnum - 1)->attname)),
			 errhint("At the source: ALTER TABLE %s REPLICA IDENTITY FULL; or leave update and delete out of the table's \"operations\".",
					 filter->table)));
}

static void
check_condition(const WfFilter *filter)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(filter->condition_reads, attnum)) >= 0)
	{
		if (!in_old_tuple(filter, attnum))
			refuse_missing_old(filter, "\"where\"", attnum);
	}
}

static bool
may_be_toasted(const WfFilter *filter, int index)
{
	Form_pg_attribute attribute = TupleDescAttr(filter->desc, index);

	return attribute->attlen == -1 && attribute->attstorage != TYPSTORAGE_PLAIN;
}

/* A value may be marked as untouched, if its column's type has room for the mark. */
static bool
may_be_untouched(const WfFilter *filter, const Transform *transform)
{
	Oid			type = exprType(transform->expression);

	return transform->only_read >= 0 && get_typlen(type) == -1;
}

static void
check_transform(const WfFilter *filter, const Transform *transform)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(transform->reads, attnum)) >= 0)
	{
		bool		read_of_old_key = transform->in_key && !filter->whole_old_rows;
		bool		may_be_missing = wf_filter_sends_operation(filter, WF_OPERATION_UPDATE) &&
			may_be_toasted(filter, attnum - 1) && !may_be_untouched(filter, transform);

		if ((read_of_old_key || may_be_missing) && !in_old_tuple(filter, attnum))
			refuse_missing_old(filter, psprintf("\"set\" of column \"%s\"", transform->column), attnum);
	}
}

static void
check_identity(const WfFilter *filter)
{
	for (int i = 0; i < filter->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(filter->desc, i);

		if (in_identity(filter, attribute->attnum) && !attribute->attisdropped &&
			!wf_filter_sends_column(filter, attribute))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("\"columns\" of table %s lacks column \"%s\", by which rows are found at the destination",
							filter->table, NameStr(attribute->attname)),
					 errhint("Add it, or leave update and delete out of the table's \"operations\".")));
	}
}

/* What is needed of old rows comes with a change, or the settings are of no use. */
static void
check_old_values(const WfFilter *filter)
{
	if ((filter->settings->operations & (WF_OPERATION_UPDATE | WF_OPERATION_DELETE)) == 0)
		return;
	check_identity(filter);
	check_condition(filter);
	for (int i = 0; i < filter->ntransforms; i++)
		check_transform(filter, &filter->transforms[i]);
}

WfFilter *
wf_filter_create(const WfTableSettings *settings, Relation relation, const char *table,
				 Bitmapset *identity)
{
	WfFilter   *filter = palloc0(sizeof(WfFilter));

	filter->settings = settings;
	filter->table = table;
	filter->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	filter->whole_old_rows = relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
	filter->identity = identity;
	if (settings->where != NULL)
		filter->condition = parse_setting(psprintf("\"where\" of table %s", filter->table),
										  settings->where, filter->desc, true, InvalidOid);
	filter->condition_reads = wf_expression_columns(filter->condition, NULL);
	load_transforms(filter);
	check_columns(filter);
	if (!OidIsValid(relation->rd_rel->relrewrite))
		check_old_values(filter);
	return filter;
}

static void
make_room(WfTuple *tuple, int nvalues)
{
	tuple->values = palloc(sizeof(Datum) * Max(nvalues, 1));
	tuple->nulls = palloc(sizeof(bool) * Max(nvalues, 1));
}

void
wf_filter_prepare(WfFilter *filter)
{
	EState	   *estate = CreateExecutorState();
	int			nvalues = filter->desc->natts + filter->nadded;

	filter->econtext = CreateExprContext(estate);
	filter->slot = MakeSingleTupleTableSlot(filter->desc, &TTSOpsVirtual);
	filter->econtext->ecxt_scantuple = filter->slot;
	if (filter->condition != NULL)
		filter->condition_state = ExecPrepareExpr((Expr *) filter->condition, estate);
	for (int i = 0; i < filter->ntransforms; i++)
		filter->transforms[i].state = ExecPrepareExpr((Expr *) filter->transforms[i].expression, estate);
	make_room(&filter->whole, nvalues);
	make_room(&filter->sent_row, nvalues);
	make_room(&filter->sent_old, nvalues);
}

bool
wf_filter_sends_operation(const WfFilter *filter, WfOperation operation)
{
	return (filter->settings->operations & operation) != 0;
}

static WfOperation
operation_of(enum ReorderBufferChangeType action)
{
	switch (action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			return WF_OPERATION_INSERT;
		case REORDER_BUFFER_CHANGE_UPDATE:
			return WF_OPERATION_UPDATE;
		case REORDER_BUFFER_CHANGE_DELETE:
			return WF_OPERATION_DELETE;
		default:
			elog(ERROR, "unexpected change action %d", action);
	}
}

bool
wf_filter_sends_action(const WfFilter *filter, enum ReorderBufferChangeType action)
{
	return wf_filter_sends_operation(filter, operation_of(action));
}

bool
wf_filter_sends_column(const WfFilter *filter, Form_pg_attribute attribute)
{
	return filter->settings->columns == NIL || lists_column(filter, NameStr(attribute->attname));
}

bool
wf_filter_omits_columns(const WfFilter *filter)
{
	for (int i = 0; i < filter->desc->natts; i++)
	{
		if (!TupleDescAttr(filter->desc, i)->attisdropped &&
			!wf_filter_sends_column(filter, TupleDescAttr(filter->desc, i)))
			return true;
	}
	return false;
}

int
wf_filter_added_columns(const WfFilter *filter)
{
	return filter->nadded;
}

Form_pg_attribute
wf_filter_added_column(const WfFilter *filter, int i)
{
	return &filter->added[i];
}

static const Transform *
find_transform(const WfFilter *filter, int index)
{
	for (int i = 0; i < filter->ntransforms; i++)
	{
		if (filter->transforms[i].index == index)
			return &filter->transforms[i];
	}
	return NULL;
}

Node *
wf_filter_expression(const WfFilter *filter, int index)
{
	const Transform *found = find_transform(filter, index);

	return found != NULL ? found->expression : NULL;
}

Node *
wf_filter_part(const WfFilter *filter, int index)
{
	const Transform *found = find_transform(filter, index);

	return found != NULL && found->part ? found->expression : NULL;
}

Node *
wf_filter_condition(const WfFilter *filter)
{
	return filter->condition;
}

/* --- running it */

static bool
is_untouched(const WfFilter *filter, const WfTuple *tuple, int index)
{
	return TupleDescAttr(filter->desc, index)->attlen == -1 && !tuple->nulls[index] &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(tuple->values[index]));
}

static void
copy_tuple(const WfFilter *filter, const WfTuple *from, WfTuple *to)
{
	memcpy(to->values, from->values, sizeof(Datum) * filter->desc->natts);
	memcpy(to->nulls, from->nulls, sizeof(bool) * filter->desc->natts);
}

/* The new row with those of its untouched values that the old tuple has. */
static void
complete(WfFilter *filter, char old_kind, const WfTuple *old, const WfTuple *row)
{
	copy_tuple(filter, row, &filter->whole);
	for (int i = 0; i < filter->desc->natts; i++)
	{
		if (!is_untouched(filter, row, i) || old_kind == WF_OLD_NONE ||
			(old_kind == WF_OLD_KEY && !in_identity(filter, i + 1)))
			continue;
		filter->whole.values[i] = old->values[i];
		filter->whole.nulls[i] = old->nulls[i];
	}
}

static void
store(WfFilter *filter, const WfTuple *tuple)
{
	ExecClearTuple(filter->slot);
	memcpy(filter->slot->tts_values, tuple->values, sizeof(Datum) * filter->desc->natts);
	memcpy(filter->slot->tts_isnull, tuple->nulls, sizeof(bool) * filter->desc->natts);
	ExecStoreVirtualTuple(filter->slot);
}

static void
require_values(const WfFilter *filter, const WfTuple *tuple, Bitmapset *reads)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(reads, attnum)) >= 0)
	{
		if (is_untouched(filter, tuple, attnum - 1))
			elog(ERROR, "column %d of table %s is not in the WAL", attnum, filter->table);
	}
}

static bool
passes(WfFilter *filter, const WfTuple *tuple)
{
	bool		null;
	Datum		value;

	if (filter->condition_state == NULL)
		return true;
	require_values(filter, tuple, filter->condition_reads);
	store(filter, tuple);
	value = ExecEvalExpr(filter->condition_state, filter->econtext, &null);
	return !null && DatumGetBool(value);
}

/* Computes what is computed, from a tuple that has it all or, of a key, what the key needs. */
static void
transform(WfFilter *filter, const WfTuple *from, bool key_alone, WfTuple *to)
{
	if (filter->ntransforms == 0)
		return;
	store(filter, from);
	for (int i = 0; i < filter->ntransforms; i++)
	{
		Transform  *transform = &filter->transforms[i];
		int			read = transform->only_read;

		if (key_alone && !transform->in_key)
			continue;
		if (read >= 0 && is_untouched(filter, from, read))
		{
			to->values[transform->index] = from->values[read];
			to->nulls[transform->index] = false;
			continue;
		}
		require_values(filter, from, transform->reads);
		to->values[transform->index] = ExecEvalExpr(transform->state, filter->econtext,
													&to->nulls[transform->index]);
	}
}

/* Is the value sent as it is, or one that is sent computed from it? */
static bool
is_needed(const WfFilter *filter, Form_pg_attribute attribute)
{
	bool		sent = wf_filter_sends_column(filter, attribute);

	for (int i = 0; i < filter->ntransforms; i++)
	{
		if (bms_is_member(attribute->attnum, filter->transforms[i].reads))
			return true;
		if (filter->transforms[i].index == attribute->attnum - 1)
			sent = false;
	}
	return sent;
}

/* A row that comes in must come whole. */
static void
require_whole(const WfFilter *filter)
{
	for (int i = 0; i < filter->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(filter->desc, i);

		if (attribute->attisdropped || !is_untouched(filter, &filter->whole, i) ||
			!is_needed(filter, attribute))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a row that an update has brought into table %s's filter can't be sent",
						filter->table),
				 errdetail("The WAL has no value of column \"%s\", which the update left in the TOAST table.",
						   NameStr(attribute->attname)),
				 errhint("Begin the table anew (walferry table recopy) after: ALTER TABLE %s REPLICA IDENTITY FULL.",
						 filter->table)));
	}
}

/* Of an update: which rows pass decides what it is.  False: none does. */
static bool
choose_action(WfFilter *filter, char old_kind, const WfTuple *old, enum ReorderBufferChangeType *action)
{
	bool		new_passes = passes(filter, &filter->whole);
	bool		old_passes = old_kind == WF_OLD_NONE ? new_passes : passes(filter, old);

	if (!old_passes)
		*action = REORDER_BUFFER_CHANGE_INSERT;
	else if (!new_passes)
		*action = REORDER_BUFFER_CHANGE_DELETE;
	return old_passes || new_passes;
}

bool
wf_filter_apply(WfFilter *filter, enum ReorderBufferChangeType action, char old_kind,
				const WfTuple *old, const WfTuple *row, WfFilteredChange *sent)
{
	bool		has_old = old_kind != WF_OLD_NONE;
	bool		is_update = action == REORDER_BUFFER_CHANGE_UPDATE;

	ResetExprContext(filter->econtext);
	sent->action = action;
	if (is_update)
	{
		complete(filter, old_kind, old, row);
		if (!choose_action(filter, old_kind, old, &sent->action))
			return false;
	}
	else if (action == REORDER_BUFFER_CHANGE_INSERT)
	{
		copy_tuple(filter, row, &filter->whole);
		if (!passes(filter, &filter->whole))
			return false;
	}
	else if (has_old && !passes(filter, old))
		return false;

	if (sent->action != REORDER_BUFFER_CHANGE_DELETE)
	{
		if (is_update && sent->action == REORDER_BUFFER_CHANGE_INSERT)
			require_whole(filter);
		copy_tuple(filter, sent->action == REORDER_BUFFER_CHANGE_UPDATE ? row : &filter->whole,
				   &filter->sent_row);
		transform(filter, &filter->whole, false, &filter->sent_row);
	}
	if (has_old && sent->action != REORDER_BUFFER_CHANGE_INSERT)
	{
		copy_tuple(filter, old, &filter->sent_old);
		transform(filter, old, old_kind == WF_OLD_KEY, &filter->sent_old);
	}
	sent->row = &filter->sent_row;
	sent->old = &filter->sent_old;
	return true;
}
