/*
 * column.h
 *	  What is sent of a column, and in which form its values go.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_COLUMN_H
#define WALFERRY_COLUMN_H

#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "lib/stringinfo.h"

#include "value.h"

typedef struct WfColumn
{
	int			index;			/* in the table's row, from 0 */
	bool		varlena;		/* may be toasted */
	uint8		flags;			/* WF_COLUMN_* */
	char		format;			/* WF_FORMAT_* */
	WfEncoder	encoder;

	const char *name;
	Oid			type;
	const char *type_schema;
	const char *type_name;
	int32		typmod;
	const char *collation_schema;	/* both empty if the type has none */
	const char *collation_name;
	const char *part;			/* with WF_COLUMN_PART: the value in all rows, in SQL */
} WfColumn;

/*
 * Fills in the column; readable makes every value go through its type's output
 * function, whatever its format on the wire.  What it allocates stays in the
 * current memory context, which must outlive the column.
 *
 * Requires: a snapshot to read catalogs with.
 */
extern void wf_column_init(WfColumn *column, Form_pg_attribute attribute,
						   uint8 flags, bool readable);

/* Is it a TOAST value that the update did not touch?  Then it isn't in the WAL. */
extern bool wf_column_is_unchanged(const WfColumn *column, Datum value);

/* Appends length and bytes.  Requires: neither null nor unchanged. */
extern void wf_column_write(StringInfo out, WfColumn *column, Datum value);

/* Requires: as above, and a column that was made readable. */
extern char *wf_column_to_text(WfColumn *column, Datum value);

#endif							/* WALFERRY_COLUMN_H */
