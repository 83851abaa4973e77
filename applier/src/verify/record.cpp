// SPDX-License-Identifier: PostgreSQL
#include "verify/record.h"

#include <algorithm>

#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "pq/transaction.h"
#include "verify/report.h"
#include "verify/stored_table.h"

namespace walferry {

Result<std::unique_ptr<VerificationRecord>> VerificationRecord::open(const Task &task, Of of, const StopFlag &stop) {
    std::unique_ptr<VerificationRecord> record(new VerificationRecord(task, of));
    if (of == Of::nothing) return record;
    auto options = control_connection(task, Side::destination, "verify", &stop);
    options.settings.emplace_back("synchronous_commit", "off");  // what a crash takes is compared once more
    WF_ASSIGN(auto destination, pq::Connection::open(options));
    WF_ASSIGN(const auto begun, find_task(destination, task.name));
    if (!begun) return record;
    if (auto recorded = record->begin(destination); !recorded) {
        const Error &error = recorded.error();
        // A standby, or an account that only reads.
        if (error.sqlstate != "25006" && error.sqlstate != "42501") return fail(error);
        record->problem_ = "not recorded: " + error.message;
    }
    if (record->problem_.empty()) record->destination_ = std::move(destination);
    return record;
}

Result<void> VerificationRecord::begin(pq::Connection &destination) {
    WF_ASSIGN(const bool exist, verifications_exist(destination));
    if (!exist) WF_TRY(pq::in_transaction(destination, [&] { return create_bookkeeping(destination); }));
    WF_TRY(destination.exec("DELETE FROM walferry.verification_part WHERE false"));  // may it?
    if (!of_everything()) return {};
    WF_ASSIGN(const bool locked, try_lock_verification(destination, task_.name));
    if (!locked) {
        problem_ = "not recorded, as another comparison of all tables is under way";
        return {};
    }
    WF_ASSIGN(const auto began, begin_verification(destination, task_.name, of_ == Of::everything_anew));
    if (!began) return {};
    began_ = *began;
    WF_ASSIGN(earlier_, find_verified_so_far(destination, task_.name));
    return {};
}

std::optional<TableComparison> VerificationRecord::find(std::uint32_t relid) const {
    const auto found = earlier_.equal.find(relid);
    return found == earlier_.equal.end() ? std::nullopt : restored(found->second);
}

std::optional<PartialComparison> VerificationRecord::find_part(std::uint32_t relid) const {
    const auto found = earlier_.parts.find(relid);
    return found == earlier_.parts.end() ? std::nullopt : restored_part(found->second);
}

Result<void> VerificationRecord::save(std::uint32_t relid, const TableComparison &table) {
    const std::lock_guard lock(mutex_);
    if (!destination_) return {};
    return save_verified(
        *destination_, task_.name,
        {relid, table.schema, table.name, table.equal(), differing_rows(table), verdict_of(table), stored(table)});
}

Result<void> VerificationRecord::save(std::uint32_t relid, const PartialComparison &part) {
    const std::lock_guard lock(mutex_);
    if (!destination_ || !of_everything()) return {};
    return save_verified_part(*destination_, task_.name, relid, stored(part));
}

Result<void> VerificationRecord::show(const Verification::UnderWay &under_way) {
    const std::lock_guard lock(mutex_);
    if (!destination_ || !of_everything()) return {};
    return show_verification(*destination_, task_.name, under_way);
}

Result<void> VerificationRecord::end(const Comparison &comparison, const std::vector<std::uint32_t> &relids) {
    const std::lock_guard lock(mutex_);
    if (!destination_ || !of_everything()) return {};
    VerificationEnd end;
    end.relids = relids;
    end.differing_objects = comparison.objects.size();
    for (const TableComparison &table : comparison.tables) {
        if (table.source) end.rows += static_cast<std::uint64_t>(std::max<std::int64_t>(0, table.source->rows));
    }
    return end_verification(*destination_, task_.name, end);
}

}  // namespace walferry
