// Named places where a test makes the program die, compiled into test builds alone.
//
//   WALFERRY_FAILPOINT=after_checkpoint:3     dies by SIGKILL when the place is passed for the third time
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

namespace walferry {

#ifdef WALFERRY_FAILPOINTS
// Thread: any. `name` is a literal.
void failpoint(const char *name);
#else
inline void failpoint(const char *) {}
#endif

}  // namespace walferry
