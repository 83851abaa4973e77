/*
 * table_settings.h
 *	  What is sent of single tables: the option tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_TABLE_SETTINGS_H
#define WALFERRY_TABLE_SETTINGS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "pattern.h"

typedef enum WfOperation
{
	WF_OPERATION_INSERT = 0x01,
	WF_OPERATION_UPDATE = 0x02,
	WF_OPERATION_DELETE = 0x04,
	WF_OPERATION_TRUNCATE = 0x08,
	WF_OPERATION_DDL = 0x10
} WfOperation;

#define WF_OPERATIONS_OF_ROWS 0x0F
#define WF_OPERATIONS_ALL 0x1F

/* set or merge = {"column": "expression"} */
typedef struct WfSetting
{
	const char *column;
	const char *expression;
	bool		part;			/* of merge: by its value the table's rows are told at the destination */
} WfSetting;

typedef struct WfTableSettings
{
	const char *name;			/* as it was written */
	WfPattern  *pattern;
	uint8		operations;		/* WF_OPERATION_* */
	List	   *columns;		/* of String; NIL: all */
	const char *where;			/* an expression, or NULL */
	List	   *set;			/* of WfSetting, those of merge too */
} WfTableSettings;

/*
 * Parses the option: a JSON array of objects.  Returns a list of WfTableSettings;
 * ereports what it can't read.  What it allocates stays in the current memory
 * context.
 */
extern List *wf_table_settings_parse(const char *text);

/*
 * Those of the table with this name, or NULL.  Two that match are an error.
 */
extern WfTableSettings *wf_table_settings_by_name(List *all, const char *schema,
												  const char *table);

/*
 * Those of the table; of a partition that has none by its own name, the nearest
 * ancestor's that has.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern WfTableSettings *wf_table_settings_find(List *all, Oid relid);

/* Do both send the same?  Either may be NULL: a table without settings. */
extern bool wf_table_settings_equal(const WfTableSettings *a,
									const WfTableSettings *b);

/* As JSON without the name: equal ones are the same text. */
extern char *wf_table_settings_text(const WfTableSettings *settings);

/* Is something else sent than the rows as they are? */
extern bool wf_table_settings_change_rows(const WfTableSettings *settings);

#endif							/* WALFERRY_TABLE_SETTINGS_H */
