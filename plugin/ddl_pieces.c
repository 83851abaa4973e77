/*
 * ddl_pieces.c
 *	  What the destination runs where the task has not selected all that a
 *	  statement's text names.
 *
 * What is selected is known only to who reads the record.  So it holds, beside the
 * text, the statement's work in pieces, each with the relations that it needs:
 * CREATE TABLE as the table's plain definition and what ties it to others; ALTER
 * TABLE as the subcommands that concern the table alone, and each of the others.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/comment.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "ddl.h"
#include "ddl_definition.h"
#include "ddl_text.h"

static void
add_piece(WfDdl *ddl, List *needs, List *unless, const char *statement)
{
	WfDdlPiece *piece;

	if (statement == NULL)
		return;
	piece = palloc(sizeof(WfDdlPiece));
	piece->needs = needs;
	piece->unless = unless;
	piece->statement = statement;
	ddl->pieces = lappend(ddl->pieces, piece);
}

static List *
name_of_range(const RangeVar *range)
{
	Oid			relid = range != NULL ? RangeVarGetRelid(range, NoLock, true) : InvalidOid;

	return OidIsValid(relid) ? wf_ddl_name_of(relid) : NIL;
}

static List *
name_of_type(const TypeName *name)
{
	Oid			type = LookupTypeNameOid(NULL, name, true);

	return OidIsValid(type) ? wf_ddl_name_of(get_typ_typrelid(type)) : NIL;
}

static List *
needs_of_part(WfDdl *ddl, Oid class, Oid object, Oid table)
{
	ObjectAddress address;

	if (!OidIsValid(object))
		return NIL;
	ObjectAddressSet(address, class, object);
	return wf_ddl_needs(ddl, &address, table);
}

/* --- what a statement has made ------------------------------------------------- */

static bool
is_made(const WfDdlObject *object, Oid class)
{
	return object->operation == WF_DDL_CREATE && !object->implied &&
		object->address.classId == class && object->address.objectSubId == 0;
}

/* Whose parent is a constraint of a partitioned table: it comes with that one. */
static bool
is_cloned_constraint(Oid constraint, Oid *relid, bool *foreign_key)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	bool		cloned;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	cloned = OidIsValid(form->conparentid);
	*relid = form->conrelid;
	*foreign_key = form->contype == CONSTRAINT_FOREIGN;
	ReleaseSysCache(tuple);
	return cloned;
}

/* Is it one of the table's own foreign keys? */
static bool
is_made_foreign_key(const WfDdlObject *object, Oid table)
{
	Oid			relid;
	bool		foreign_key;

	return is_made(object, ConstraintRelationId) &&
		!is_cloned_constraint(object->address.objectId, &relid, &foreign_key) &&
		foreign_key && relid == table;
}

static void
add_comment(WfDdl *ddl, const WfDdlObject *object, List *needs, List *unless)
{
	char	   *comment = GetComment(object->address.objectId, object->address.classId, 0);

	if (comment == NULL)
		return;
	switch (object->address.classId)
	{
		case RelationRelationId:
			add_piece(ddl, needs, unless,
					  psprintf("COMMENT ON INDEX %s IS %s", object->identity, quote_literal_cstr(comment)));
			break;
		case StatisticExtRelationId:
			add_piece(ddl, needs, unless,
					  psprintf("COMMENT ON STATISTICS %s IS %s", object->identity, quote_literal_cstr(comment)));
			break;
		case ConstraintRelationId:
			add_piece(ddl, needs, unless,
					  psprintf("COMMENT ON CONSTRAINT %s IS %s", object->identity, quote_literal_cstr(comment)));
			break;
		default:
			break;
	}
}

/*
 * Constraints, indexes, statistics and triggers that a statement has made on a table.
 * What is one of a partitioned table's comes with becoming its partition.
 */
static void
add_parts(WfDdl *ddl, Oid table, List *needs, List *parent)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		Oid			oid = object->address.objectId;
		List	   *all_needs = wf_ddl_add_names(list_copy(needs), object->needs);
		List	   *unless = NIL;
		const char *sql = NULL;
		bool		foreign_key;
		Oid			relid;

		if (is_made(object, ConstraintRelationId))
		{
			if (is_cloned_constraint(oid, &relid, &foreign_key))
				unless = parent;
			if (relid == table)
				sql = pg_get_constraintdef_command(oid);
		}
		else if (is_made(object, RelationRelationId) && get_rel_relkind(oid) == RELKIND_INDEX)
		{
			if (get_rel_relispartition(oid))
				unless = parent;
			if (IndexGetRelation(oid, false) == table && !OidIsValid(get_index_constraint(oid)))
				sql = wf_create_index(oid, "");
		}
		else if (is_made(object, StatisticExtRelationId))
			sql = pg_get_statisticsobjdef_string(oid);
		else if (is_made(object, TriggerRelationId))
		{
			unless = parent;
			sql = TextDatumGetCString(DirectFunctionCall1(pg_get_triggerdef, ObjectIdGetDatum(oid)));
		}
		add_piece(ddl, all_needs, unless, sql);
		if (sql != NULL)
			add_comment(ddl, object, all_needs, unless);
	}
}

/* --- CREATE TABLE ----------------------------------------------------------------- */

static bool
is_sequence_of(const WfDdlObject *object, Oid table, int32 *column)
{
	Oid			owner;

	return is_made(object, RelationRelationId) &&
		get_rel_relkind(object->address.objectId) == RELKIND_SEQUENCE &&
		sequenceIsOwned(object->address.objectId, DEPENDENCY_AUTO, &owner, column) &&
		owner == table;
}

/* Of serial columns; that of an identity column comes with it. */
static void
add_sequences(WfDdl *ddl, Oid table, bool made)
{
	ListCell   *cell;
	int32		column;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (!is_sequence_of(object, table, &column))
			continue;
		add_piece(ddl, NIL, NIL, !made
				  ? wf_create_sequence(object->address.objectId)
				  : psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", object->identity, wf_relation_name(table),
							 quote_identifier(get_attname(table, column, false))));
	}
}

static void
add_column(WfDdl *ddl, Relation relation, Form_pg_attribute column)
{
	const char *table = wf_relation_name(RelationGetRelid(relation));
	const char *name = quote_identifier(NameStr(column->attname));
	char	   *comment = GetComment(RelationGetRelid(relation), RelationRelationId, column->attnum);

	add_piece(ddl, needs_of_part(ddl, AttrDefaultRelationId,
								 GetAttrDefaultOid(RelationGetRelid(relation), column->attnum),
								 RelationGetRelid(relation)),
			  NIL, wf_set_default(relation, column));
	if (column->attstorage != get_typstorage(column->atttypid))
		add_piece(ddl, NIL, NIL, psprintf("ALTER TABLE %s ALTER COLUMN %s SET STORAGE %s", table, name,
										  wf_storage_name(column->attstorage)));
	if (column->attnotnull)
		add_piece(ddl, NIL, NIL, psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", table, name));
	if (comment != NULL)
		add_piece(ddl, NIL, NIL, psprintf("COMMENT ON COLUMN %s.%s IS %s", table, name,
										  quote_literal_cstr(comment)));
}

/* What ties it to parents and types. */
static void
add_ties(WfDdl *ddl, Relation table)
{
	const CreateStmt *statement = (CreateStmt *) ddl->tree;
	const char *name = wf_relation_name(RelationGetRelid(table));
	ListCell   *cell;

	if (!IsA(statement, CreateStmt))
		return;
	foreach(cell, statement->inhRelations)
	{
		Oid			parent = RangeVarGetRelid(lfirst(cell), NoLock, true);

		if (!OidIsValid(parent))
			continue;
		add_piece(ddl, wf_ddl_name_of(parent), NIL, statement->partbound != NULL
				  ? psprintf("ALTER TABLE %s ATTACH PARTITION %s %s", wf_relation_name(parent), name,
							 wf_partition_bound(RelationGetRelid(table)))
				  : psprintf("ALTER TABLE %s INHERIT %s", name, wf_relation_name(parent)));
	}
	if (statement->ofTypename != NULL)
		add_piece(ddl, name_of_type(statement->ofTypename), NIL,
				  psprintf("ALTER TABLE %s OF %s", name,
						   wf_type_name(table->rd_rel->reloftype, -1)));
}

void
wf_ddl_define_table(WfDdl *ddl, Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *parent = get_rel_relispartition(relid)
		? wf_ddl_name_of(get_partition_parent(relid, false)) : NIL;

	add_sequences(ddl, relid, false);
	add_piece(ddl, NIL, NIL, wf_create_table(relid));
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			add_column(ddl, relation, TupleDescAttr(desc, i));
	}
	add_sequences(ddl, relid, true);
	add_parts(ddl, relid, NIL, parent);
	add_ties(ddl, relation);
	relation_close(relation, AccessShareLock);
}

Oid
wf_ddl_created_table(const WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);
		char		kind;

		if (!is_made(object, RelationRelationId))
			continue;
		kind = get_rel_relkind(object->address.objectId);
		if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
			return object->address.objectId;
	}
	return InvalidOid;
}

static void
choose_for_create_table(WfDdl *ddl, const CreateStmt *statement)
{
	Oid			table = wf_ddl_created_table(ddl);
	List	   *needs = NIL;
	ListCell   *cell;

	if (!OidIsValid(table))
		return;
	foreach(cell, statement->inhRelations)
		needs = wf_ddl_add_names(needs, name_of_range(lfirst(cell)));
	foreach(cell, statement->tableElts)
	{
		if (IsA(lfirst(cell), TableLikeClause))
			needs = wf_ddl_add_names(needs, name_of_range(((TableLikeClause *) lfirst(cell))->relation));
	}
	if (statement->ofTypename != NULL)
		needs = wf_ddl_add_names(needs, name_of_type(statement->ofTypename));
	foreach(cell, ddl->objects)
	{
		if (is_made_foreign_key(lfirst(cell), table))
			needs = wf_ddl_add_names(needs, ((WfDdlObject *) lfirst(cell))->needs);
	}
	ddl->text_needs = needs;
	if (needs != NIL && ddl->pieces == NIL)
		wf_ddl_define_table(ddl, table);
}

/* --- ALTER TABLE ------------------------------------------------------------------- */

/* Of the constraint that DROP CONSTRAINT has dropped. */
static List *
needs_of_dropped(const WfDdl *ddl, const char *name)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (object->operation == WF_DDL_DROP && object->address.classId == ConstraintRelationId &&
			object->names != NIL && strcmp(llast(object->names), name) == 0)
			return object->needs;
	}
	return NIL;
}

static List *
needs_of_reference(const Constraint *constraint, Oid table)
{
	if (constraint->contype != CONSTR_FOREIGN ||
		RangeVarGetRelid(constraint->pktable, NoLock, true) == table)
		return NIL;
	return name_of_range(constraint->pktable);
}

/* What a subcommand needs beside its table. */
static List *
needs_of_command(WfDdl *ddl, const AlterTableCmd *command, Oid table)
{
	switch (command->subtype)
	{
		case AT_AddConstraint:
			return needs_of_reference((Constraint *) command->def, table);
		case AT_DropConstraint:
			return needs_of_dropped(ddl, command->name);
		case AT_AlterConstraint:
			return needs_of_part(ddl, ConstraintRelationId,
								 get_relation_constraint_oid(table, ((Constraint *) command->def)->conname, true),
								 table);
		case AT_ValidateConstraint:
			return needs_of_part(ddl, ConstraintRelationId,
								 get_relation_constraint_oid(table, command->name, true), table);
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
			return needs_of_part(ddl, RewriteRelationId, get_rewrite_oid(table, command->name, true), table);
		case AT_AddInherit:
		case AT_DropInherit:
			return name_of_range((RangeVar *) command->def);
		case AT_AddOf:
			return name_of_type((TypeName *) command->def);
		default:
			return NIL;
	}
}

static List *
references_of_column(const AlterTableCmd *command, Oid table)
{
	List	   *found = NIL;
	ListCell   *cell;

	if (command->subtype != AT_AddColumn)
		return NIL;
	foreach(cell, ((ColumnDef *) command->def)->constraints)
	{
		if (needs_of_reference(lfirst(cell), table) != NIL)
			found = lappend(found, lfirst(cell));
	}
	return found;
}

static bool
drops(const AlterTableCmd *command)
{
	return command->subtype == AT_DropConstraint || command->subtype == AT_DropInherit;
}

/* Those of the subcommands that need something; a foreign key is taken from the catalog. */
static void
add_commands(WfDdl *ddl, const WfCommands *commands, List **needs, bool dropping)
{
	const AlterTableStmt *statement = (AlterTableStmt *) ddl->tree;

	for (int i = 0; i < commands->count; i++)
	{
		AlterTableCmd *command = list_nth(statement->cmds, i);

		if (needs[i] != NIL && drops(command) == dropping && command->subtype != AT_AddConstraint)
			add_piece(ddl, needs[i], NIL, wf_command_alone(ddl, commands, i));
	}
}

static void
add_foreign_keys(WfDdl *ddl, Oid table)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (is_made_foreign_key(object, table) && object->needs != NIL)
			add_piece(ddl, object->needs, NIL,
					  pg_get_constraintdef_command(object->address.objectId));
	}
}

/* The subcommands that need nothing, with what stands in their place. */
static void
add_rest(WfDdl *ddl, const char *rest)
{
	const char *text = ddl->text;
	List	   *statements = ddl->statements;
	List	   *needs = ddl->statement_needs;

	ddl->text = rest;
	ddl->statements = ddl->statement_needs = NIL;
	wf_ddl_choose_statements(ddl);
	if (ddl->statements == NIL)
		add_piece(ddl, NIL, NIL, rest);
	for (int i = 0; i < list_length(ddl->statements); i++)
		add_piece(ddl, i < list_length(ddl->statement_needs) ? list_nth(ddl->statement_needs, i) : NIL,
				  NIL, list_nth(ddl->statements, i));
	ddl->text = text;
	ddl->statements = statements;
	ddl->statement_needs = needs;
}

static void
choose_for_partition(WfDdl *ddl, const AlterTableStmt *statement)
{
	PartitionCmd *command = (PartitionCmd *) ((AlterTableCmd *) linitial(statement->cmds))->def;
	List	   *parent = name_of_range(statement->relation);
	List	   *child = name_of_range(command->name);
	Oid			relid = RangeVarGetRelid(command->name, NoLock, true);
	ListCell   *cell;

	ddl->text_needs = wf_ddl_add_names(list_copy(parent), child);
	if (ddl->statements == NIL)
		add_piece(ddl, ddl->text_needs, NIL, ddl->text);
	foreach(cell, ddl->statements)
		add_piece(ddl, ddl->text_needs, NIL, lfirst(cell));
	if (OidIsValid(relid))
		add_parts(ddl, relid, child, parent);
}

static void
choose_for_alter_table(WfDdl *ddl, const AlterTableStmt *statement)
{
	Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);
	int			ncommands = list_length(statement->cmds);
	List	  **needs = palloc0(sizeof(List *) * ncommands);
	List	   *references = NIL;
	WfCommands	commands;
	char	   *rest;
	ListCell   *cell;

	if (!OidIsValid(table) || ncommands == 0)
		return;
	if (((AlterTableCmd *) linitial(statement->cmds))->def != NULL &&
		IsA(((AlterTableCmd *) linitial(statement->cmds))->def, PartitionCmd))
	{
		choose_for_partition(ddl, statement);
		return;
	}
	for (int i = 0; i < ncommands; i++)
	{
		AlterTableCmd *command = list_nth(statement->cmds, i);

		needs[i] = needs_of_command(ddl, command, table);
		references = list_concat(references, references_of_column(command, table));
		ddl->text_needs = wf_ddl_add_names(ddl->text_needs, needs[i]);
	}
	foreach(cell, references)
		ddl->text_needs = wf_ddl_add_names(ddl->text_needs, needs_of_reference(lfirst(cell), table));
	foreach(cell, ddl->statement_needs)
	{
		List	   *others = lfirst(cell);

		if (others != NIL && strcmp(quote_qualified_identifier(linitial(others), lsecond(others)), wf_relation_name(table)) != 0)
			ddl->text_needs = wf_ddl_add_names(ddl->text_needs, others);
	}
	if (ddl->text_needs == NIL)
		return;
	if (!wf_find_commands(ddl, statement, &commands))
	{
		ddl->text_needs = NIL;
		return;
	}
	rest = wf_commands_without(ddl, &commands, needs, references);
	add_commands(ddl, &commands, needs, true);
	if (rest != NULL)
		add_rest(ddl, rest);
	add_commands(ddl, &commands, needs, false);
	add_foreign_keys(ddl, table);
}

/* It may have gone over many tables. */
static void
choose_for_upkeep(WfDdl *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl->validated)
	{
		List	   *table = wf_ddl_name_of(IndexGetRelation(lfirst_oid(cell), false));
		ListCell   *statement;

		ddl->text_needs = wf_ddl_add_names(ddl->text_needs, table);
		foreach(statement, wf_create_missing_index(lfirst_oid(cell)))
			add_piece(ddl, table, NIL, lfirst(statement));
	}
}

/* --------------------------------------------------------------------------------------- */

void
wf_ddl_choose_pieces(WfDdl *ddl)
{
	if (IsA(ddl->tree, CreateStmt))
		choose_for_create_table(ddl, (CreateStmt *) ddl->tree);
	else if (IsA(ddl->tree, AlterTableStmt))
		choose_for_alter_table(ddl, (AlterTableStmt *) ddl->tree);
	else if (wf_ddl_is_upkeep(ddl->tree))
		choose_for_upkeep(ddl);
}
