// The answer to one statement: an owned PGresult.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace walferry::pq {

class Rows {
public:
    Rows() = default;
    explicit Rows(PGresult *result) : result_(result) {}  // takes ownership; null is an empty answer

    int count() const { return PQntuples(result_.get()); }
    int columns() const { return PQnfields(result_.get()); }
    bool null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

    // The value as the server wrote it, empty for NULL; a view that lives as long as this object.
    // Requires: row < count(), column < columns().
    std::string_view view(int row, int column) const {
        return {PQgetvalue(result_.get(), row, column),
                static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
    }
    std::string text(int row, int column) const { return std::string(view(row, column)); }
    bool boolean(int row, int column) const { return view(row, column) == "t"; }
    // A number in decimal; 0 for NULL.
    std::int64_t integer(int row, int column) const;

    // Rows that the statement changed or returned; nothing if its command tag has no count.
    std::optional<std::uint64_t> affected() const;

    PGresult *raw() const { return result_.get(); }

private:
    struct Clear {
        void operator()(PGresult *result) const { PQclear(result); }
    };
    std::unique_ptr<PGresult, Clear> result_;
};

// One piece of COPY data, freed as libpq wants it.
struct FreeCopyData {
    void operator()(char *data) const { PQfreemem(data); }
};
struct CopyData {
    std::unique_ptr<char, FreeCopyData> data;
    std::size_t size = 0;
    std::string_view view() const { return {data.get(), size}; }
};

}  // namespace walferry::pq
