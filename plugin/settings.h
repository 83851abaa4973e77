/*
 * settings.h
 *	  The settings under which values are written as text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef WALFERRY_SETTINGS_H
#define WALFERRY_SETTINGS_H

/*
 * Pins them for the rest of the current (sub)transaction.  The decoding of
 * each transaction runs in one of its own and ends with its abort, which
 * brings the session's values back.
 */
extern void wf_settings_pin(void);

#endif							/* WALFERRY_SETTINGS_H */
