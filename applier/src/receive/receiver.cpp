// SPDX-License-Identifier: PostgreSQL
#include "receive/receiver.h"

#include <thread>

#include "base/bytes.h"
#include "base/server_time.h"
#include "config/table_settings.h"
#include "pq/error.h"
#include "wire.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds feedback_interval{1000};
constexpr milliseconds back_pressure_pause{1};
// How long frames may stay away before the plugin is asked for what it holds; a change waits no longer than this and the
// heartbeat's way through the WAL.
constexpr milliseconds held_max{10};
// How soon it is seen that all that has arrived is applied, after a keepalive has said that there is no more.
constexpr milliseconds settle_interval{1};
constexpr milliseconds idle_wait{100};

// Bytes before the payload of an XLogData message: 'w', start, end, time (PostgreSQL, "Streaming Replication Protocol").
constexpr std::size_t xlog_data_header = 1 + 8 + 8 + 8;

}  // namespace

Result<void> Receiver::start() {
    const auto literal = [&](std::string_view text) { return connection_.quote_literal(text); };
    const auto option = [&](const char *name, const std::string &value) {
        return std::string(", '") + name + "', " + literal(value);
    };
    const std::string sql =
        "CALL walferry.stream(" + literal(start_.slot) + ", " + literal(start_.lsn.text()) +
        option("protocol", std::to_string(WF_PROTOCOL_VERSION)) + option("include", start_.include) +
        option("exclude", start_.exclude) + (start_.tables == no_tables ? "" : option("tables", start_.tables)) +
        (start_.settled.empty() ? "" : option("settled", start_.settled)) +
        (start_.local ? option("origin", "local") : "") + option("streaming", start_.streaming ? "on" : "off") + ")";
    auto started = connection_.exec(sql);
    if (!started) {
        return fail(std::move(started).error().with_context("starting replication from slot \"" + start_.slot + "\""));
    }
    return {};
}

Result<void> Receiver::run(const StopFlag &stop) {
    WF_TRY(start());
    while (!stop.requested()) {
        settle(stop);
        WF_TRY(send_feedback_if_due());
        WF_TRY(send_heartbeat_if_due());
        if (!budget_.has_room()) {
            std::this_thread::sleep_for(back_pressure_pause);
            continue;
        }
        char *data = nullptr;
        const int size = PQgetCopyData(connection_.raw(), &data, 1);
        if (size > 0) {
            WF_TRY(handle({std::unique_ptr<char, pq::FreeCopyData>(data), static_cast<std::size_t>(size)}, stop));
        } else if (size == 0) {
            WF_TRY(connection_.wait_readable(static_cast<int>(idle_time().count())));
            if (PQconsumeInput(connection_.raw()) == 0) {
                return fail(pq::connection_lost(Side::source, connection_.raw()));
            }
        } else {
            // The walsender has ended the stream; why, stands in what it sent last.
            WF_ASSIGN(PGresult * result, connection_.next_result());
            const pq::Rows rows(result);
            if (result != nullptr && PQresultStatus(result) == PGRES_FATAL_ERROR) {
                return fail(pq::error_of(Side::source, connection_.raw(), result));
            }
            return fail(pq::connection_lost(Side::source, connection_.raw()));
        }
    }
    return {};
}

milliseconds Receiver::idle_time() const {
    if (may_be_held_) return nudged_ ? idle_wait : held_max;
    return keepalive_lsn_ > positions_.applied_lsn.get() ? settle_interval : idle_wait;
}

Result<void> Receiver::handle(pq::CopyData message, const StopFlag &stop) {
    const auto view = message.view();
    if (view.front() == 'k') return handle_keepalive(view.substr(1));
    if (view.front() != 'w' || view.size() < xlog_data_header) {
        return fail(ErrorKind::protocol, "the source sent a replication message of an unknown type");
    }
    ByteReader header(view.substr(1, xlog_data_header - 1));
    const Lsn start{header.read<std::uint64_t>()};
    (void)header.read<std::uint64_t>();
    note_source_time(header.read<std::int64_t>());
    positions_.received_lsn.raise(start);
    auto frame = std::make_unique<Frame>(std::move(message), xlog_data_header, budget_);
    positions_.source_lsn.raise(frame->wal_end());
    last_frame_ = steady_clock::now();
    may_be_held_ = !frame->closing();
    nudged_ = false;
    return push(std::move(frame), stop);
}

Result<void> Receiver::push(std::unique_ptr<Frame> frame, const StopFlag &stop) {
    while (!frames_.try_push(frame)) {
        if (stop.requested()) return {};
        WF_TRY(send_feedback_if_due());
        std::this_thread::sleep_for(back_pressure_pause);
    }
    return {};
}

Result<void> Receiver::handle_keepalive(std::string_view body) {
    ByteReader reader(body);
    const Lsn sent_lsn{reader.read<std::uint64_t>()};
    const auto time = reader.read<std::int64_t>();
    const bool reply_requested = reader.read<std::uint8_t>() != 0;
    if (reader.failed()) return fail(ErrorKind::protocol, "the source sent a short keepalive");
    note_source_time(time);
    positions_.source_lsn.raise(sent_lsn);
    if (!may_be_held_) positions_.received_lsn.raise(sent_lsn);
    keepalive_lsn_ = sent_lsn;
    return reply_requested ? send_feedback() : Result<void>{};
}

// With nothing held back, all that commits before the keepalive's place has come; with no frame in use it has been
// applied as well. The keepalive is remembered until then: a walsender with nothing to do sends none.
// After a stop frames are given back without having been applied: the flag, looked at behind the budget, tells.
void Receiver::settle(const StopFlag &stop) {
    if (!may_be_held_ && budget_.in_use() == 0 && !stop.requested()) positions_.applied_lsn.raise(keepalive_lsn_);
}

Result<void> Receiver::send_feedback_if_due() {
    const auto since = steady_clock::now() - last_feedback_;
    if (since < feedback_interval && last_flushed_lsn_ == positions_.flushed_lsn.get()) return {};
    return send_feedback();
}

Result<void> Receiver::send_heartbeat_if_due() {
    const auto now = steady_clock::now();
    const auto transactions = positions_.transactions.load(std::memory_order_relaxed);
    const bool busy = transactions != transactions_ || budget_.in_use() > 0;
    if (heartbeat_.due(now, busy, start_.heartbeat_interval)) {
        transactions_ = transactions;
        nudged_ = may_be_held_;
        return send_heartbeat(heartbeat_.send(now));
    }
    if (!may_be_held_ || nudged_ || now - last_frame_ < held_max) return {};
    nudged_ = true;
    return send_heartbeat("fetch");
}

// The first message is the heartbeat; the second makes the statement a transaction, whose commit flushes both. If the
// source refuses it is going down.
Result<void> Receiver::send_heartbeat(const std::string &content) {
    WF_TRY(messages_.exec("SELECT pg_logical_emit_message(false, 'walferry', " + messages_.quote_literal(content) +
                          "), pg_logical_emit_message(true, 'walferry', 'flush')"));
    return {};
}

void Receiver::note_source_time(std::int64_t time) {
    const auto ahead = time - now_since_2000();
    if (ahead > positions_.source_clock_ahead.load(std::memory_order_relaxed)) {
        positions_.source_clock_ahead.store(ahead, std::memory_order_relaxed);
    }
}

Result<void> Receiver::send_feedback() {
    last_feedback_ = steady_clock::now();
    last_flushed_lsn_ = positions_.flushed_lsn.get();
    std::string message = "r";
    append_integer(message, positions_.received_lsn.get().value());
    append_integer(message, last_flushed_lsn_.value());
    append_integer(message, positions_.applied_lsn.get().value());
    append_integer<std::int64_t>(message, now_since_2000());
    message += '\0';  // no reply wanted
    if (PQputCopyData(connection_.raw(), message.data(), static_cast<int>(message.size())) != 1 ||
        PQflush(connection_.raw()) < 0) {
        return fail(pq::connection_lost(Side::source, connection_.raw()));
    }
    return {};
}

void Receiver::finish() {
    if (PQstatus(connection_.raw()) != CONNECTION_OK || !send_feedback()) return;
    if (PQputCopyEnd(connection_.raw(), nullptr) == 1) PQflush(connection_.raw());
}

}  // namespace walferry
