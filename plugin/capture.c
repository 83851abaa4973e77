/*
 * capture.c
 *	  Which DDL statements of a session are recorded, and when.
 *
 * 1. A statement is recorded where it is executed: its own text, not that of the
 *	  function, DO block or string around it.
 * 2. The record is written in the statement's transaction, after the changes that
 *	  the statement makes to catalogs and rewritten tables, and before everything
 *	  that its consequences do: event triggers of users, the rows of CREATE TABLE AS.
 * 3. What fails leaves no record, nor does what changes nothing.
 * 4. What an extension's script does belongs to CREATE or ALTER EXTENSION, what
 *	  REFRESH MATERIALIZED VIEW runs belongs to it.
 * 5. A session that began without this library fails at its first DDL statement
 *	  rather than losing it: an event trigger loads the library, too late for that
 *	  statement.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "commands/dbcommands.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "capture.h"
#include "compat.h"
#include "ddl.h"
#include "walferry.h"
#include "wire.h"

PG_FUNCTION_INFO_V1(walferry_ddl_begins);
PG_FUNCTION_INFO_V1(walferry_table_is_rewritten);
PG_FUNCTION_INFO_V1(walferry_ddl_ends);

static bool capture_ddl = true;

/* The hook has seen a statement begin: from then on it sees them all. */
static bool hook_has_run = false;

/* The innermost statement that is being recorded. */
static WfDdl *current_ddl = NULL;

static ProcessUtility_hook_type next_process_utility = NULL;
static ExecutorRun_hook_type next_executor_run = NULL;
static object_access_hook_type next_object_access = NULL;

/*
 * Settings that the meaning of a statement's text depends on.  Not among them is
 * what the destination pins, and what only says how values are printed.
 */
static const char *const parse_settings[] = {
	"standard_conforming_strings", "backslash_quote", "transform_null_equals",
	"array_nulls", "DateStyle", "IntervalStyle", "TimeZone",
	"timezone_abbreviations", "xmloption", "xmlbinary",
	"default_tablespace", "default_table_access_method",
	"default_toast_compression", "default_text_search_config",
};

/* It and not another one runs what happens meanwhile. */
static bool
is_opaque(const WfDdl *ddl)
{
	return IsA(ddl->tree, RefreshMatViewStmt);
}

/* Would a statement that begins now be one of its own? */
static bool
can_capture(void)
{
	return capture_ddl && XLogLogicalInfoActive() && !RecoveryInProgress() &&
		!IsBinaryUpgrade && IsTransactionState() && !creating_extension &&
		(current_ddl == NULL || !is_opaque(current_ddl));
}

static bool
is_captured(Node *tree, ProcessUtilityContext context)
{
	return can_capture() && (wf_ddl_is_recorded(tree) || wf_ddl_is_upkeep(tree)) &&
		(context != PROCESS_UTILITY_SUBCOMMAND || IsA(tree, CreateForeignTableStmt)) &&
		OidIsValid(wf_ddl_log_relation()) &&
		(!wf_ddl_is_upkeep(tree) || wf_ddl_may_validate(tree));
}

/* --- the record ------------------------------------------------------------ */

static List *
search_path_names(void)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, fetch_search_path(false))
	{
		Oid			schema = lfirst_oid(cell);

		if (!isAnyTempNamespace(schema))
			names = lappend(names, get_namespace_name(schema));
	}
	return names;
}

/* IMPORT FOREIGN SCHEMA says where to in the tree alone, not in the text of its tables. */
static void
prefer_schema(WfDdl *ddl, const char *schema)
{
	if (schema != NULL)
		ddl->search_path = lcons(pstrdup(schema), ddl->search_path);
}

static List *
setting_values(void)
{
	List	   *settings = NIL;

	for (int i = 0; i < lengthof(parse_settings); i++)
	{
		const char *value = GetConfigOption(parse_settings[i], true, false);

		if (value != NULL)
			settings = lappend(lappend(settings, pstrdup(parse_settings[i])),
							   pstrdup(value));
	}
	return settings;
}

static bool
only_temporary(const WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (!object->temporary && !object->implied)
			return false;
	}
	return ddl->objects != NIL;
}

/* A statement that found its work done, or its object absent. */
static bool
changes_nothing(const WfDdl *ddl)
{
	if (ddl->objects != NIL)
		return false;
	switch (nodeTag(ddl->tree))
	{
			/* Of these the hook tells nothing, or not all. */
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
		case T_SecLabelStmt:
		case T_CommentStmt:
		case T_RefreshMatViewStmt:
		case T_AlterTableStmt:
			return false;
		default:
			return true;
	}
}

/* Once, at the first moment at which the statement has done its work. */
static void
write_record(WfDdl *ddl)
{
	MemoryContext caller;
	Oid			log;

	if (ddl->written)
		return;
	ddl->written = true;
	CommandCounterIncrement();
	log = wf_ddl_log_relation();
	if (!OidIsValid(log))
		return;
	caller = MemoryContextSwitchTo(ddl->context);
	wf_ddl_note_validated(ddl);
	wf_ddl_describe(ddl);
	if (!only_temporary(ddl) && !changes_nothing(ddl))
	{
		wf_ddl_choose_statements(ddl);
		wf_ddl_choose_pieces(ddl);
		wf_ddl_log_write(log, ddl, ddl->flags);
	}
	MemoryContextSwitchTo(caller);
}

/* A mark between which the changes of rows are the extension's script's. */
static void
write_mark(const WfDdl *ddl, uint32 mark)
{
	Oid			log = wf_ddl_log_relation();

	if (OidIsValid(log))
		wf_ddl_log_write(log, ddl, mark);
}

static bool
runs_script(const WfDdl *ddl)
{
	return IsA(ddl->tree, CreateExtensionStmt) || IsA(ddl->tree, AlterExtensionStmt);
}

static void
object_access(ObjectAccessType access, Oid class, Oid object, int subobject,
			  void *arg)
{
	if (next_object_access)
		next_object_access(access, class, object, subobject, arg);
	if (current_ddl == NULL || current_ddl->written || creating_extension)
		return;
	switch (access)
	{
		case OAT_POST_CREATE:
			wf_ddl_note(current_ddl, WF_DDL_CREATE, class, object, subobject,
						((ObjectAccessPostCreate *) arg)->is_internal);
			break;
		case OAT_POST_ALTER:
			wf_ddl_note(current_ddl, WF_DDL_ALTER, class, object, subobject,
						((ObjectAccessPostAlter *) arg)->is_internal);
			break;
		case OAT_DROP:
			wf_ddl_note(current_ddl, WF_DDL_DROP, class, object, subobject,
						(((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL) != 0);
			break;
		default:
			break;
	}
}

/*
 * The hook costs something wherever it is asked, which is at each call of a
 * function too; so it is set while a statement is being recorded alone.
 */
static void
enter(WfDdl *ddl)
{
	if (current_ddl == NULL)
	{
		next_object_access = object_access_hook;
		object_access_hook = object_access;
	}
	ddl->outer = current_ddl;
	current_ddl = ddl;
}

static void
leave(WfDdl *ddl)
{
	current_ddl = ddl->outer;
	if (current_ddl == NULL && object_access_hook == object_access)
		object_access_hook = next_object_access;
	MemoryContextDelete(ddl->context);
}

/* As what it comes to at the destination. */
static CommandTag
tag_of(Node *tree)
{
	if (wf_ddl_is_upkeep(tree))
		return CMDTAG_CREATE_INDEX;
	return IsA(tree, ClusterStmt) ? CMDTAG_ALTER_TABLE : CreateCommandTag(tree);
}

static void
begin_ddl(WfDdl *ddl, PlannedStmt *planned, const char *query)
{
	MemoryContext caller;
	int			location = planned->stmt_location;
	int			length = planned->stmt_len;
	const char *text = CleanQuerytext(query, &location, &length);

	memset(ddl, 0, sizeof(WfDdl));
	ddl->context = AllocSetContextCreate(TopMemoryContext, "walferry DDL",
										 ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(ddl->context);
	ddl->tree = copyObject(planned->utilityStmt);
	ddl->tag = tag_of(ddl->tree);
	ddl->text = pnstrdup(text, length);
	ddl->text_offset = location;
	ddl->role = GetUserId();
	ddl->search_path = search_path_names();
	ddl->settings = setting_values();
	if (IsA(ddl->tree, CreateForeignTableStmt))
		prefer_schema(ddl, ((CreateForeignTableStmt *) ddl->tree)->base.relation->schemaname);
	if (wf_ddl_runs_outside(ddl->tree))
		ddl->flags |= WF_DDL_OUTSIDE;
	if (wf_ddl_changes_owner_only(ddl->tree))
		ddl->flags |= WF_DDL_OWNER;
	wf_ddl_list_items(ddl);
	wf_ddl_note_former(ddl);
	if (wf_ddl_is_upkeep(ddl->tree))
		wf_ddl_note_invalid(ddl);	/* no hook tells of its work */
	MemoryContextSwitchTo(caller);
}

/* --- hooks ----------------------------------------------------------------- */

static void
call_next_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
				  ProcessUtilityContext context, ParamListInfo params,
				  QueryEnvironment *environment, DestReceiver *dest,
				  QueryCompletion *completion)
{
	if (next_process_utility)
		next_process_utility(planned, query, read_only_tree, context, params,
							 environment, dest, completion);
	else
		standard_ProcessUtility(planned, query, read_only_tree, context, params,
								environment, dest, completion);
}

static void
process_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	WfDdl		ddl;

	hook_has_run = true;
	if (!is_captured(planned->utilityStmt, context))
	{
		call_next_utility(planned, query, read_only_tree, context, params,
						  environment, dest, completion);
		return;
	}

	begin_ddl(&ddl, planned, query);
	enter(&ddl);
	PG_TRY();
	{
		if (runs_script(&ddl))
			write_mark(&ddl, WF_DDL_MUTE);
		call_next_utility(planned, query, read_only_tree, context, params,
						  environment, dest, completion);
		write_record(&ddl);
		if (runs_script(&ddl))
			write_mark(&ddl, WF_DDL_UNMUTE);
	}
	PG_FINALLY();
	{
		leave(&ddl);
	}
	PG_END_TRY();
}

/*
 * The receiver of CREATE TABLE AS: the table is made when it starts, and its rows
 * follow.
 */
typedef struct WfTableReceiver
{
	DestReceiver pub;
	DestReceiver *table;
	WfDdl	   *ddl;
} WfTableReceiver;

static bool
table_receive(TupleTableSlot *slot, DestReceiver *self)
{
	DestReceiver *table = ((WfTableReceiver *) self)->table;

	return table->receiveSlot(slot, table);
}

static void
table_start(DestReceiver *self, int operation, TupleDesc type)
{
	WfTableReceiver *receiver = (WfTableReceiver *) self;

	receiver->table->rStartup(receiver->table, operation, type);
	write_record(receiver->ddl);
}

static void
table_end(DestReceiver *self)
{
	DestReceiver *table = ((WfTableReceiver *) self)->table;

	table->rShutdown(table);
}

static void
table_destroy(DestReceiver *self)
{
	DestReceiver *table = ((WfTableReceiver *) self)->table;

	table->rDestroy(table);
}

static void
run_into_table(QueryDesc *query, ScanDirection direction, uint64 count,
			   bool execute_once, WfDdl *ddl)
{
	WfTableReceiver receiver = {
		{table_receive, table_start, table_end, table_destroy, DestIntoRel},
		query->dest, ddl
	};

	query->dest = &receiver.pub;
	PG_TRY();
	{
		WF_RUN_EXECUTOR(query, direction, count, execute_once);
	}
	PG_FINALLY();
	{
		query->dest = receiver.table;
	}
	PG_END_TRY();
}

static void
WF_EXECUTOR_RUN_HOOK(executor_run, QueryDesc *query, ScanDirection direction,
					 uint64 count, bool execute_once)
{
	WfDdl		ddl;

	if (likely(query->dest == NULL || query->dest->mydest != DestIntoRel))
	{
		WF_RUN_EXECUTOR(query, direction, count, execute_once);
		return;
	}
	if (current_ddl != NULL && IsA(current_ddl->tree, CreateTableAsStmt) &&
		!current_ddl->written)
	{
		run_into_table(query, direction, count, WF_EXECUTE_ONCE, current_ddl);
		return;
	}
	if (!can_capture() || !OidIsValid(wf_ddl_log_relation()))
	{
		WF_RUN_EXECUTOR(query, direction, count, execute_once);
		return;
	}

	/* EXPLAIN ANALYZE executes the statement that it explains, unseen. */
	{
		PlannedStmt planned = {.type = T_PlannedStmt,.stmt_location = -1};
		CreateTableAsStmt *tree = makeNode(CreateTableAsStmt);

		tree->objtype = OBJECT_TABLE;
		planned.utilityStmt = (Node *) tree;
		begin_ddl(&ddl, &planned, query->sourceText);
	}
	enter(&ddl);
	PG_TRY();
	{
		run_into_table(query, direction, count, WF_EXECUTE_ONCE, &ddl);
	}
	PG_FINALLY();
	{
		leave(&ddl);
	}
	PG_END_TRY();
}

/* --- event triggers -------------------------------------------------------- */

static EventTriggerData *
event_trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("not fired by event trigger manager")));
	return (EventTriggerData *) fcinfo->context;
}

/* Event trigger on ddl_command_start. */
Datum
walferry_ddl_begins(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);

	if (!hook_has_run && can_capture() && wf_ddl_is_recorded(data->parsetree))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this session can't record its DDL for walferry: it has begun without the library"),
				 errdetail("Nothing has changed. The library is loaded now."),
				 errhint("Repeat the statement. For later sessions: ALTER DATABASE %s SET session_preload_libraries = 'walferry'.",
						 quote_identifier(get_database_name(MyDatabaseId)))));
	PG_RETURN_NULL();
}

/* Event trigger on table_rewrite. */
Datum
walferry_table_is_rewritten(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);
	WfDdl	   *ddl = current_ddl;
	MemoryContext caller;
	WfRewrittenTable *table;
	int			reason;

	if (ddl == NULL || ddl->written || ddl->tag != data->tag)
		PG_RETURN_NULL();
	caller = MemoryContextSwitchTo(ddl->context);
	table = palloc0(sizeof(WfRewrittenTable));
	table->relid = DatumGetObjectId(DirectFunctionCall1(pg_event_trigger_table_rewrite_oid, (Datum) 0));
	reason = DatumGetInt32(DirectFunctionCall1(pg_event_trigger_table_rewrite_reason, (Datum) 0));
	table->rows_needed =
		(reason & (AT_REWRITE_DEFAULT_VAL | AT_REWRITE_ALTER_PERSISTENCE)) != 0 ||
		((reason & AT_REWRITE_COLUMN_REWRITE) != 0 && IsA(ddl->tree, AlterTableStmt) &&
		 wf_ddl_uses_volatile((AlterTableStmt *) ddl->tree));
	ddl->rewritten = lappend(ddl->rewritten, table);
	MemoryContextSwitchTo(caller);
	PG_RETURN_NULL();
}

/* Event trigger on sql_drop and on ddl_command_end, the first of all by its name. */
Datum
walferry_ddl_ends(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);

	if (current_ddl != NULL && current_ddl->tag == data->tag && !creating_extension)
		write_record(current_ddl);
	PG_RETURN_NULL();
}

void
wf_capture_init(void)
{
	DefineCustomBoolVariable("walferry.capture_ddl",
							 "Records DDL statements for walferry.",
							 "Off, the destination learns nothing of what is changed, and stops at the first row that shows it.",
							 &capture_ddl, true, PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("walferry");
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
}
