// libpq's pipeline mode: many statements sent, their answers read later, in order.
//
// After an error the server skips everything up to the next sync: see recover().
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry::pq {

// Parameters of a prepared statement; null data is NULL. Bytes of a binary one must live until the statement is sent.
struct RawParams {
    std::vector<const char *> values;
    std::vector<int> lengths;
    std::vector<int> formats;  // 0 text, 1 binary

    void clear() {
        values.clear();
        lengths.clear();
        formats.clear();
        texts_.clear();
    }
    void add(const char *value, int length, bool binary) {
        if (value != nullptr && !binary) {  // libpq looks for a text's end itself
            value = texts_.emplace_back(value, static_cast<std::size_t>(length)).c_str();
        }
        values.push_back(value);
        lengths.push_back(length);
        formats.push_back(binary ? 1 : 0);
    }
    void add_text(std::string_view text) { add(text.data(), static_cast<int>(text.size()), false); }

private:
    std::deque<std::string> texts_;  // never moved
};

// Sending never waits for the server for longer than the connection's waits do: interruptibly.
//
// Thread: as the connection's. The connection must outlive it.
class Pipeline {
public:
    explicit Pipeline(Connection &connection) : connection_(connection) {}

    Result<void> enter();
    // For what can't be done in it. Requires: a sync was sent last, and every answer is read.
    Result<void> leave();
    bool entered() const { return PQpipelineStatus(connection_.raw()) != PQ_PIPELINE_OFF; }

    // Each of these owes one answer.
    Result<void> send(const std::string &sql, std::span<const Param> params = {});
    Result<void> prepare(const std::string &name, const std::string &sql, const std::vector<Oid> &types);
    Result<void> send_prepared(const std::string &name, const RawParams &params);
    Result<void> sync();

    // Have the server send the answers to everything so far, without a sync.
    Result<void> flush();

    // After an error: pass over the answers that are still owed, so that statements are heeded again.
    Result<void> recover();

    // The next answer; waits. Requires: one is owed, and after the last send there was a flush or a sync.
    Result<Rows> read();

private:
    Result<void> sent(int ok);

    Connection &connection_;
    std::size_t unflushed_ = 0;  // bytes of parameters since the last flush
    std::size_t syncs_ = 0;      // that are not answered
};

}  // namespace walferry::pq
