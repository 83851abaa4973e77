/*
 * ddl_log.h
 *	  The columns of walferry.ddl_log, for who writes and who reads it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_DDL_LOG_H
#define WALFERRY_DDL_LOG_H

#define WF_DDL_LOG_ID 0
#define WF_DDL_LOG_LSN 1
#define WF_DDL_LOG_CAPTURED 2
#define WF_DDL_LOG_ROLE 3
#define WF_DDL_LOG_SESSION_ROLE 4
#define WF_DDL_LOG_TAG 5
#define WF_DDL_LOG_FLAGS 6
#define WF_DDL_LOG_STATEMENT 7
#define WF_DDL_LOG_STATEMENTS 8
#define WF_DDL_LOG_SEARCH_PATH 9
#define WF_DDL_LOG_SETTINGS 10
#define WF_DDL_LOG_OBJECTS 11
#define WF_DDL_LOG_REWRITTEN 12
#define WF_DDL_LOG_LIST 13
#define WF_DDL_LOG_PIECES 14
#define WF_DDL_LOG_FORMER 15
#define WF_DDL_LOG_NOTE 16
#define WF_DDL_LOG_COLUMNS 17

/* Strings for each element of the columns objects, rewritten, list and pieces. */
#define WF_DDL_OBJECT_FIELDS 8
#define WF_DDL_REWRITTEN_FIELDS 5
#define WF_DDL_ITEM_FIELDS 4
#define WF_DDL_PIECE_FIELDS 3

/* The first two of the column list are the text before and the text behind its elements. */
#define WF_DDL_LIST_HEAD 2

/* The first of the column pieces is what the text needs. */
#define WF_DDL_PIECES_HEAD 1

#endif							/* WALFERRY_DDL_LOG_H */
