// What the operator has set for the running task, and its stages obey.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/throttle.h"

namespace walferry {

// Thread: any.
struct Steering {
    Throttle stream;
    Throttle copy;

    void set_paused(bool paused) {
        stream.set_paused(paused);
        copy.set_paused(paused);
    }
    bool paused() const { return stream.paused(); }
};

}  // namespace walferry
