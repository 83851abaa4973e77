// SPDX-License-Identifier: PostgreSQL
// latency SOURCE DESTINATION RATE SECONDS: how long after a commit at the source its row is visible at the destination.
//
// One thread inserts into probe at the source, RATE rows a second, and notes when each commit has returned. The other
// asks the destination for the newest row again and again, and notes when it first sees each. Both are in this
// process, so one clock serves both. Prints: rows, then the 50th, 90th and 99th percentile and the maximum in ms.
// The rows of the first two seconds warm up and don't count.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using ConnectionPtr = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

// A poll costs the destination some 50 us: more often, and polling would be the load.
constexpr std::chrono::microseconds poll_pause{100};
constexpr std::chrono::seconds arrival_time_max{60};
constexpr std::size_t warm_up_seconds = 2;

[[noreturn]] void give_up(const std::string &why) {
    std::fprintf(stderr, "latency: %s\n", why.c_str());
    std::exit(1);
}

ConnectionPtr connect(const char *conninfo) {
    ConnectionPtr connection(PQconnectdb(conninfo), &PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK) give_up(PQerrorMessage(connection.get()));
    return connection;
}

void prepare(PGconn *connection, const char *sql) {
    const ResultPtr result(PQprepare(connection, "", sql, 0, nullptr), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) give_up(PQerrorMessage(connection));
}

void insert_row(PGconn *source, std::size_t id) {
    const std::string text = std::to_string(id);
    const char *const value = text.c_str();
    const ResultPtr result(PQexecPrepared(source, "", 1, &value, nullptr, nullptr, 0), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) give_up(PQerrorMessage(source));
}

std::size_t newest_row(PGconn *destination) {
    const ResultPtr result(PQexecPrepared(destination, "", 0, nullptr, nullptr, nullptr, 0), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) give_up(PQerrorMessage(destination));
    return std::strtoull(PQgetvalue(result.get(), 0, 0), nullptr, 10);
}

// When each row's commit returned; row 1 is the first.
std::vector<Clock::time_point> write_rows(const char *conninfo, std::size_t rows, Clock::duration interval) {
    const ConnectionPtr source = connect(conninfo);
    prepare(source.get(), "INSERT INTO probe VALUES ($1, 'some text of usual length')");
    std::vector<Clock::time_point> committed;
    committed.reserve(rows);
    Clock::time_point next = Clock::now();
    while (committed.size() < rows) {
        std::this_thread::sleep_until(next);
        insert_row(source.get(), committed.size() + 1);
        committed.push_back(Clock::now());
        next += interval;
    }
    return committed;
}

// When each row was first seen.
std::vector<Clock::time_point> watch_rows(const char *conninfo, std::size_t rows) {
    const ConnectionPtr destination = connect(conninfo);
    prepare(destination.get(), "SELECT coalesce(max(id), 0) FROM probe");
    std::vector<Clock::time_point> seen;
    seen.reserve(rows);
    Clock::time_point last_arrival = Clock::now();
    while (seen.size() < rows) {
        const std::size_t newest = std::min(newest_row(destination.get()), rows);
        const Clock::time_point now = Clock::now();
        if (newest > seen.size()) {
            seen.resize(newest, now);
            last_arrival = now;
        } else if (now - last_arrival > arrival_time_max) {
            give_up("rows don't arrive");
        }
        std::this_thread::sleep_for(poll_pause);
    }
    return seen;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) give_up("arguments: SOURCE DESTINATION RATE SECONDS");
    const std::size_t rate = std::strtoull(argv[3], nullptr, 10);
    const std::size_t seconds = std::strtoull(argv[4], nullptr, 10);
    if (rate == 0 || seconds == 0) give_up("RATE and SECONDS are numbers from 1 on");
    const std::size_t rows = rate * (warm_up_seconds + seconds);

    std::vector<Clock::time_point> committed;
    std::jthread writer(
        [&] { committed = write_rows(argv[1], rows, Clock::duration(std::chrono::seconds(1)) / rate); });
    const std::vector<Clock::time_point> seen = watch_rows(argv[2], rows);
    writer.join();

    std::vector<double> latencies;
    for (std::size_t i = rate * warm_up_seconds; i < rows; ++i) {
        latencies.push_back(std::chrono::duration<double, std::milli>(seen[i] - committed[i]).count());
    }
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&](std::size_t percent) { return latencies[(latencies.size() - 1) * percent / 100]; };
    std::printf("%zu %.3f %.3f %.3f %.3f\n", latencies.size(), percentile(50), percentile(90), percentile(99),
                latencies.back());
}
