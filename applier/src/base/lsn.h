// A place in the write-ahead log, as PostgreSQL counts and prints it (X/XXXXXXXX).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walferry {

class Lsn {
public:
    constexpr Lsn() = default;
    constexpr explicit Lsn(std::uint64_t value) : value_(value) {}

    // "16/B374D848"; nothing for anything that PostgreSQL's pg_lsn would refuse.
    static std::optional<Lsn> parse(std::string_view text);

    constexpr std::uint64_t value() const { return value_; }
    constexpr bool valid() const { return value_ != 0; }
    std::string text() const;

    constexpr auto operator<=>(const Lsn &) const = default;

private:
    std::uint64_t value_ = 0;  // bytes since the beginning of the log; 0 is no place at all
};

// Bytes from `from` to `to`, 0 if `to` is not ahead.
constexpr std::uint64_t distance(Lsn from, Lsn to) { return to > from ? to.value() - from.value() : 0; }

}  // namespace walferry
