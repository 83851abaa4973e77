/*
 * capture.h
 *	  Records the DDL statements of a session.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_CAPTURE_H
#define WALFERRY_CAPTURE_H

/* Installs the hooks; once, when the library is loaded. */
extern void wf_capture_init(void);

#endif							/* WALFERRY_CAPTURE_H */
