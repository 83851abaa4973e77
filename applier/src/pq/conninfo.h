// Connection strings: what libpq parses, with our defaults, and without the password where others may see it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace walferry::pq {

class Conninfo {
public:
    // A URI or key=value string; `what` names it in the error ("source.conninfo").
    static Result<Conninfo> parse(const std::string &text, std::string_view what);

    // Set a parameter, over what the string says.
    void set(std::string_view keyword, std::string_view value);
    // Set it only if the string leaves it open.
    void set_default(std::string_view keyword, std::string_view value);
    // The value that the string gives; empty if none.
    std::string get(std::string_view keyword) const;

    // Take the password out and return it: for a child process, that gets it by its environment.
    std::string take_password();

    // As a key=value string; with the password, if it was not taken.
    std::string text() const;

    const std::vector<std::pair<std::string, std::string>> &parameters() const { return parameters_; }

private:
    std::vector<std::pair<std::string, std::string>> parameters_;  // those that are set, in libpq's order
};

}  // namespace walferry::pq
