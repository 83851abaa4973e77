/*
 * string_list.h
 *	  Lists of strings: as text[], from one, and joined.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_STRING_LIST_H
#define WALFERRY_STRING_LIST_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* All allocate in the current memory context. */

extern Datum wf_string_list_array(List *strings);

/* Of a one-dimensional array; NULL is an empty string. */
extern List *wf_string_list_from(Datum array);

extern char *wf_string_list_join(List *strings, const char *separator);

#endif							/* WALFERRY_STRING_LIST_H */
