/*
 * ddl.h
 *	  A DDL statement of this session, from its beginning to its record.
 *
 *	  capture.c	  hooks and event triggers: when a statement begins, and when its
 *				  record is written
 *	  ddl_statement.c	what kind of statement it is; ddl_invalid.c: of one that only
 *				  builds indexes anew, whether it matters
 *	  ddl_object.c	what it has created, altered and dropped
 *	  ddl_needs.c	without which relations an object can't be
 *	  ddl_rewrite.c	what the destination runs in its place: made from the
 *				  catalogs (ddl_definition.c) or from its text (ddl_text.c)
 *	  ddl_pieces.c	what it runs where the task has not selected all that the text
 *				  names
 *	  ddl_log.c	  the record: a row of walferry.ddl_log
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_DDL_H
#define WALFERRY_DDL_H

#include "postgres.h"

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "tcop/cmdtag.h"

typedef enum WfDdlOperation
{
	WF_DDL_CREATE = 'C',
	WF_DDL_ALTER = 'A',
	WF_DDL_DROP = 'D',
} WfDdlOperation;

typedef struct WfDdlObject
{
	WfDdlOperation operation;
	ObjectAddress address;
	bool		described;		/* the rest is set: of what is dropped, at once */
	bool		temporary;
	bool		implied;		/* comes and goes with another object: not sent */
	const char *type;			/* as pg_identify_object_as_address() has it */
	const char *schema;			/* of the table or object that selects it, or NULL */
	const char *name;			/* likewise; NULL for a schema itself */
	Oid			relid;			/* of the relation that selects it, or InvalidOid */
	const char *identity;		/* quoted and qualified, to be used in SQL */
	List	   *names;			/* of strings: for pg_get_object_address() */
	List	   *arguments;		/* likewise */
	List	   *needs;			/* of strings, schema and name: relations that it can't be without */
} WfDdlObject;

/* One of the objects that a statement lists. */
typedef struct WfDdlItem
{
	const char *schema;			/* as in WfDdlObject */
	const char *name;
	const char *text;
	bool		temporary;
	List	   *needs;			/* as in WfDdlObject */
} WfDdlItem;

/* A part of a statement's work, as a statement of its own. */
typedef struct WfDdlPiece
{
	List	   *needs;			/* only where these relations are selected, all of them */
	List	   *unless;			/* not where one of these is, which does it already */
	const char *statement;
} WfDdlPiece;

typedef struct WfRewrittenTable
{
	Oid			relid;
	bool		rows_needed;	/* the destination can't compute them */
} WfRewrittenTable;

typedef struct WfDdl
{
	struct WfDdl *outer;		/* the statement that this one runs in */
	MemoryContext context;		/* of everything here; outlives commits inside the statement */
	Node	   *tree;			/* a copy, made before execution */
	CommandTag	tag;
	const char *text;
	int			text_offset;	/* of text in the string that the tree's locations mean */
	Oid			role;
	List	   *search_path;	/* of names, as strings */
	List	   *settings;		/* of strings: name, value, ... */
	uint32		flags;			/* WF_DDL_* of wire.h */

	List	   *objects;		/* of WfDdlObject */
	List	   *view_needs;		/* what is known already: see ddl_needs.c */
	List	   *former;			/* of strings: schema and name of what is renamed, before that */
	List	   *rewritten;		/* of WfRewrittenTable */
	bool		invalid_noted;
	List	   *invalid;		/* those that can't be used before: see ddl_invalid.c */
	List	   *validated;		/* OIDs of those of them that can be used then */

	/* If it lists objects: the text before, the WfDdlItems, the text behind. */
	const char *list_prefix;
	List	   *list_items;
	const char *list_suffix;

	List	   *statements;		/* of strings, to be run instead of text; or NIL */
	List	   *statement_needs;	/* of lists, parallel to statements as far as it goes */

	/* Unless all relations of text_needs are selected, the pieces stand for the statement. */
	List	   *text_needs;		/* of strings: schema and name */
	List	   *pieces;			/* of WfDdlPiece */
	bool		written;		/* nothing more will be */
} WfDdl;

/* ddl_statement.c */

/*
 * Does it change definitions?  Not those that are another server's or the whole
 * cluster's business; nor what only carries another statement.
 */
extern bool wf_ddl_is_recorded(Node *tree);

/* CREATE INDEX CONCURRENTLY and its like, which no transaction block may hold. */
extern bool wf_ddl_runs_outside(Node *tree);

extern bool wf_ddl_changes_owner_only(Node *tree);

/* ddl_object.c */

/* Notes an event of object_access_hook. */
extern void wf_ddl_note(WfDdl *ddl, WfDdlOperation operation, Oid class, Oid object,
						int subobject, bool internal);

/*
 * Describes all that is noted, and the objects that a statement names of which
 * the hook says nothing.  Requires: the statement's changes are visible.
 */
extern void wf_ddl_describe(WfDdl *ddl);

/*
 * Before execution: the items of a statement that lists objects, as far as it is
 * one that may have to be cut.
 */
extern void wf_ddl_list_items(WfDdl *ddl);

/* Before execution: the name of what the statement gives another name or schema. */
extern void wf_ddl_note_former(WfDdl *ddl);

/* ddl_invalid.c */

/* Does it matter only for the indexes that it makes whole? */
extern bool wf_ddl_is_upkeep(const Node *tree);

/* Before execution: are there any that it may? */
extern bool wf_ddl_may_validate(const Node *tree);

/*
 * At its first call: the indexes that can't be used, of the tables whose indexes the
 * statement may build anew.  Requires: it has built none.  Until it holds its lock,
 * there may be more.
 */
extern void wf_ddl_note_invalid(WfDdl *ddl);

/* Behind it: notes those that can be used now, as created.  Requires: the statement's changes are visible. */
extern void wf_ddl_note_validated(WfDdl *ddl);

/* Does it change nothing but indexes that can't be used?  Requires: it is described. */
extern bool wf_ddl_is_of_invalid(const WfDdl *ddl);

/* ddl_needs.c */

/*
 * Relations that an object can't be without, apart from its own, as strings: schema
 * and name of each.  Requires: its catalog rows are there, but for those of a view's
 * query if they have been asked for before.
 */
extern List *wf_ddl_needs(WfDdl *ddl, const ObjectAddress *address, Oid own_relation);

/* As wf_ddl_needs() gives it, of a relation itself; of none for one that everybody has. */
extern List *wf_ddl_name_of(Oid relid);

extern List *wf_ddl_add_names(List *names, List *more);

/* ddl_rewrite.c */

/* Sets statements where the text must not be run as it is. */
extern void wf_ddl_choose_statements(WfDdl *ddl);

/* Does ALTER TABLE compute new values of columns by something that is not immutable? */
extern bool wf_ddl_uses_volatile(const AlterTableStmt *statement);

/* ddl_pieces.c */

/* Sets text_needs and pieces.  Requires: the statements are chosen. */
extern void wf_ddl_choose_pieces(WfDdl *ddl);

/* The table that the statement has created, or InvalidOid. */
extern Oid	wf_ddl_created_table(const WfDdl *ddl);

/* What CREATE TABLE has made, from the catalogs: adds pieces. */
extern void wf_ddl_define_table(WfDdl *ddl, Oid relid);

/* ddl_log.c */

/* The extension's table, or InvalidOid if this database has none; nobody else can have made it. */
extern Oid	wf_ddl_log_relation(void);

/* Is this that table?  Of any other it costs no look at a catalog that isn't cached. */
extern bool wf_ddl_log_is(Oid relid);

extern void wf_ddl_log_write(Oid log, const WfDdl *ddl, uint32 flags);

#endif							/* WALFERRY_DDL_H */
