// SPDX-License-Identifier: PostgreSQL
#include "decode/ddl.h"

#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "ddl_log.h"
#include "wire.h"

namespace walferry {

namespace {

tl::unexpected<Error> malformed(const char *what) {
    return fail(ErrorKind::protocol, std::string("a row of walferry.ddl_log holds ") + what,
                "Check that the extension at the source and this program are of the same version.");
}

template <std::integral T>
T integer(const Value &value) {
    if (value.length != static_cast<std::int32_t>(sizeof(T))) return T{};
    return ByteReader(std::string_view(value.data, sizeof(T))).read<T>();
}

std::string text(const Value &value) {
    return value.length > 0 ? std::string(value.data, static_cast<std::size_t>(value.length)) : std::string();
}

std::uint32_t oid(const std::string &text) {
    return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

// PostgreSQL's binary form of an array: dimensions, whether there are nulls, the type; of each dimension length and lower
// bound; of each element its length and bytes (array_send).
Result<std::vector<std::string>> strings(const Value &value) {
    std::vector<std::string> result;
    if (value.length < 0) return result;
    ByteReader reader(std::string_view(value.data, static_cast<std::size_t>(value.length)));
    const auto dimensions = reader.read<std::int32_t>();
    (void)reader.read<std::int32_t>();
    (void)reader.read<std::uint32_t>();
    if (reader.failed() || dimensions < 0 || dimensions > 1) return malformed("an array of a form that it can't have");
    if (dimensions == 0) return result;
    const auto count = reader.read<std::int32_t>();
    (void)reader.read<std::int32_t>();
    for (std::int32_t i = 0; i < count && !reader.failed(); ++i) {
        const auto length = reader.read<std::int32_t>();
        result.emplace_back(length < 0 ? std::string_view() : reader.read_bytes(static_cast<std::size_t>(length)));
    }
    if (!reader.finished()) return malformed("an array that ends too soon");
    return result;
}

}  // namespace

Result<Ddl> read_ddl(const Change &change) {
    if (change.kind != ChangeKind::insert) return malformed("a change that is no insert");
    std::vector<Value> values;
    change.new_tuple.split(values);
    if (values.size() != WF_DDL_LOG_COLUMNS) return malformed("another number of columns");
    Ddl ddl;
    ddl.id = integer<std::int64_t>(values[WF_DDL_LOG_ID]);
    ddl.lsn = integer<std::uint64_t>(values[WF_DDL_LOG_LSN]);
    ddl.captured = integer<std::int64_t>(values[WF_DDL_LOG_CAPTURED]);
    ddl.role = text(values[WF_DDL_LOG_ROLE]);
    ddl.tag = text(values[WF_DDL_LOG_TAG]);
    ddl.flags = integer<std::uint32_t>(values[WF_DDL_LOG_FLAGS]);
    ddl.statement = text(values[WF_DDL_LOG_STATEMENT]);
    WF_ASSIGN(ddl.statements, strings(values[WF_DDL_LOG_STATEMENTS]));
    if (ddl.statements.empty() && (ddl.flags & WF_DDL_SKIP) == 0) ddl.statements.push_back(ddl.statement);
    WF_ASSIGN(ddl.search_path, strings(values[WF_DDL_LOG_SEARCH_PATH]));
    WF_ASSIGN(const auto settings, strings(values[WF_DDL_LOG_SETTINGS]));
    WF_ASSIGN(const auto objects, strings(values[WF_DDL_LOG_OBJECTS]));
    WF_ASSIGN(const auto rewritten, strings(values[WF_DDL_LOG_REWRITTEN]));
    if (settings.size() % 2 != 0 || objects.size() % WF_DDL_OBJECT_FIELDS != 0 ||
        rewritten.size() % WF_DDL_REWRITTEN_FIELDS != 0) {
        return malformed("a list that is not whole");
    }
    for (std::size_t i = 0; i < settings.size(); i += 2) ddl.settings.emplace_back(settings[i], settings[i + 1]);
    for (std::size_t i = 0; i < objects.size(); i += WF_DDL_OBJECT_FIELDS) {
        if (objects[i].empty()) return malformed("an object without an operation");
        ddl.objects.push_back({objects[i][0], objects[i + 1], objects[i + 4], objects[i + 5], objects[i + 2],
                               objects[i + 3], oid(objects[i + 7])});
    }
    for (std::size_t i = 0; i < rewritten.size(); i += WF_DDL_REWRITTEN_FIELDS) {
        ddl.rewritten.push_back({oid(rewritten[i]), rewritten[i + 1], rewritten[i + 2] == "t"});
    }
    ddl.note = text(values[WF_DDL_LOG_NOTE]);
    return ddl;
}

}  // namespace walferry
