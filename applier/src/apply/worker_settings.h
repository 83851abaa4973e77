// Settings of a session that applies changes, beside apply_connection()'s.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "pq/connection.h"

namespace walferry {

pq::Settings worker_settings();

}  // namespace walferry
