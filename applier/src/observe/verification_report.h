// What verify has found, as part of the status.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "checkpoint/verification.h"

namespace walferry {

// Lines like those of status_as_text(); none while nothing was compared.
std::string verification_as_text(const std::optional<Verification> &verification);
nlohmann::ordered_json verification_as_json(const std::optional<Verification> &verification);

}  // namespace walferry
