// SPDX-License-Identifier: PostgreSQL
// forms CONNINFO: what it costs the destination to take many changes of one table, by the form in which they come.
//
// A table of a million rows; 65,536 changes of random rows, sorted by key, in batches of a size, in one transaction that is
// rolled back. Prints microseconds of a change for each kind, form and size: the median of five runs, the forms in turns.
//
//   pipelined  a prepared statement for each change, in pipeline mode
//   rows       one statement for a batch, joined to an array of the table's row type
//   columns    the same with an array for each column
//   staging    COPY into a temporary table, one statement joined to that, TRUNCATE
//   copy       COPY into the table itself (inserts alone)
//
// applier/src/apply/session.cpp has the sizes that follow from it.
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int table_rows = 1'000'000;
constexpr std::size_t changes = 65'536;
constexpr int runs = 5;
constexpr Oid int8_type = 20, int4_type = 23, text_type = 25;

struct Row {
    std::int64_t id;
    std::int32_t value;
    std::string note;
};
using Batch = std::span<const Row>;

template <class T>
void append(std::string &out, T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
}
void append_field(std::string &out, std::string_view bytes) {
    append(out, static_cast<std::int32_t>(bytes.size()));
    out += bytes;
}
template <class T>
std::string bytes_of(T value) {
    std::string out;
    append(out, value);
    return out;
}

class Server {
public:
    explicit Server(const char *conninfo) : connection_(PQconnectdb(conninfo)) {
        if (PQstatus(connection_) != CONNECTION_OK) die();
    }
    ~Server() { PQfinish(connection_); }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    std::string exec(const std::string &sql) {
        PGresult *result = PQexec(connection_, sql.c_str());
        return take(result);
    }
    void prepare(const char *name, const std::string &sql, const std::vector<Oid> &types) {
        take(PQprepare(connection_, name, sql.c_str(), static_cast<int>(types.size()), types.data()));
    }
    void send(const char *name, const std::vector<std::string> &params) {
        collect(params);
        if (PQsendQueryPrepared(connection_, name, static_cast<int>(params.size()), values_.data(), lengths_.data(),
                                formats_.data(), 0) != 1)
            die();
    }
    void run(const char *name, const std::vector<std::string> &params) {
        send(name, params);
        while (PGresult *result = PQgetResult(connection_)) take(result);
    }
    void pipeline(const char *name, std::span<const std::vector<std::string>> calls) {
        if (PQenterPipelineMode(connection_) != 1) die();
        for (const auto &call : calls) send(name, call);
        if (PQpipelineSync(connection_) != 1) die();
        for (std::size_t answers = 0; answers <= calls.size();) {
            PGresult *result = PQgetResult(connection_);
            if (result == nullptr) continue;
            take(result);
            ++answers;
        }
        if (PQexitPipelineMode(connection_) != 1) die();
    }
    void copy(const std::string &sql, const std::string &data) {
        take(PQexec(connection_, sql.c_str()));
        if (PQputCopyData(connection_, data.data(), static_cast<int>(data.size())) != 1) die();
        if (PQputCopyEnd(connection_, nullptr) != 1) die();
        while (PGresult *result = PQgetResult(connection_)) take(result);
    }

private:
    [[noreturn]] void die() {
        std::fprintf(stderr, "forms: %s", PQerrorMessage(connection_));
        std::exit(1);
    }
    std::string take(PGresult *result) {
        switch (PQresultStatus(result)) {
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK:
            case PGRES_COPY_IN:
            case PGRES_PIPELINE_SYNC:
                break;
            default:
                die();
        }
        std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
        PQclear(result);
        return value;
    }
    void collect(const std::vector<std::string> &params) {
        values_.clear();
        lengths_.clear();
        for (const auto &param : params) {
            values_.push_back(param.data());
            lengths_.push_back(static_cast<int>(param.size()));
        }
        formats_.assign(params.size(), 1);
    }

    PGconn *connection_;
    std::vector<const char *> values_;
    std::vector<int> lengths_, formats_;
};

std::string array_header(Oid type, std::size_t count) {
    std::string out;
    append(out, std::int32_t{1});
    append(out, std::int32_t{0});
    append(out, type);
    append(out, static_cast<std::int32_t>(count));
    append(out, std::int32_t{1});
    return out;
}

std::string rows_array(Batch batch, Oid row_type) {
    std::string out = array_header(row_type, batch.size());
    for (const Row &row : batch) {
        std::string record;
        append(record, std::int32_t{3});
        append(record, int8_type);
        append_field(record, bytes_of(row.id));
        append(record, int4_type);
        append_field(record, bytes_of(row.value));
        append(record, text_type);
        append_field(record, row.note);
        append_field(out, record);
    }
    return out;
}

std::vector<std::string> column_arrays(Batch batch) {
    std::vector<std::string> out = {array_header(int8_type, batch.size()), array_header(int4_type, batch.size()),
                                    array_header(text_type, batch.size())};
    for (const Row &row : batch) {
        append_field(out[0], bytes_of(row.id));
        append_field(out[1], bytes_of(row.value));
        append_field(out[2], row.note);
    }
    return out;
}

std::string copy_data(Batch batch) {
    std::string out("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (const Row &row : batch) {
        append(out, std::int16_t{3});
        append_field(out, bytes_of(row.id));
        append_field(out, bytes_of(row.value));
        append_field(out, row.note);
    }
    append(out, std::int16_t{-1});
    return out;
}

class Forms {
public:
    explicit Forms(const char *conninfo) : server_(conninfo) {
        server_.exec(
            "SET synchronous_commit = off; SET client_min_messages = warning; SET plan_cache_mode = force_generic_plan;"
            "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off");
        server_.exec("DROP TABLE IF EXISTS item");
        server_.exec("CREATE TABLE item (id bigint PRIMARY KEY, value int, note text)");
        server_.exec("INSERT INTO item SELECT n * 2, 0, 'note ' || n FROM generate_series(1, " +
                     std::to_string(table_rows) + ") n");
        server_.exec("VACUUM ANALYZE item");
        server_.exec("CREATE TEMPORARY TABLE staging (id bigint, value int, note text)");
        row_type_ = static_cast<Oid>(std::stoul(server_.exec("SELECT 'item'::regtype::oid::bigint")));
        const auto row_array = static_cast<Oid>(std::stoul(server_.exec("SELECT 'item[]'::regtype::oid::bigint")));
        const std::vector<Oid> scalars = {int8_type, int4_type, text_type};
        const std::vector<Oid> arrays = {1016, 1007, 1009};
        const std::map<std::string, std::array<std::string, 2>> kinds = {
            {"insert", {"INSERT INTO item VALUES ($1, $2, $3)", "INSERT INTO item SELECT n.id, n.value, n.note FROM "}},
            {"update",
             {"UPDATE item SET value = $2, note = $3 WHERE id = $1",
              "UPDATE item t SET value = n.value, note = n.note FROM "}},
            {"delete", {"DELETE FROM item WHERE id = $1 AND ($2 + 1, $3) IS NOT NULL", "DELETE FROM item t USING "}}};
        for (const auto &[kind, sql] : kinds) {
            const std::string condition = kind == "insert" ? "" : " WHERE t.id = n.id";
            server_.prepare((kind + " pipelined").c_str(), sql[0], scalars);
            server_.prepare((kind + " rows").c_str(), sql[1] + "unnest($1) n" + condition, {row_array});
            server_.prepare((kind + " columns").c_str(), sql[1] + "unnest($1, $2, $3) n(id, value, note)" + condition,
                            arrays);
            server_.prepare((kind + " staging").c_str(), sql[1] + "staging n" + condition, {});
        }
    }

    void measure(const std::string &kind, std::size_t size) {
        static const std::vector<std::string> forms = {"pipelined", "rows", "columns", "staging", "copy"};
        std::map<std::string, std::vector<double>> results;
        for (int run = 0; run < runs; ++run) {
            for (std::size_t i = 0; i < forms.size(); ++i) {
                const std::string &form = forms[(i + static_cast<std::size_t>(run)) % forms.size()];
                if (form == "copy" && kind != "insert") continue;
                results[form].push_back(once(kind, form, size));
            }
        }
        for (const auto &form : forms) {
            auto &times = results[form];
            if (times.empty()) continue;
            std::sort(times.begin(), times.end());
            std::printf("%s\t%zu\t%s\t%.2f\n", kind.c_str(), size, form.c_str(), times[times.size() / 2]);
            std::fflush(stdout);
        }
    }

private:
    double once(const std::string &kind, const std::string &form, std::size_t size) {
        const auto rows = random_rows(kind == "insert");
        server_.exec("VACUUM item");
        server_.exec("BEGIN");
        const auto began = std::chrono::steady_clock::now();
        for (std::size_t at = 0; at < rows.size(); at += size) {
            apply(kind, form, Batch(rows).subspan(at, std::min(size, rows.size() - at)));
        }
        const auto time = std::chrono::steady_clock::now() - began;
        server_.exec("ROLLBACK");
        return std::chrono::duration<double, std::micro>(time).count() / static_cast<double>(rows.size());
    }

    void apply(const std::string &kind, const std::string &form, Batch batch) {
        const std::string name = kind + " " + form;
        if (form == "pipelined") {
            std::vector<std::vector<std::string>> calls;
            for (const Row &row : batch) calls.push_back({bytes_of(row.id), bytes_of(row.value), row.note});
            server_.pipeline(name.c_str(), calls);
        } else if (form == "rows") {
            server_.run(name.c_str(), {rows_array(batch, row_type_)});
        } else if (form == "columns") {
            server_.run(name.c_str(), column_arrays(batch));
        } else if (form == "copy") {
            server_.copy("COPY item FROM STDIN (FORMAT binary)", copy_data(batch));
        } else {
            server_.copy("COPY staging FROM STDIN (FORMAT binary)", copy_data(batch));
            server_.run(name.c_str(), {});
            server_.exec("TRUNCATE staging");
        }
    }

    // Existing rows have even ids, new ones odd ones.
    std::vector<Row> random_rows(bool are_new) {
        std::vector<std::int64_t> ids(table_rows);
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i + 1) * 2 + (are_new ? 1 : 0);
        std::shuffle(ids.begin(), ids.end(), random_);
        ids.resize(changes);
        std::sort(ids.begin(), ids.end());
        std::vector<Row> rows;
        for (const auto id : ids) rows.push_back({id, static_cast<std::int32_t>(id % 1000), "another note"});
        return rows;
    }

    Server server_;
    Oid row_type_ = 0;
    std::mt19937_64 random_{1};
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fputs("usage: forms CONNINFO\n", stderr);
        return 2;
    }
    Forms forms(argv[1]);
    for (const char *kind : {"insert", "update", "delete"}) {
        for (const std::size_t size :
             {std::size_t{5}, std::size_t{20}, std::size_t{100}, std::size_t{1000}, std::size_t{10'000}, changes}) {
            forms.measure(kind, size);
        }
    }
    return 0;
}
