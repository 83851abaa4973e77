/*
 * value.h
 *	  How values of a type are written: length and bytes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_VALUE_H
#define WALFERRY_VALUE_H

#include "postgres.h"

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
	WF_ENCODE_INTERVAL,
	WF_ENCODE_NUMERIC,
	WF_ENCODE_STORED,			/* a varlena's bytes as they are stored */
	WF_ENCODE_ARRAY,			/* of elements that have an encoding of their own */
	WF_ENCODE_XML_ARRAY,		/* by the output function, as an array of text */
	WF_ENCODE_SEND,				/* by the type's send function */
	WF_ENCODE_OUTPUT			/* by the type's output function */
} WfEncoding;

typedef struct WfEncoder
{
	WfEncoding	encoding;
	int16		length;			/* as in pg_type, as are the next two */
	bool		by_value;
	char		align;
	FmgrInfo	function;		/* send or output, if the encoding calls it */
	struct WfEncoder *element;	/* of an array */
} WfEncoder;

typedef enum WfForm
{
	WF_FORM_BINARY,				/* as the send function would write it */
	WF_FORM_TEXT,				/* a text type's bytes, else as the output function writes it */
	WF_FORM_READABLE			/* by the output function, whatever the type */
} WfForm;

/*
 * What it allocates stays in the current memory context, which must outlive it.
 *
 * Requires: the type is no domain; for the binary form, that it has a send function;
 * a snapshot to read catalogs with.
 */
extern void wf_encoder_init(WfEncoder *encoder, Oid type, WfForm form);

/* Appends length and bytes.  Requires: the value is not toasted outside of its row. */
extern void wf_value_write(StringInfo out, WfEncoder *encoder, Datum value);

/* Requires: as above, and that the form is readable. */
extern char *wf_value_to_text(WfEncoder *encoder, Datum value);

#endif							/* WALFERRY_VALUE_H */
