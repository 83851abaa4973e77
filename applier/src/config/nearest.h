// "Did you mean": the word of a list that a mistyped one was probably meant to be.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace walferry {

// Empty when none is near: more than two letters, or half of the word, would have to change.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// What a message says of it behind the word: "; did you mean "..."?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace walferry
