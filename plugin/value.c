/*
 * value.c
 *	  How values of a type are written: length and bytes.
 *
 * The forms of the commonest types are written here without a call of their send
 * function: what it would do is a byte swap or a copy, and it would allocate for it.
 * Each is what that function writes, byte for byte.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "value.h"

/* --- which encoding ---------------------------------------------------------- */

static WfEncoding
choose_encoding(Oid type, WfForm form)
{
	if (form == WF_FORM_READABLE)
		return WF_ENCODE_OUTPUT;
	switch (type)
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
		case INTERVALOID:
			return WF_ENCODE_INTERVAL;
		case NUMERICOID:
			return WF_ENCODE_NUMERIC;
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
			break;
	}
	if (form == WF_FORM_TEXT)
		return WF_ENCODE_OUTPUT;
	return type_is_array(type) ? WF_ENCODE_ARRAY : WF_ENCODE_SEND;
}

void
wf_encoder_init(WfEncoder *encoder, Oid type, WfForm form)
{
	Oid			function = InvalidOid;
	bool		varlena;

	memset(encoder, 0, sizeof(WfEncoder));
	encoder->encoding = choose_encoding(type, form);
	get_typlenbyvalalign(type, &encoder->length, &encoder->by_value, &encoder->align);
	switch (encoder->encoding)
	{
		case WF_ENCODE_NUMERIC: /* NaN and the infinities */
		case WF_ENCODE_SEND:
			getTypeBinaryOutputInfo(type, &function, &varlena);
			break;
		case WF_ENCODE_OUTPUT:
		case WF_ENCODE_XML_ARRAY:
			getTypeOutputInfo(type, &function, &varlena);
			break;
		case WF_ENCODE_ARRAY:
			encoder->element = palloc(sizeof(WfEncoder));
			wf_encoder_init(encoder->element, get_element_type(type), WF_FORM_BINARY);
			break;
		default:
			break;
	}
	if (OidIsValid(function))
		fmgr_info_cxt(function, &encoder->function, CurrentMemoryContext);
}

/* --- values ------------------------------------------------------------------- */

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
	enlargeStringInfo(out, sizeof(int32) + size);
	pq_writeint32(out, size);
	memcpy(out->data + out->len, bytes, size);
	out->len += size;
}

static void
write_stored(StringInfo out, struct varlena *value)
{
	write_bytes(out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static void
write_interval(StringInfo out, const Interval *interval)
{
	enlargeStringInfo(out, sizeof(int32) + sizeof(int64) + 2 * sizeof(int32));
	pq_writeint32(out, sizeof(int64) + 2 * sizeof(int32));
	pq_writeint64(out, interval->time);
	pq_writeint32(out, interval->day);
	pq_writeint32(out, interval->month);
}

/*
 * What is stored begins with a header that is short (sign, scale and weight in 16
 * bits), long (sign and scale, then the weight), or special; the digits follow.  The
 * masks are those of src/backend/utils/adt/numeric.c, and the layout is that of every
 * data folder since 9.1.  On the wire: number of digits, weight, sign, scale, digits.
 */
#define NUMERIC_KIND(header) ((header) & 0xC000)
#define NUMERIC_KIND_SHORT 0x8000
#define NUMERIC_KIND_SPECIAL 0xC000
#define NUMERIC_SIGN_NEGATIVE 0x4000

static inline uint16
stored_uint16(const char *from, int number)
{
	uint16		value;

	memcpy(&value, from + number * sizeof(uint16), sizeof(uint16));
	return value;
}

static void
write_numeric(StringInfo out, WfEncoder *encoder, Datum value)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);
	const char *data = VARDATA_ANY(stored);
	int			shorts = VARSIZE_ANY_EXHDR(stored) / sizeof(uint16);
	uint16		header = stored_uint16(data, 0);
	bool		is_short = NUMERIC_KIND(header) == NUMERIC_KIND_SHORT;
	int			ndigits = shorts - (is_short ? 1 : 2);
	int			weight;
	int			sign;
	int			scale;

	if (NUMERIC_KIND(header) == NUMERIC_KIND_SPECIAL)
	{
		write_stored(out, (struct varlena *) SendFunctionCall(&encoder->function, value));
		return;
	}
	if (is_short)
	{
		weight = (header & 0x0040 ? ~0x003F : 0) | (header & 0x003F);
		sign = header & 0x2000 ? NUMERIC_SIGN_NEGATIVE : 0;
		scale = (header & 0x1F80) >> 7;
	}
	else
	{
		weight = (int16) stored_uint16(data, 1);
		sign = NUMERIC_KIND(header);
		scale = header & 0x3FFF;
	}
	data += (shorts - ndigits) * sizeof(uint16);
	enlargeStringInfo(out, sizeof(int32) + (4 + ndigits) * sizeof(uint16));
	pq_writeint32(out, (4 + ndigits) * sizeof(uint16));
	pq_writeint16(out, ndigits);
	pq_writeint16(out, weight);
	pq_writeint16(out, sign);
	pq_writeint16(out, scale);
	for (int i = 0; i < ndigits; i++)
		pq_writeint16(out, stored_uint16(data, i));
}

static void
write_elements(StringInfo out, WfEncoder *element, ArrayType *array)
{
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *nulls = ARR_NULLBITMAP(array);
	char	   *at = ARR_DATA_PTR(array);

	for (int i = 0; i < count; i++)
	{
		if (nulls != NULL && !(nulls[i / 8] & (1 << (i % 8))))
		{
			pq_sendint32(out, -1);
			continue;
		}
		wf_value_write(out, element, fetch_att(at, element->by_value, element->length));
		at = att_addlength_pointer(at, element->length, at);
		at = (char *) att_align_nominal(at, element->align);
	}
}

/* Dimensions, whether there are NULLs, the elements' type, size and lower bound of each dimension, the elements. */
static void
write_array(StringInfo out, WfEncoder *encoder, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			begin = out->len;
	uint32		size;

	pq_sendint32(out, 0);		/* set below */
	pq_sendint32(out, ARR_NDIM(array));
	pq_sendint32(out, ARR_HASNULL(array) ? 1 : 0);
	pq_sendint32(out, ARR_ELEMTYPE(array));
	for (int i = 0; i < ARR_NDIM(array); i++)
	{
		pq_sendint32(out, ARR_DIMS(array)[i]);
		pq_sendint32(out, ARR_LBOUND(array)[i]);
	}
	write_elements(out, encoder->element, array);
	size = pg_hton32(out->len - begin - sizeof(int32));
	memcpy(out->data + begin, &size, sizeof(size));
}

/* xml's output function would rewrite the declarations; text is stored alike. */
static char *
output_xml_array(WfEncoder *encoder, Datum value)
{
	ArrayType  *array = DatumGetArrayTypePCopy(value);

	ARR_ELEMTYPE(array) = TEXTOID;
	return OutputFunctionCall(&encoder->function, PointerGetDatum(array));
}

static Datum
detoast(const WfEncoder *encoder, Datum value)
{
	return encoder->length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(value)) : value;
}

void
wf_value_write(StringInfo out, WfEncoder *encoder, Datum value)
{
	char	   *string;

	value = detoast(encoder, value);

	switch (encoder->encoding)
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
		case WF_ENCODE_INTERVAL:
			write_interval(out, DatumGetIntervalP(value));
			break;
		case WF_ENCODE_NUMERIC:
			write_numeric(out, encoder, value);
			break;
		case WF_ENCODE_STORED:
			write_stored(out, (struct varlena *) DatumGetPointer(value));
			break;
		case WF_ENCODE_ARRAY:
			write_array(out, encoder, value);
			break;
		case WF_ENCODE_SEND:
			write_stored(out, (struct varlena *) SendFunctionCall(&encoder->function, value));
			break;
		case WF_ENCODE_XML_ARRAY:
			string = output_xml_array(encoder, value);
			write_bytes(out, string, strlen(string));
			break;
		case WF_ENCODE_OUTPUT:
			string = OutputFunctionCall(&encoder->function, value);
			write_bytes(out, string, strlen(string));
			break;
	}
}

char *
wf_value_to_text(WfEncoder *encoder, Datum value)
{
	Assert(encoder->encoding == WF_ENCODE_OUTPUT);
	return OutputFunctionCall(&encoder->function, detoast(encoder, value));
}
