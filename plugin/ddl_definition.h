/*
 * ddl_definition.h
 *	  Statements that make an object as it is, from the catalogs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_DDL_DEFINITION_H
#define WALFERRY_DDL_DEFINITION_H

#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "utils/rel.h"

/* All of it is allocated in the current memory context; names are quoted and qualified. */

extern char *wf_relation_name(Oid relid);
extern char *wf_type_name(Oid type, int32 typmod);

/* Of a column's default, if it has one of its own; else NULL. */
extern char *wf_set_default(Relation relation, const FormData_pg_attribute *column);

/* With its columns, partition key and storage options; without constraints, defaults and indexes. */
extern char *wf_create_table(Oid relid);

/* FOR VALUES .. or DEFAULT; NULL if it is no partition. */
extern char *wf_partition_bound(Oid partition);

/* Without whose it is. */
extern char *wf_create_sequence(Oid sequence);

/* As SET STORAGE has it. */
extern const char *wf_storage_name(char storage);

/* words: what stands before the index's name. */
extern char *wf_create_index(Oid index, const char *words);

/* Statements that make an index, with its comment, where there is none of its name. */
extern List *wf_create_missing_index(Oid index);

/* With the schema and the version that it has got; NULL if there is none. */
extern char *wf_create_extension(Oid extension);

#endif							/* WALFERRY_DDL_DEFINITION_H */
