/*
 * ddl_statement.c
 *	  What kind of statement a tree is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "ddl.h"
#include "walferry.h"

static bool
is_own_extension(const char *name)
{
	return strcmp(name, WF_SCHEMA) == 0;
}

static bool
drops_own_extension(const DropStmt *statement)
{
	ListCell   *cell;

	if (statement->removeType != OBJECT_EXTENSION)
		return false;
	foreach(cell, statement->objects)
	{
		if (is_own_extension(strVal(lfirst(cell))))
			return true;
	}
	return false;
}

bool
wf_ddl_is_recorded(Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_ExplainStmt:
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_AlterSystemStmt:
		case T_CreatedbStmt:
		case T_AlterDatabaseStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseRefreshCollStmt:
		case T_DropdbStmt:
		case T_CreateTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_DropTableSpaceStmt:
		case T_AlterTableMoveAllStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_ImportForeignSchemaStmt: /* but the tables that it makes */
			return false;
		case T_ClusterStmt:
		case T_ReindexStmt:
			return !wf_ddl_is_upkeep(tree);
		case T_CreateExtensionStmt:
			return !is_own_extension(((CreateExtensionStmt *) tree)->extname);
		case T_AlterExtensionStmt:
			return !is_own_extension(((AlterExtensionStmt *) tree)->extname);
		case T_AlterExtensionContentsStmt:
			return !is_own_extension(((AlterExtensionContentsStmt *) tree)->extname);
		case T_DropStmt:
			return !drops_own_extension((DropStmt *) tree);
		default:
			return GetCommandLogLevel(tree) == LOGSTMT_DDL;
	}
}

bool
wf_ddl_runs_outside(Node *tree)
{
	ListCell   *cell;

	if (IsA(tree, IndexStmt))
		return ((IndexStmt *) tree)->concurrent;
	if (IsA(tree, DropStmt))
		return ((DropStmt *) tree)->concurrent;
	if (!IsA(tree, AlterTableStmt))
		return false;
	foreach(cell, ((AlterTableStmt *) tree)->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->subtype == AT_DetachPartition &&
			((PartitionCmd *) command->def)->concurrent)
			return true;
	}
	return false;
}

bool
wf_ddl_changes_owner_only(Node *tree)
{
	ListCell   *cell;

	if (IsA(tree, AlterOwnerStmt) || IsA(tree, ReassignOwnedStmt))
		return true;
	if (!IsA(tree, AlterTableStmt))
		return false;
	foreach(cell, ((AlterTableStmt *) tree)->cmds)
	{
		if (((AlterTableCmd *) lfirst(cell))->subtype != AT_ChangeOwner)
			return false;
	}
	return true;
}
