/*
 * settings.c
 *	  Pins the settings that text output depends on.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/guc.h"

#include "settings.h"

/* docs/protocol.md promises these to the reader. */
static const struct
{
	const char *name;
	const char *value;
}			pinned[] =
{
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "3"},
	{"bytea_output", "hex"},
	{"TimeZone", "UTC"},
	{"lc_monetary", "C"},
	{"search_path", ""},
	{"quote_all_identifiers", "off"},
};

void
wf_settings_pin(void)
{
	for (int i = 0; i < lengthof(pinned); i++)
		(void) set_config_option(pinned[i].name, pinned[i].value,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}
