// SPDX-License-Identifier: PostgreSQL
#include "pq/connection.h"

#include <poll.h>

#include <cerrno>
#include <chrono>

#include "pq/conninfo.h"
#include "pq/error.h"
#include "pq/origin.h"

namespace walferry::pq {

namespace {

constexpr int probe_step_ms = 100;
// COPY's data is sent in messages of about so many bytes: one of each row would cost both sides more than the row.
constexpr std::size_t copy_message_bytes = std::size_t{64} * 1024;

struct Keywords {
    explicit Keywords(const Conninfo &info) {
        for (const auto &[name, value] : info.parameters()) {
            names.push_back(name.c_str());
            values.push_back(value.c_str());
        }
        names.push_back(nullptr);
        values.push_back(nullptr);
    }
    std::vector<const char *> names;
    std::vector<const char *> values;
};

// libpq keeps no SQLSTATE of a refused connection, but prints it when asked to be verbose, and that can be asked only
// of a connection that is being made step by step. So a connection that failed is tried once more in that way, to learn
// whether the reason may pass ("starting up", "too many clients") or not ("password authentication failed").
std::string refusal_sqlstate(const Keywords &keywords) {
    std::unique_ptr<PGconn, void (*)(PGconn *)> probe(
        PQconnectStartParams(keywords.names.data(), keywords.values.data(), 0), &PQfinish);
    if (!probe) return {};
    PQsetErrorVerbosity(probe.get(), PQERRORS_VERBOSE);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED &&
           std::chrono::steady_clock::now() < deadline) {
        pollfd socket{PQsocket(probe.get()), static_cast<short>(status == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
        if (socket.fd < 0) break;
        poll(&socket, 1, probe_step_ms);
        if (socket.revents != 0) status = PQconnectPoll(probe.get());
    }
    const std::string message = PQerrorMessage(probe.get());
    static constexpr std::string_view fatal = "FATAL:  ";
    const auto at = message.find(fatal);
    if (at == std::string::npos || message.size() < at + fatal.size() + 6) return {};
    const std::string code = message.substr(at + fatal.size(), 5);
    return message[at + fatal.size() + 5] == ':' ? code : std::string{};
}

Error connect_error(const ConnectOptions &options, PGconn *connection, const Keywords &keywords) {
    Error error = connection_lost(options.side, connection);
    error.sqlstate = refusal_sqlstate(keywords);
    if (error.sqlstate.empty()) {
        error.sqlstate = "08001";
        error.hint = "Check host, port and TLS settings, and that the server runs and listens there.";
        return error;
    }
    error.kind = kind_of(error.sqlstate);
    if (error.sqlstate.starts_with("28")) {
        error.hint = "Check user and password (PGPASSFILE, service file or conninfo) and the server's pg_hba.conf" +
                     std::string(options.replication ? "; the account also needs the REPLICATION attribute." : ".");
    }
    return error;
}

}  // namespace

Result<Connection> Connection::open(const ConnectOptions &options) {
    WF_ASSIGN(Conninfo info, Conninfo::parse(options.conninfo, std::string(to_string(options.side)) + ".conninfo"));
    info.set_default("connect_timeout", "10");
    info.set_default("keepalives_idle", "10");
    info.set_default("keepalives_interval", "10");
    info.set_default("keepalives_count", "6");
    info.set_default("tcp_user_timeout", "60000");
    info.set("application_name", options.application_name);
    if (options.replication) info.set("replication", "database");

    const Keywords keywords(info);
    Connection connection(PQconnectdbParams(keywords.names.data(), keywords.values.data(), 0), options.side,
                          options.stop);
    if (PQstatus(connection.raw()) != CONNECTION_OK) {
        return fail(connect_error(options, connection.raw(), keywords));
    }
    // Notices are for people at psql; what matters arrives as an error or is asked for.
    PQsetNoticeProcessor(
        connection.raw(), [](void *, const char *) {}, nullptr);

    std::string sets;
    for (const auto &[name, value] : options.settings) {
        sets += "SET " + name + " = " + connection.quote_literal(value) + ";";
    }
    if (!sets.empty()) WF_TRY(connection.exec(sets));
    if (!options.origin.empty()) WF_TRY(take_origin(connection, options.origin));
    return connection;
}

Result<void> Connection::cancel_if_stopped() {
    if (stop_ == nullptr || cancelled_ || !stop_->requested()) return {};
    cancelled_ = true;
    std::unique_ptr<PGcancel, void (*)(PGcancel *)> cancel(PQgetCancel(raw()), &PQfreeCancel);
    char message[256];
    if (cancel) PQcancel(cancel.get(), message, sizeof message);
    return fail(ErrorKind::interrupted, "stopped by request");
}

// Wait for one of the events (POLLIN, POLLOUT); the ones that came, 0 on a time-out.
Result<short> Connection::wait_socket(short events, int timeout_ms) {
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (true) {
        WF_TRY(cancel_if_stopped());
        int wait_ms = -1;
        if (timeout_ms >= 0) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
            wait_ms = static_cast<int>(std::clamp<long>(left.count(), 0, timeout_ms));
        }
        // After the cancellation the rest is waited for: poll passes over a negative descriptor.
        const int stop_fd = stop_ != nullptr && !cancelled_ ? stop_->fd() : -1;
        pollfd events_of[] = {{PQsocket(raw()), events, 0}, {stop_fd, POLLIN, 0}};
        if (poll(events_of, 2, wait_ms) < 0 && errno != EINTR) return fail(connection_lost(side_, raw()));
        if (events_of[0].revents != 0) return events_of[0].revents;
        if (timeout_ms >= 0 && steady_clock::now() >= deadline) return short{0};
    }
}

Result<bool> Connection::wait_readable(int timeout_ms) {
    WF_ASSIGN(const short events, wait_socket(POLLIN, timeout_ms));
    return events != 0;
}

Result<void> Connection::set_nonblocking(bool nonblocking) {
    if (PQsetnonblocking(raw(), nonblocking ? 1 : 0) != 0) return fail(connection_lost(side_, raw()));
    return {};
}

Result<void> Connection::flush() {
    while (true) {
        const int left = PQflush(raw());
        if (left == 0) return {};
        if (left < 0) return fail(connection_lost(side_, raw()));
        WF_ASSIGN(const short events, wait_socket(POLLIN | POLLOUT, -1));
        if ((events & POLLIN) != 0 && PQconsumeInput(raw()) == 0) return fail(connection_lost(side_, raw()));
    }
}

Result<PGresult *> Connection::next_result() {
    while (PQisBusy(raw()) != 0) {
        WF_TRY(wait_readable(-1));
        if (PQconsumeInput(raw()) == 0) return fail(connection_lost(side_, raw()));
    }
    return PQgetResult(raw());
}

Result<Rows> Connection::last_result() {
    Rows last;
    std::optional<Error> error;
    while (true) {
        WF_ASSIGN(PGresult * result, next_result());
        if (result == nullptr) break;
        Rows rows(result);
        switch (PQresultStatus(result)) {
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK:
            case PGRES_EMPTY_QUERY:
                last = std::move(rows);
                break;
            case PGRES_COPY_IN:
            case PGRES_COPY_OUT:
            case PGRES_COPY_BOTH:
                return rows;
            default:
                if (!error) error = error_of(side_, raw(), result);
        }
        if (PQstatus(raw()) == CONNECTION_BAD) break;
    }
    if (error) return fail(std::move(*error));
    if (PQstatus(raw()) == CONNECTION_BAD) return fail(connection_lost(side_, raw()));
    return last;
}

Result<Rows> Connection::exec(const std::string &sql) {
    if (PQsendQuery(raw(), sql.c_str()) == 0) return fail(connection_lost(side_, raw()));
    return last_result();
}

Result<Rows> Connection::exec(const std::string &sql, std::span<const Param> params) {
    std::vector<const char *> values;
    values.reserve(params.size());
    for (const auto &param : params) values.push_back(param ? param->c_str() : nullptr);
    if (PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr,
                          0) == 0) {
        return fail(connection_lost(side_, raw()));
    }
    return last_result();
}

Result<Rows> Connection::exec_binary(const std::string &sql, std::span<const std::string_view> params) {
    std::vector<const char *> values;
    std::vector<int> lengths;
    for (const auto param : params) {
        values.push_back(param.data());
        lengths.push_back(static_cast<int>(param.size()));
    }
    const std::vector<int> formats(params.size(), 1);
    if (PQsendQueryParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), lengths.data(),
                          formats.data(), 0) == 0) {
        return fail(connection_lost(side_, raw()));
    }
    return last_result();
}

Result<void> Connection::start_copy_out(const std::string &sql) {
    WF_ASSIGN(const Rows rows, exec(sql));
    if (PQresultStatus(rows.raw()) != PGRES_COPY_OUT) return fail(ErrorKind::bug, "not a COPY TO STDOUT: " + sql);
    return {};
}

Result<std::optional<CopyData>> Connection::copy_row() {
    while (true) {
        char *data = nullptr;
        const int size = PQgetCopyData(raw(), &data, 1);
        if (size > 0) {
            return CopyData{std::unique_ptr<char, FreeCopyData>(data), static_cast<std::size_t>(size)};
        }
        if (size == -1) {
            WF_TRY(last_result());
            return std::nullopt;
        }
        if (size == -2) return fail(connection_lost(side_, raw()));
        WF_TRY(wait_readable(-1));
        if (PQconsumeInput(raw()) == 0) return fail(connection_lost(side_, raw()));
    }
}

Result<void> Connection::start_copy_in(const std::string &sql) {
    WF_ASSIGN(const Rows rows, exec(sql));
    if (PQresultStatus(rows.raw()) != PGRES_COPY_IN) return fail(ErrorKind::bug, "not a COPY FROM STDIN: " + sql);
    copy_data_.clear();
    return set_nonblocking(true);
}

Result<void> Connection::put_copy(std::string_view bytes) {
    if (copy_data_.empty() && bytes.size() >= copy_message_bytes) return send_copy(bytes);
    copy_data_ += bytes;
    return copy_data_.size() < copy_message_bytes ? Result<void>{} : send_gathered_copy();
}

Result<void> Connection::send_gathered_copy() {
    auto sent = send_copy(copy_data_);
    copy_data_.clear();
    return sent;
}

Result<void> Connection::send_copy(std::string_view bytes) {
    if (PQputCopyData(raw(), bytes.data(), static_cast<int>(bytes.size())) == 1) return flush();
    // The server has refused something: its own words tell more than the broken pipe.
    copy_data_.clear();
    WF_TRY(finish_copy_in());
    return fail(connection_lost(side_, raw()));
}

Result<std::uint64_t> Connection::finish_copy_in() {
    if (!copy_data_.empty()) WF_TRY(send_gathered_copy());
    if (PQputCopyEnd(raw(), nullptr) != 1) return fail(connection_lost(side_, raw()));
    WF_TRY(flush());
    WF_TRY(set_nonblocking(false));
    WF_ASSIGN(const Rows rows, last_result());
    return rows.affected().value_or(0);
}

std::string Connection::quote_identifier(std::string_view name) const {
    const std::unique_ptr<char, decltype(&PQfreemem)> quoted(PQescapeIdentifier(raw(), name.data(), name.size()),
                                                             &PQfreemem);
    return quoted ? quoted.get() : std::string{};
}

std::string Connection::quote_literal(std::string_view text) const {
    const std::unique_ptr<char, decltype(&PQfreemem)> quoted(PQescapeLiteral(raw(), text.data(), text.size()),
                                                             &PQfreemem);
    return quoted ? quoted.get() : std::string{};
}

}  // namespace walferry::pq
