/*
 * ddl_rewrite.c
 *	  What the destination runs where it can't run the statement's own text.
 *
 * The text is what is sent whenever it means the same at the destination.  It
 * doesn't where it reads what only the source has: the rows of a query, the clock,
 * a temporary table, the names that the server chooses, the newest version of an
 * extension.  There the catalogs tell what came of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "ddl.h"
#include "ddl_definition.h"
#include "ddl_text.h"
#include "string_list.h"

/* --- what the statement has made ---------------------------------------------- */

static bool
is_created(const WfDdlObject *object, char relkind)
{
	return object->operation == WF_DDL_CREATE && !object->implied &&
		object->address.classId == RelationRelationId &&
		object->address.objectSubId == 0 &&
		get_rel_relkind(object->address.objectId) == relkind;
}

static void
create_concurrently(WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Oid			oid = object->address.objectId;

		if (is_created(object, RELKIND_INDEX))
			ddl->statements = lappend(ddl->statements, wf_create_index(oid, "CONCURRENTLY "));
	}
}

/* Those that CASCADE made come first, as they were made. */
static void
create_extensions(WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		char	   *sql = NULL;

		if (object->operation != WF_DDL_CREATE)
			continue;
		if (object->address.classId == NamespaceRelationId)
			sql = psprintf("CREATE SCHEMA IF NOT EXISTS %s", quote_identifier(object->schema));
		else if (object->address.classId == ExtensionRelationId)
			sql = wf_create_extension(object->address.objectId);
		if (sql != NULL)
			ddl->statements = lappend(ddl->statements, sql);
	}
}

/* --- partitions ---------------------------------------------------------------- */

/*
 * The statement that FINALIZE ends may have given the table its former bounds as a
 * check constraint, in a transaction of its own, before it failed.
 */
static void
add_missing_checks(WfDdl *ddl, Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleConstr *constr = RelationGetDescr(relation)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		const char *name = constr->check[i].ccname;
		char	   *block = psprintf("BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint"
									 " WHERE conrelid = %s::pg_catalog.regclass AND conname = %s) THEN %s; END IF; END",
									 quote_literal_cstr(wf_relation_name(relid)), quote_literal_cstr(name),
									 pg_get_constraintdef_command(get_relation_constraint_oid(relid, name, false)));

		ddl->statements = lappend(ddl->statements, psprintf("DO %s", quote_literal_cstr(block)));
	}
	relation_close(relation, AccessShareLock);
}

/* What FINALIZE ends, the destination has never begun. */
static void
detach_partition(WfDdl *ddl, const AlterTableStmt *statement, const PartitionCmd *partition)
{
	Oid			parent = RangeVarGetRelid(statement->relation, NoLock, true);
	Oid			child = RangeVarGetRelid(partition->name, NoLock, true);

	if (!OidIsValid(parent) || !OidIsValid(child))
		return;
	ddl->statements = list_make1(psprintf("ALTER TABLE %s DETACH PARTITION %s",
										  wf_relation_name(parent), wf_relation_name(child)));
	add_missing_checks(ddl, child);
}

/* Those that are attached or detached. */
static void
pin_partitions(WfDdl *ddl, const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AttachPartition)
		{
			PartitionCmd *partition = (PartitionCmd *) command->def;

			wf_pin_bound(ddl, partition->bound, RangeVarGetRelid(partition->name, NoLock, true));
		}
		else if (command->subtype == AT_DetachPartitionFinalize)
			detach_partition(ddl, statement, (PartitionCmd *) command->def);
	}
}

/* --- CLUSTER ------------------------------------------------------------------- */

/* In which order rows lie is each server's own affair; by which index is the table's definition. */
static void
cluster_on(WfDdl *ddl, const ClusterStmt *statement)
{
	Oid			relid = RangeVarGetRelid(statement->relation, NoLock, true);

	if (OidIsValid(relid))
		ddl->statements = list_make1(psprintf("ALTER TABLE %s CLUSTER ON %s", wf_relation_name(relid),
											  quote_identifier(statement->indexname)));
}

/* --- lists --------------------------------------------------------------------- */

/* Without the temporary objects, which the destination has never seen. */
static void
cut_list(WfDdl *ddl)
{
	List	   *texts = NIL;
	ListCell   *cell;

	foreach(cell, ddl->list_items)
	{
		WfDdlItem  *item = lfirst(cell);

		if (!item->temporary)
			texts = lappend(texts, (void *) item->text);
	}
	if (list_length(texts) < list_length(ddl->list_items))
		ddl->statements = list_make1(psprintf("%s%s%s", ddl->list_prefix,
											  wf_string_list_join(texts, ", "),
											  ddl->list_suffix));
}

/* --- what is computed anew at the destination ----------------------------------------- */

/* Any function of that name will do: which one is meant, only the parser knows. */
static bool
may_be_mutable(List *name)
{
	FuncCandidateList candidate =
		FuncnameGetCandidates(name, -1, NIL, false, false, false, true);

	for (; candidate != NULL; candidate = candidate->next)
	{
		if (func_volatile(candidate->oid) != PROVOLATILE_IMMUTABLE)
			return true;
	}
	return false;
}

static bool
mutable_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) || IsA(node, SubLink))
		return true;
	if (IsA(node, FuncCall) && may_be_mutable(((FuncCall *) node)->funcname))
		return true;
	return raw_expression_tree_walker(node, mutable_walker, context);
}

bool
wf_ddl_uses_volatile(const AlterTableStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_AlterColumnType &&
			mutable_walker(((ColumnDef *) command->def)->raw_default, NULL))
			return true;
	}
	return false;
}

/* --- CREATE TABLE (LIKE ..) ---------------------------------------------------------- */

static bool
has_like(const CreateStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->tableElts)
	{
		if (IsA(lfirst(cell), TableLikeClause))
			return true;
	}
	return false;
}

/*
 * The table without what it was made like: that may be temporary, and is only read. Others
 * may have changed it since, and commit first; the destination would find it changed.
 */
static void
define_table(WfDdl *ddl, Oid relid)
{
	ListCell   *cell;

	wf_ddl_define_table(ddl, relid);
	foreach(cell, ddl->pieces)
		ddl->statements = lappend(ddl->statements, (void *) ((WfDdlPiece *) lfirst(cell))->statement);
}

static void
choose_for_create_table(WfDdl *ddl, const CreateStmt *statement)
{
	Oid			table = wf_ddl_created_table(ddl);

	if (OidIsValid(table) && has_like(statement))
	{
		define_table(ddl, table);
		return;
	}
	wf_pin_bound(ddl, statement->partbound, table);
	wf_pin_moments(ddl);
}

/* About an index that the destination may lack. */
static void
run_if_present(WfDdl *ddl)
{
	WfDdlObject *index = linitial(ddl->objects);
	const char *name = ddl->former != NIL
		? quote_qualified_identifier(linitial(ddl->former), lsecond(ddl->former)) : index->identity;
	char	   *block = psprintf("BEGIN IF pg_catalog.to_regclass(%s) IS NOT NULL THEN EXECUTE %s; END IF; END",
								 quote_literal_cstr(name), quote_literal_cstr(ddl->text));

	ddl->statements = list_make1(psprintf("DO %s", quote_literal_cstr(block)));
}

/*
 * Behind the statement, which does without them, or is nothing else; none is in the way that the destination
 * has for some other reason.
 */
static void
append_validated(WfDdl *ddl)
{
	ListCell   *cell;

	if (ddl->validated != NIL && ddl->statements == NIL && !wf_ddl_is_upkeep(ddl->tree))
		ddl->statements = list_make1((void *) ddl->text);
	foreach(cell, ddl->validated)
		ddl->statements = list_concat(ddl->statements, wf_create_missing_index(lfirst_oid(cell)));
}

/* --------------------------------------------------------------------------------------- */

void
wf_ddl_choose_statements(WfDdl *ddl)
{
	Oid			table;

	if (wf_ddl_is_of_invalid(ddl))
	{
		run_if_present(ddl);
		return;
	}
	if (wf_ddl_is_upkeep(ddl->tree))
	{
		append_validated(ddl);
		return;
	}
	switch (nodeTag(ddl->tree))
	{
		case T_CreateTableAsStmt:
			table = wf_ddl_created_table(ddl);
			if (((CreateTableAsStmt *) ddl->tree)->objtype == OBJECT_TABLE && OidIsValid(table))
				ddl->statements = list_make1(wf_create_table(table));
			break;
		case T_CreateExtensionStmt:
			create_extensions(ddl);
			break;
		case T_ClusterStmt:
			cluster_on(ddl, (ClusterStmt *) ddl->tree);
			break;
		case T_CreateRoleStmt:
			wf_hide_password(ddl, ((CreateRoleStmt *) ddl->tree)->options,
						  ((CreateRoleStmt *) ddl->tree)->role);
			break;
		case T_AlterRoleStmt:
			wf_hide_password(ddl, ((AlterRoleStmt *) ddl->tree)->options,
						  get_rolespec_name(((AlterRoleStmt *) ddl->tree)->role));
			break;
		case T_IndexStmt:
			if (((IndexStmt *) ddl->tree)->concurrent)
				create_concurrently(ddl);
			else
				wf_pin_moments(ddl);
			break;
		case T_DropStmt:
		case T_GrantStmt:
			if (ddl->list_items != NIL)
				cut_list(ddl);
			break;
		case T_CreateStmt:
			choose_for_create_table(ddl, (CreateStmt *) ddl->tree);
			break;
		case T_AlterTableStmt:
			pin_partitions(ddl, (AlterTableStmt *) ddl->tree);
			wf_pin_added_columns(ddl);
			wf_pin_moments(ddl);
			break;
		default:
			wf_pin_moments(ddl);
			break;
	}
	append_validated(ddl);
}
