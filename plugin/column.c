/*
 * column.c
 *	  How a column's values are written.
 *
 * A type goes in its binary form where that means the same in every cluster,
 * else as text; docs/protocol.md has the rule, and the SQL function
 * sends_binary answers with it.  The forms of the commonest types are written
 * here without a call of their send function: what it would do is a byte swap
 * or a copy.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

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

/* How to write a base type in the form that type_is_binary has chosen. */
static WfEncoding
choose_encoding(Oid base_type, bool binary)
{
	switch (base_type)
	{
		case BOOLOID:
			return WF_ENCODE_BOOL;
		case CHAROID:
			return WF_ENCODE_CHAR;
		case INT2OID:
			return WF_ENCODE_INT2;
		case INT4OID:
		case FLOAT4OID:
		case OIDOID:
		case DATEOID:
			return WF_ENCODE_INT4;
		case INT8OID:
		case FLOAT8OID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case CASHOID:
			return WF_ENCODE_INT8;
		case UUIDOID:
			return WF_ENCODE_UUID;
		case NAMEOID:
			return WF_ENCODE_NAME;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
		case JSONOID:
		case XMLOID:
			return WF_ENCODE_STORED;
		case XMLARRAYOID:
			return WF_ENCODE_XML_ARRAY;
		default:
			return binary ? WF_ENCODE_SEND : WF_ENCODE_OUTPUT;
	}
}

static void
load_function(WfColumn *column, Oid base_type)
{
	Oid			function;
	bool		varlena;

	if (column->encoding == WF_ENCODE_SEND)
		getTypeBinaryOutputInfo(base_type, &function, &varlena);
	else if (column->encoding == WF_ENCODE_OUTPUT ||
			 column->encoding == WF_ENCODE_XML_ARRAY)
		getTypeOutputInfo(base_type, &function, &varlena);
	else
		return;
	fmgr_info_cxt(function, &column->function, CurrentMemoryContext);
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
	column->encoding = readable ? WF_ENCODE_OUTPUT : choose_encoding(base_type, binary);
	load_function(column, base_type);

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

/* Length and value in one reservation: these are the bulk of all columns. */
#define WRITE_FIXED(out, bits, value) \
	do { \
		enlargeStringInfo(out, sizeof(int32) + sizeof(uint##bits)); \
		pq_writeint32(out, sizeof(uint##bits)); \
		pq_writeint##bits(out, (uint##bits) (value)); \
	} while (0)

static void
write_bytes(StringInfo out, const char *bytes, Size size)
{
	pq_sendint32(out, size);
	appendBinaryStringInfo(out, bytes, size);
}

static void
write_stored(StringInfo out, struct varlena *value)
{
	write_bytes(out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static Datum
detoast(const WfColumn *column, Datum value)
{
	if (!column->varlena)
		return value;
	if (wf_column_is_unchanged(column, value))
		elog(ERROR, "column \"%s\" holds a TOAST value that is not in the WAL",
			 column->name);
	return PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
}

/* xml's output function would rewrite the declarations; text is stored alike. */
static char *
output_xml_array(WfColumn *column, Datum value)
{
	ArrayType  *array = DatumGetArrayTypePCopy(value);

	ARR_ELEMTYPE(array) = TEXTOID;
	return OutputFunctionCall(&column->function, PointerGetDatum(array));
}

void
wf_column_write(StringInfo out, WfColumn *column, Datum value)
{
	char	   *string;

	value = detoast(column, value);

	switch (column->encoding)
	{
		case WF_ENCODE_BOOL:
			WRITE_FIXED(out, 8, DatumGetBool(value) ? 1 : 0);
			break;
		case WF_ENCODE_CHAR:
			WRITE_FIXED(out, 8, DatumGetChar(value));
			break;
		case WF_ENCODE_INT2:
			WRITE_FIXED(out, 16, DatumGetInt16(value));
			break;
		case WF_ENCODE_INT4:
			WRITE_FIXED(out, 32, DatumGetInt32(value));
			break;
		case WF_ENCODE_INT8:
			WRITE_FIXED(out, 64, DatumGetInt64(value));
			break;
		case WF_ENCODE_UUID:
			write_bytes(out, (char *) DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case WF_ENCODE_NAME:
			string = NameStr(*DatumGetName(value));
			write_bytes(out, string, strlen(string));
			break;
		case WF_ENCODE_STORED:
			write_stored(out, (struct varlena *) DatumGetPointer(value));
			break;
		case WF_ENCODE_SEND:
			write_stored(out, (struct varlena *) SendFunctionCall(&column->function, value));
			break;
		case WF_ENCODE_XML_ARRAY:
			string = output_xml_array(column, value);
			write_bytes(out, string, strlen(string));
			break;
		case WF_ENCODE_OUTPUT:
			string = OutputFunctionCall(&column->function, value);
			write_bytes(out, string, strlen(string));
			break;
	}
}

char *
wf_column_to_text(WfColumn *column, Datum value)
{
	Assert(column->encoding == WF_ENCODE_OUTPUT);
	return OutputFunctionCall(&column->function, detoast(column, value));
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
