// SPDX-License-Identifier: PostgreSQL
#include "verify/row_repair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "config/connections.h"
#include "pq/error.h"
#include "schema/tables.h"
#include "verify/row_reader.h"
#include "verify/stream_position.h"
#include "verify/table_verifier.h"

namespace walferry {

namespace {

constexpr std::size_t batch_rows = 50;
constexpr int attempts_max = 30;
// While the position stands still.
constexpr const char *lock_timeout = "200ms";
constexpr std::chrono::milliseconds running_patience{100};

using Values = std::vector<pq::Param>;

struct SourceRow {
    std::string version;
    Values values;  // of the columns that hold data of their own
};

std::string in_words(const KeyValues &key) { return fmt::format("({})", fmt::join(key, ", ")); }

class Repair {
public:
    Repair(const Task &task, const StopFlag &stop, pq::Connection source, pq::Connection destination, TableShape shape,
           bool same_encoding)
        : task_(task),
          source_(std::move(source)),
          destination_(std::move(destination)),
          position_(source_, destination_, task, stop),
          shape_(std::move(shape)),
          same_encoding_(same_encoding) {}

    Result<RowRepair> run(std::vector<KeyValues> keys) {
        for (std::size_t begin = 0; begin < keys.size(); begin += batch_rows) {
            const auto end = std::min(begin + batch_rows, keys.size());
            WF_TRY(mend(
                {keys.begin() + static_cast<std::ptrdiff_t>(begin), keys.begin() + static_cast<std::ptrdiff_t>(end)}));
        }
        return std::move(out_);
    }

private:
    // Until none is left that can be mended.
    Result<void> mend(std::vector<KeyValues> keys) {
        for (int i = 0; i < attempts_max && !keys.empty(); ++i) {
            auto left = attempt(keys);
            if (left) {
                keys = std::move(*left);
                continue;
            }
            (void)destination_.exec("ROLLBACK");
            const Error &error = left.error();
            if (pq::is_lock(error)) continue;
            if (error.kind != ErrorKind::server && error.kind != ErrorKind::conflict) return fail(error);
            if (keys.size() == 1) {
                out_.failed.push_back(fmt::format("{} {}: {}", shape_.display, in_words(keys[0]), error.text()));
                return {};
            }
            for (const KeyValues &key : keys) WF_TRY(mend({key}));  // one of them is in the way
            return {};
        }
        for (const KeyValues &key : keys) {
            out_.failed.push_back(
                fmt::format("{} {}: it changes all the time; try again", shape_.display, in_words(key)));
        }
        return {};
    }

    // Returns those that are in motion.
    Result<std::vector<KeyValues>> attempt(const std::vector<KeyValues> &keys) {
        WF_ASSIGN(const RowLooks here_before, look_here(keys));
        WF_TRY(position_.see_applied());
        WF_ASSIGN(const RowLooks there_before, read_looks(source_, shape_.source, keys, same_encoding_));
        WF_ASSIGN(const bool running, position_.catch_up());
        if (!running) return fail(not_running());
        WF_TRY(destination_.exec(fmt::format("BEGIN; SET LOCAL lock_timeout = '{}'", lock_timeout)));
        WF_TRY(destination_.exec("SELECT FROM walferry.checkpoint WHERE task = $1 FOR UPDATE", {task_.name}));
        WF_ASSIGN(const RowLooks here, look_here(keys));
        WF_ASSIGN(const bool seen, position_.sees_applied_within(running_patience));
        if (!seen) {
            WF_TRY(destination_.exec("ROLLBACK"));
            return keys;
        }
        WF_ASSIGN(const auto there, read_values(keys));
        std::vector<KeyValues> left;
        std::size_t mended = 0;
        std::size_t healed = 0;
        std::vector<const SourceRow *> inserts;
        for (const KeyValues &key : keys) {
            const auto source = there.find(key);
            const auto before = there_before.find(key);
            const auto now = here.find(key);
            const auto then = here_before.find(key);
            const bool at_source = source != there.end();
            const bool at_rest =
                at_source ? before != there_before.end() && before->second.version == source->second.version
                          : before == there_before.end() &&
                                (now == here.end() || (then != here_before.end() && then->second == now->second));
            if (!at_rest) {
                left.push_back(key);
                continue;
            }
            if (at_source ? now != here.end() && now->second.hashes == before->second.hashes : now == here.end()) {
                ++healed;
                continue;
            }
            if (now != here.end()) WF_TRY(delete_row(now->second.version));
            if (at_source) inserts.push_back(&source->second);
            ++mended;
        }
        for (const SourceRow *row : inserts) WF_TRY(insert_row(*row));
        WF_TRY(destination_.exec("COMMIT"));
        out_.mended += mended;
        out_.healed += healed;
        return left;
    }

    Result<RowLooks> look_here(const std::vector<KeyValues> &keys) {
        return read_looks(destination_, shape_.destination, keys, same_encoding_);
    }

    Result<std::map<KeyValues, SourceRow>> read_values(const std::vector<KeyValues> &keys) {
        std::string sql = "SELECT ";
        for (const KeyColumn &column : shape_.source.key) sql += column.name + ", ";
        sql += "pg_catalog.concat(t.xmin, ' ', t.ctid)";
        for (const std::size_t place : stored_columns()) sql += ", " + shape_.source.outputs[place];
        sql += " FROM " + keys_join(shape_.source);
        WF_ASSIGN(const pq::Rows rows, source_.exec(sql, key_params(shape_.source, keys)));
        const int key_columns = static_cast<int>(shape_.source.key.size());
        std::map<KeyValues, SourceRow> out;
        for (int row = 0; row < rows.count(); ++row) {
            KeyValues key;
            for (int column = 0; column < key_columns; ++column) key.push_back(rows.text(row, column));
            SourceRow &found = out[std::move(key)];
            found.version = rows.text(row, key_columns);
            for (int column = key_columns + 1; column < rows.columns(); ++column) {
                found.values.push_back(rows.null(row, column) ? pq::Param{} : pq::Param{rows.text(row, column)});
            }
        }
        return out;
    }

    // That both sides hold.
    std::vector<std::size_t> stored_columns() const {
        std::vector<std::size_t> out;
        for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
            if (!shape_.source.outputs[i].empty() && !shape_.destination.outputs[i].empty()) out.push_back(i);
        }
        return out;
    }

    Result<void> delete_row(const std::string &version) {
        const auto space = version.find(' ');
        WF_ASSIGN(const pq::Rows done,
                  destination_.exec("DELETE FROM ONLY " + shape_.destination.name +
                                        " AS t WHERE t.ctid = $1::pg_catalog.tid AND t.xmin = $2::pg_catalog.xid",
                                    {version.substr(space + 1), version.substr(0, space)}));
        if (done.affected() == std::uint64_t{1}) return {};
        return fail(ErrorKind::conflict, "somebody else has written the row at the destination");
    }

    Result<void> insert_row(const SourceRow &row) {
        std::string columns;
        std::string values;
        int number = 0;
        for (const std::size_t place : stored_columns()) {
            columns += (number > 0 ? ", " : "") + destination_.quote_identifier(shape_.destination_columns[place]);
            values += fmt::format("{}${}", number > 0 ? ", " : "", number + 1);
            ++number;
        }
        WF_TRY(destination_.exec("INSERT INTO " + shape_.destination.name + " (" + columns +
                                     ") OVERRIDING SYSTEM VALUE VALUES (" + values + ")",
                                 row.values));
        return {};
    }

    Error not_running() const {
        return {
            ErrorKind::state,
            Side::none,
            {},
            fmt::format("task \"{}\" is not running", task_.name),
            "Rows are mended at a position of its stream, which has to reach what the source shows.",
            "Start it: walferry run FILE. If it stops at a change that can't be applied: walferry table recopy FILE "
            "TABLE, then start it.",
            {}};
    }

    const Task &task_;
    pq::Connection source_;
    pq::Connection destination_;
    StreamPosition position_;
    const TableShape shape_;
    const bool same_encoding_;
    RowRepair out_;
};

}  // namespace

Result<RowRepair> repair_rows(const Task &task, const TableComparison &table, const StopFlag &stop) {
    WF_ASSIGN(auto source, open_for_verify(task, Side::source, stop));
    // As the applier writes: triggers and foreign keys don't fire a second time.
    WF_ASSIGN(auto destination, pq::Connection::open(apply_connection(task, "repair", "UTF8", &stop)));
    WF_ASSIGN(const pq::Rows here, source.exec("SHOW server_encoding"));
    WF_ASSIGN(const pq::Rows there, destination.exec("SHOW server_encoding"));
    const bool same_encoding = here.view(0, 0) == there.view(0, 0);
    WF_ASSIGN(std::vector<Table> tables, selected_tables(source, task));
    std::erase_if(tables, [&](const Table &other) { return other.schema != table.schema || other.name != table.name; });
    WF_ASSIGN(auto shapes, read_shapes(source, destination, task.names, tables));
    std::vector<std::string> key;
    if (!shapes.empty()) {
        for (const std::size_t place : shapes[0].key) key.push_back(shapes[0].columns[place]);
    }
    if (shapes.empty() || !shapes[0].problem.empty() || key != table.key) {
        return fail(ErrorKind::state, table.table + " is not what it was when it was compared", "Begin again.");
    }
    std::vector<KeyValues> keys;
    // Those go first that may be in the way of others.
    for (const bool extra : {true, false}) {
        for (const RowDifference &row : table.rows) {
            if ((row.fault == RowFault::extra) == extra) keys.push_back(row.key);
        }
    }
    return Repair(task, stop, std::move(source), std::move(destination), std::move(shapes[0]), same_encoding)
        .run(std::move(keys));
}

}  // namespace walferry
