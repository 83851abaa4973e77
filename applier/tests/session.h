// A connection for the tests' own SQL: what fails throws.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "pq/connection.h"

namespace walferry::testing {

// The value of a Result, or an exception with its error.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().text());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Session {
public:
    // Prints every value exactly, in UTF-8, whatever the database's encoding.
    explicit Session(const std::string &conninfo)
        : connection_(must(pq::Connection::open({.conninfo = conninfo,
                                                 .side = Side::none,
                                                 .application_name = "walferry tests",
                                                 .replication = false,
                                                 .settings = settings(),
                                                 .stop = nullptr}))) {}

    pq::Rows exec(const std::string &sql) { return must(connection_.exec(sql)); }
    // The only value of an answer; empty if there is no row.
    std::string value(const std::string &sql) {
        const auto rows = exec(sql);
        return rows.count() == 0 ? std::string() : rows.text(0, 0);
    }
    std::int64_t number(const std::string &sql) {
        const auto rows = exec(sql);
        return rows.count() == 0 ? 0 : rows.integer(0, 0);
    }
    bool holds(const std::string &sql) { return value(sql) == "t"; }

    pq::Connection &connection() { return connection_; }

private:
    // Whatever the database's own settings are.
    static pq::Settings settings() {
        return {{"client_encoding", "UTF8"}, {"client_min_messages", "warning"},
                {"DateStyle", "ISO"},        {"IntervalStyle", "postgres"},
                {"TimeZone", "UTC"},         {"extra_float_digits", "3"},
                {"bytea_output", "hex"},     {"quote_all_identifiers", "off"},
                {"xmloption", "content"},    {"standard_conforming_strings", "on"},
                {"search_path", "public"},   {"work_mem", "64MB"}};
    }

    pq::Connection connection_;
};

}  // namespace walferry::testing
