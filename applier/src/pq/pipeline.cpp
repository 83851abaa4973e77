// SPDX-License-Identifier: PostgreSQL
#include "pq/pipeline.h"

#include "pq/error.h"

namespace walferry::pq {

namespace {
// How many bytes of parameters may wait in libpq's buffer.
constexpr std::size_t unflushed_max = 256 * 1024;
}  // namespace

Result<void> Pipeline::sent(int ok) {
    if (ok == 1) return {};
    return fail(connection_lost(connection_.side(), connection_.raw()));
}

Result<void> Pipeline::enter() {
    WF_TRY(connection_.set_nonblocking(true));
    return sent(PQenterPipelineMode(connection_.raw()));
}

Result<void> Pipeline::leave() {
    WF_TRY(sent(PQexitPipelineMode(connection_.raw())));
    return connection_.set_nonblocking(false);
}

Result<void> Pipeline::send(const std::string &sql, std::span<const Param> params) {
    std::vector<const char *> values;
    values.reserve(params.size());
    for (const auto &param : params) values.push_back(param ? param->c_str() : nullptr);
    return sent(PQsendQueryParams(connection_.raw(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                  values.data(), nullptr, nullptr, 0));
}

Result<void> Pipeline::prepare(const std::string &name, const std::string &sql, const std::vector<Oid> &types) {
    return sent(
        PQsendPrepare(connection_.raw(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()));
}

Result<void> Pipeline::send_prepared(const std::string &name, const RawParams &params) {
    WF_TRY(sent(PQsendQueryPrepared(connection_.raw(), name.c_str(), static_cast<int>(params.values.size()),
                                    params.values.data(), params.lengths.data(), params.formats.data(), 0)));
    for (std::size_t i = 0; i < params.values.size(); ++i) {
        if (params.values[i] != nullptr) unflushed_ += static_cast<std::size_t>(params.lengths[i]);
    }
    if (unflushed_ < unflushed_max) return {};
    unflushed_ = 0;
    return connection_.flush();
}

Result<void> Pipeline::sync() {
    WF_TRY(sent(PQpipelineSync(connection_.raw())));
    ++syncs_;
    return connection_.flush();
}

Result<void> Pipeline::flush() {
    WF_TRY(sent(PQsendFlushRequest(connection_.raw())));
    unflushed_ = 0;
    return connection_.flush();
}

Result<void> Pipeline::recover() {
    WF_TRY(sync());
    unflushed_ = 0;
    while (syncs_ > 0) {
        WF_ASSIGN(PGresult * result, connection_.next_result());
        const Rows rows(result);
        if (result != nullptr && PQresultStatus(result) == PGRES_PIPELINE_SYNC) --syncs_;
        if (PQstatus(connection_.raw()) == CONNECTION_BAD) {
            return fail(connection_lost(connection_.side(), connection_.raw()));
        }
    }
    return {};
}

Result<Rows> Pipeline::read() {
    // libpq puts a null between the answers of two statements, and none behind a sync.
    for (int nulls = 0; nulls < 2; ++nulls) {
        WF_ASSIGN(PGresult * result, connection_.next_result());
        if (result == nullptr) continue;
        Rows rows(result);
        switch (PQresultStatus(result)) {
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK:
                return rows;
            case PGRES_PIPELINE_SYNC:
                --syncs_;
                return rows;
            default:
                return fail(error_of(connection_.side(), connection_.raw(), result));
        }
    }
    return fail(connection_lost(connection_.side(), connection_.raw()));
}

}  // namespace walferry::pq
