/*
 * pattern.h
 *	  Patterns that choose tables and other objects by their names.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_PATTERN_H
#define WALFERRY_PATTERN_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct WfPattern WfPattern;

/*
 * Reads a comma-separated list of patterns; ereports what it can't read, as a
 * value of the option.  What it allocates stays in the current memory context.
 */
extern List *wf_patterns_read(const char *option, const char *text);

extern bool wf_pattern_matches(const WfPattern *pattern, const char *schema,
							   const char *table);
extern bool wf_pattern_matches_schema(const WfPattern *pattern, const char *schema);

/* Whether it takes every table of the schemas that it matches: schema.* */
extern bool wf_pattern_takes_whole_schema(const WfPattern *pattern);

/* Does any of them match? */
extern bool wf_patterns_match(List *patterns, const char *schema, const char *table);

#endif							/* WALFERRY_PATTERN_H */
