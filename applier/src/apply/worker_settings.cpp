// SPDX-License-Identifier: PostgreSQL
#include "apply/worker_settings.h"

namespace walferry {

pq::Settings worker_settings() {
    return {
        {"synchronous_commit", "off"},  // the checkpointer sees to durability
        // An older group may wait for a lock of a younger one, which waits for the older at the turnstile, where the server
        // sees no deadlock.
        {"lock_timeout", "500ms"},
        // Batches are joined to their table row by row through its index, whatever the statistics say: their rows come
        // sorted by key, and a plan is made once, perhaps while the table is still empty.
        {"plan_cache_mode", "force_generic_plan"},
        {"enable_seqscan", "off"},
        {"enable_hashjoin", "off"},
        {"enable_mergejoin", "off"},
        {"jit", "off"},
    };
}

}  // namespace walferry
