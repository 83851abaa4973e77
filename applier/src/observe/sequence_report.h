// The task's sequences on both sides: `walferry sequences`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "schema/sequences.h"

namespace walferry {

// By name.
std::string sequences_as_text(const std::vector<SequencePair> &pairs);
std::string sequences_as_json(const std::string &task, const std::vector<SequencePair> &pairs);

}  // namespace walferry
