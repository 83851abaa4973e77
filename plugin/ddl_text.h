/*
 * ddl_text.h
 *	  A statement's text with the parts replaced that mean something else at the
 *	  destination, or that are nobody's business.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_DDL_TEXT_H
#define WALFERRY_DDL_TEXT_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "ddl.h"

/* The first four set statements of the DDL where they find something; requires: it is described. */

/*
 * ALTER TABLE .. ADD COLUMN with a default that is stable: its value was computed
 * once and rows were not written, so that nothing but the catalog tells what they
 * hold.
 */
extern void wf_pin_added_columns(WfDdl *ddl);

/* Bounds of a partition that are expressions. */
extern void wf_pin_bound(WfDdl *ddl, const PartitionBoundSpec *bound, Oid partition);

/*
 * Constants such as 'now', where they are a column's default or cast to a type of
 * time: each reader takes them for another moment.
 */
extern void wf_pin_moments(WfDdl *ddl);

/* The destination gets what the server keeps of a role's password, and text loses it. */
extern void wf_hide_password(WfDdl *ddl, List *options, const char *role);

/* Where the subcommands of an ALTER TABLE stand in its text. */
typedef struct WfCommands
{
	int			count;
	int		   *starts;
	int		   *ends;
} WfCommands;

/* False if they can't be told apart. */
extern bool wf_find_commands(const WfDdl *ddl, const AlterTableStmt *statement, WfCommands *commands);

/* The statement with the one subcommand. */
extern char *wf_command_alone(const WfDdl *ddl, const WfCommands *commands, int i);

/*
 * The text without the subcommands that have needs, and without the references, foreign
 * keys in columns, of the others; all else stays in its place.  NULL if nothing is left.
 */
extern char *wf_commands_without(const WfDdl *ddl, const WfCommands *commands, List **needs,
								 List *references);

#endif							/* WALFERRY_DDL_TEXT_H */
