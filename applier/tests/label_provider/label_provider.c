/*
 * label_provider.c
 *	  A security label provider, "walferry_test", that takes every label.  For tests
 *	  of SECURITY LABEL, which needs some provider; no server loads it otherwise.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "commands/seclabel.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

static void
accept_label(const ObjectAddress *object, const char *label)
{
}

void
_PG_init(void)
{
	register_label_provider("walferry_test", accept_label);
}
