/*
 * column.c
 *	  What is sent of a column, and in which form its values go.
 *
 * A type goes in its binary form where that means the same in every cluster,
 * else as text; docs/protocol.md has the rule, and the SQL function
 * sends_binary answers with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "column.h"
#include "compat.h"
#include "wire.h"

PG_FUNCTION_INFO_V1(walferry_sends_binary);

/* Built-in types have the same OID in every cluster. */
static bool
is_builtin(Oid type)
{
	return type < FirstGenbkiObjectId;
}

/* Their binary form is an OID: of an object that has another one elsewhere. */
static bool
is_object_identifier(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGCOLLATIONOID:
			return true;
		default:
			return false;
	}
}

/* Copies a type's row; false if there is none. */
static bool
find_type(Oid type, FormData_pg_type *form)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(form, GETSTRUCT(tuple), sizeof(FormData_pg_type));
	ReleaseSysCache(tuple);
	return true;
}

static void
get_type(Oid type, FormData_pg_type *form)
{
	if (!find_type(type, form))
		elog(ERROR, "cache lookup failed for type %u", type);
}

/*
 * The binary forms of arrays, ranges and composites hold OIDs of their parts'
 * types, so those of users are not portable.  Composites never go in binary,
 * not even a catalog's: their shape differs between majors.
 */
static bool
type_is_binary(Oid type)
{
	FormData_pg_type form;

	type = getBaseType(type);
	if (type == XMLOID || is_object_identifier(type))
		return false;
	/* Their receive functions refuse the empty vector that their send functions write. */
	if (type == INT2VECTOROID || type == OIDVECTOROID)
		return false;

	get_type(type, &form);
	if (!OidIsValid(form.typsend) || !OidIsValid(form.typreceive))
		return false;
	if (IsTrueArrayType(&form))
		return is_builtin(form.typelem) && type_is_binary(form.typelem);

	switch (form.typtype)
	{
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
		case TYPTYPE_MULTIRANGE:
			return is_builtin(type);
		default:
			return false;
	}
}

static const char *
get_schema(Oid namespace)
{
	const char *schema = get_namespace_name(namespace);

	if (schema == NULL)
		elog(ERROR, "cache lookup failed for namespace %u", namespace);
	return schema;
}

static void
load_collation(WfColumn *column, Oid collation)
{
	HeapTuple	tuple;
	Form_pg_collation form;

	column->collation_schema = "";
	column->collation_name = "";
	if (!OidIsValid(collation))
		return;

	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	column->collation_schema = get_schema(form->collnamespace);
	column->collation_name = pstrdup(NameStr(form->collname));
	ReleaseSysCache(tuple);
}

void
wf_column_init(WfColumn *column, Form_pg_attribute attribute,
			   uint8 flags, bool readable)
{
	Oid			base_type = getBaseType(attribute->atttypid);
	bool		binary = type_is_binary(base_type);
	FormData_pg_type type;

	get_type(attribute->atttypid, &type);

	column->index = attribute->attnum - 1;
	column->varlena = attribute->attlen == -1;
	column->flags = flags;
	column->format = binary ? WF_FORMAT_BINARY : WF_FORMAT_TEXT;
	wf_encoder_init(&column->encoder, base_type,
					readable ? WF_FORM_READABLE : binary ? WF_FORM_BINARY : WF_FORM_TEXT);

	column->name = pstrdup(NameStr(attribute->attname));
	column->type = attribute->atttypid;
	column->type_schema = get_schema(type.typnamespace);
	column->type_name = pstrdup(NameStr(type.typname));
	column->typmod = attribute->atttypmod;
	load_collation(column, attribute->attcollation);
}

bool
wf_column_is_unchanged(const WfColumn *column, Datum value)
{
	return column->varlena && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
}

static void
require_value(const WfColumn *column, Datum value)
{
	if (wf_column_is_unchanged(column, value))
		elog(ERROR, "column \"%s\" holds a TOAST value that is not in the WAL",
			 column->name);
}

void
wf_column_write(StringInfo out, WfColumn *column, Datum value)
{
	require_value(column, value);
	wf_value_write(out, &column->encoder, value);
}

char *
wf_column_to_text(WfColumn *column, Datum value)
{
	require_value(column, value);
	return wf_value_to_text(&column->encoder, value);
}

/* walferry.sends_binary(type oid) */
Datum
walferry_sends_binary(PG_FUNCTION_ARGS)
{
	FormData_pg_type form;

	if (!find_type(PG_GETARG_OID(0), &form))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(type_is_binary(PG_GETARG_OID(0)));
}
