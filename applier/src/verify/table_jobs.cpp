// SPDX-License-Identifier: PostgreSQL
#include "verify/table_jobs.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "observe/progress.h"
#include "observe/progress_line.h"
#include "verify/table_verifier.h"

namespace walferry {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_interval{200};
constexpr std::chrono::seconds record_interval{2};

class TableJobs {
public:
    TableJobs(const Task &task, const std::vector<Table> &tables, Pace &pace, VerificationRecord &record)
        : task_(task), tables_(tables), pace_(pace), record_(record), out_(tables.size()) {
        for (const Table &table : tables) bytes_ += table.bytes;
    }

    Result<std::vector<TableComparison>> run(int jobs) {
        take_earlier();
        WF_TRY(show());
        {
            std::vector<std::jthread> threads;
            running_ = std::min(static_cast<std::size_t>(jobs), to_do_.size());
            for (std::size_t i = running_; i > 0; --i) threads.emplace_back([this] { run_job(); });
            if (auto shown = show_until_done(); !shown) give_up(std::move(shown).error());
        }
        line_.end();
        if (failed_) return fail(std::move(*failed_));
        WF_TRY(show());
        return std::move(out_);
    }

private:
    void take_earlier() {
        for (std::size_t at = 0; at < tables_.size(); ++at) {
            auto found = record_.find(tables_[at].relid);
            if (!found) {
                to_do_.push_back(at);
                continue;
            }
            pace_.add_bytes(tables_[at].bytes, When::earlier);
            if (found->source) pace_.add_rows(static_cast<std::uint64_t>(found->source->rows));
            out_[at] = std::move(*found);
            done_.fetch_add(1, std::memory_order_relaxed);
        }
        if (record_.began().empty()) return;
        spdlog::info(
            "verify: goes on where the one that began at {} was stopped: {} of {} tables are compared; "
            "--restart begins anew",
            record_.began(), done_.load(std::memory_order_relaxed), tables_.size());
    }

    void run_job() {
        if (auto done = compare_some(); !done) give_up(std::move(done).error());
        const std::lock_guard lock(mutex_);
        --running_;
        ended_.notify_one();
    }

    Result<void> compare_some() {
        WF_ASSIGN(const auto verifier, TableVerifier::open(task_, pace_));
        for (std::size_t next = 0; (next = next_.fetch_add(1, std::memory_order_relaxed)) < to_do_.size();) {
            const Table &table = tables_[to_do_[next]];
            TableComparison &out = out_[to_do_[next]];
            WF_ASSIGN(out, verifier->compare(table, record_.find_part(table.relid), [&](const PartialComparison &part) {
                return record_.save(table.relid, part);
            }));
            WF_TRY(record_.save(table.relid, out));
            done_.fetch_add(1, std::memory_order_relaxed);
        }
        return {};
    }

    void give_up(Error error) {
        next_.store(to_do_.size(), std::memory_order_relaxed);
        const std::lock_guard lock(mutex_);
        if (!failed_) failed_ = std::move(error);
    }

    Result<void> show_until_done() {
        auto next_record = steady_clock::now() + record_interval;
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, look_interval, [this] { return running_ == 0; })) {
            lock.unlock();
            if (line_.due()) line_.show(progress());
            if (steady_clock::now() >= next_record) {
                WF_TRY(show());
                next_record = steady_clock::now() + record_interval;
            }
            lock.lock();
        }
        return {};
    }

    Result<void> show() {
        return record_.show(
            {{}, true, tables_.size(), done_.load(std::memory_order_relaxed), pace_.rows(), bytes_, pace_.bytes()});
    }

    // As fast as it has been on average: pieces end one by one.
    std::string progress() const {
        const double seconds = std::chrono::duration<double>(line_.elapsed()).count();
        const std::uint64_t bytes = pace_.bytes();
        const double rate = static_cast<double>(bytes - std::min(bytes, pace_.earlier_bytes())) / seconds;
        const double left = static_cast<double>(bytes_ - std::min(bytes_, bytes));
        return fmt::format("verify: {}/{} tables, {} rows, {} of {}, {}/s, ETA {}",
                           done_.load(std::memory_order_relaxed), tables_.size(), pace_.rows(), readable_bytes(bytes),
                           readable_bytes(bytes_), readable_bytes(static_cast<std::uint64_t>(rate)),
                           rate > 0 ? fmt::format("{:.0f} s", left / rate) : "-");
    }

    const Task &task_;
    const std::vector<Table> &tables_;
    Pace &pace_;
    VerificationRecord &record_;
    std::uint64_t bytes_ = 0;
    ProgressLine line_;
    std::vector<std::size_t> to_do_;    // places in `tables_`
    std::vector<TableComparison> out_;  // each written by one job
    std::atomic<std::size_t> next_{0};  // of `to_do_`; taken by the jobs, relaxed
    std::atomic<std::size_t> done_{0};  // tables; added to by the jobs, read by the display, relaxed
    std::mutex mutex_;                  // of what follows
    std::condition_variable ended_;
    std::size_t running_ = 0;
    std::optional<Error> failed_;
};

}  // namespace

Result<std::vector<TableComparison>> compare_tables(const Task &task, const std::vector<Table> &tables, int jobs,
                                                    Pace &pace, VerificationRecord &record) {
    return TableJobs(task, tables, pace, record).run(jobs);
}

}  // namespace walferry
