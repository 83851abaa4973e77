/*
 * column.h
 *	  How a column's values are written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_COLUMN_H
#define WALFERRY_COLUMN_H

#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

typedef enum WfEncoding
{
	WF_ENCODE_BOOL,
	WF_ENCODE_CHAR,
	WF_ENCODE_INT2,
	WF_ENCODE_INT4,				/* and what has its bytes: float4, oid, date */
	WF_ENCODE_INT8,				/* likewise: float8, time, timestamp, money */
	WF_ENCODE_UUID,
	WF_ENCODE_NAME,
	WF_ENCODE_STORED,			/* a varlena's bytes as they are stored */
	WF_ENCODE_XML_ARRAY,		/* by the output function, as an array of text */
	WF_ENCODE_SEND,				/* by the type's send function */
	WF_ENCODE_OUTPUT			/* by the type's output function */
} WfEncoding;

typedef struct WfColumn
{
	int			index;			/* in the table's row, from 0 */
	bool		varlena;		/* may be toasted */
	uint8		flags;			/* WF_COLUMN_* */
	char		format;			/* WF_FORMAT_* */
	WfEncoding	encoding;
	FmgrInfo	function;		/* send or output, if the encoding calls it */

	const char *name;
	Oid			type;
	const char *type_schema;
	const char *type_name;
	int32		typmod;
	const char *collation_schema;	/* both empty if the type has none */
	const char *collation_name;
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
