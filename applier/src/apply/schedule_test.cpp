// Goal: whatever transactions come, however they are cut into frames and groups and however the workers' threads run,
// what they write is what the transactions one after the other write; groups commit in order; and a change is never applied
// before one of an earlier group that it depends on.
// Method: the planner, the fold and the turnstile as they are; in the place of the destination a table in memory, which
// knows of every row by which change it was written. ThreadSanitizer runs this too.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apply/fold.h"
#include "decode/frame_builder.h"
#include "schedule/planner.h"
#include "schedule/turnstile.h"

namespace walferry {
namespace {

using Key = std::pair<std::uint32_t, std::string>;  // table, id

// The rows of keyed tables, each with the number of the change that wrote it; and the rows of the one without a key.
struct Content {
    std::map<Key, int> rows;
    std::multiset<int> keyless;

    bool operator==(const Content &) const = default;
};

constexpr std::uint32_t keyed_tables[] = {1, 2};
constexpr std::uint32_t keyless_table = 3;

// The destination: refuses what could not be if every change came after those that it depends on.
class Destination {
public:
    void apply(const Change &change) {
        const std::lock_guard lock(mutex_);
        const auto relid = change.relation->relid;
        if (change.kind == ChangeKind::truncate) {
            for (const Relation *relation : change.truncate->relations) empty(relation->relid);
        } else if (relid == keyless_table) {
            content_.keyless.insert(number_in(change));
        } else {
            apply_to_row({relid, value(change.kind == ChangeKind::remove ? change.old_tuple : change.new_tuple, 0)}, change);
        }
    }
    // Requires: nobody is applying.
    const Content &content() const { return content_; }
    const std::string &wrong() const { return wrong_; }

private:
    static std::string value(const Tuple &tuple, std::size_t column) {
        std::vector<Value> values;
        tuple.split(values);
        return {values[column].data, static_cast<std::size_t>(values[column].length)};
    }
    static int number_in(const Change &change) { return std::stoi(value(change.new_tuple, 1)); }

    void apply_to_row(const Key &key, const Change &change) {
        const auto row = content_.rows.find(key);
        const bool exists = row != content_.rows.end();
        if (exists == (change.kind == ChangeKind::insert)) wrong_ += " presence of " + key.second;
        if (change.kind == ChangeKind::remove) {
            content_.rows.erase(key);
            return;
        }
        if (exists && row->second >= number_in(change)) wrong_ += " order of " + key.second;
        content_.rows[key] = number_in(change);
    }
    void empty(std::uint32_t relid) {
        if (relid == keyless_table) content_.keyless.clear();
        std::erase_if(content_.rows, [relid](const auto &row) { return row.first.first == relid; });
    }

    std::mutex mutex_;
    Content content_;
    std::string wrong_;
};

// A source that makes random transactions, and knows what they come to.
class Source {
public:
    Source() {
        builder_.hello();
        for (const auto relid : keyed_tables) {
            Relation relation = test_relation(relid);
            relation.identity_hashed = true;
            builder_.relation(relation);
        }
        Relation keyless = test_relation(keyless_table);
        keyless.key_columns = 0;
        keyless.columns[0].key = keyless.columns[0].primary_key = false;
        builder_.relation(keyless);
    }

    // The next transaction's frames.
    std::vector<std::string> transaction() {
        std::vector<std::string> frames;
        const auto changes = *rc::gen::inRange<std::uint64_t>(0, 8);
        const Transaction transaction = test_transaction(++transactions_);
        builder_.begin(transaction);
        for (std::uint64_t i = 0; i < changes; ++i) {
            change();
            if (*rc::gen::inRange(0, 6) == 0) frames.push_back(builder_.frame(0));
        }
        builder_.commit(transaction, changes);
        if (*rc::gen::arbitrary<bool>()) frames.push_back(builder_.frame(*rc::gen::element<std::uint8_t>(0, WF_FRAME_CLOSING)));
        return frames;
    }
    std::string end() { return builder_.frame(); }
    std::uint64_t transactions() const { return transactions_; }
    const Content &content() const { return content_; }

private:
    void change() {
        const int number = ++changes_;
        switch (*rc::gen::inRange(0, 40)) {
            case 0:
                builder_.truncate(0, {1});
                std::erase_if(content_.rows, [](const auto &row) { return row.first.first == 1; });
                return;
            case 1:
                builder_.truncate(0, {2, keyless_table});
                std::erase_if(content_.rows, [](const auto &row) { return row.first.first == 2; });
                content_.keyless.clear();
                return;
            case 2:
            case 3:
            case 4:
                builder_.insert(keyless_table, {"0", std::to_string(number)});
                content_.keyless.insert(number);
                return;
            default:
                row_change(number);
        }
    }
    void row_change(int number) {
        const auto relid = *rc::gen::elementOf(std::vector(std::begin(keyed_tables), std::end(keyed_tables)));
        const auto id = *rc::gen::inRange<std::uint64_t>(1, 12);
        const std::string text = std::to_string(id);
        const Key key{relid, text};
        if (content_.rows.count(key) == 0) {
            builder_.insert(relid, {text, std::to_string(number)}, {id});
        } else if (*rc::gen::inRange(0, 4) == 0) {
            builder_.remove(relid, WF_OLD_KEY, {text}, {id});
            content_.rows.erase(key);
            return;
        } else {
            builder_.update(relid, WF_OLD_NONE, {}, FrameBuilder::tuple({text, std::to_string(number)}), {id});
        }
        content_.rows[key] = number;
    }

    FrameBuilder builder_;
    Content content_;
    std::uint64_t transactions_ = 0;
    int changes_ = 0;
};

class Engine {
public:
    Engine(std::size_t workers, GroupLimits limits) : bells_(workers) {
        std::vector<Ring<Group> *> ends;
        for (auto &bell : bells_) ends.push_back(&rings_.emplace_back(1, planner_bell_, bell));
        planner_ = std::make_unique<Planner>(frames_, ends, turnstile_, planner_bell_, CopyFilter{}, Lsn{}, limits,
                                             SpoolOptions{"/tmp", std::uint64_t{1} << 20}, budget_);
    }

    // Run `frames` through to the end of the last of `transactions`.
    void run(const std::vector<std::string> &frames, std::uint64_t transactions) {
        std::vector<std::jthread> threads;
        threads.emplace_back([&] { (void)planner_->run(stop_).has_value(); });
        for (std::size_t i = 0; i < bells_.size(); ++i) threads.emplace_back([this, i] { work(i); });
        for (const auto &bytes : frames) give(bytes);
        while (committed_.load() < transactions || !frames_.empty()) std::this_thread::yield();
        stop_.request();
        planner_bell_.ring();
        for (auto &bell : bells_) bell.ring();
        turnstile_.ring();
    }

    Destination &destination() { return destination_; }
    std::size_t bytes_in_use() const { return budget_.in_use(); }

private:
    void give(const std::string &bytes) {
        pq::CopyData message{std::unique_ptr<char, pq::FreeCopyData>(static_cast<char *>(std::malloc(bytes.size()))),
                             bytes.size()};
        std::copy(bytes.begin(), bytes.end(), message.data.get());
        auto frame = std::make_unique<Frame>(std::move(message), 0, budget_);
        while (!frames_.try_push(frame)) std::this_thread::yield();
    }

    void work(std::size_t worker) {
        while (!stop_.requested()) {
            const auto seen = bells_[worker].count();
            if (const auto group = rings_[worker].try_pop()) {
                apply(*group);
            } else if (!stop_.requested()) {
                bells_[worker].wait(seen);
            }
        }
    }

    void apply(const Group &group) {
        const FoldedGroup folded = fold(group, [](const Relation &) { return false; });
        for (const FoldedTable &table : folded.tables) apply(table.free);
        if (turnstile_.wait(group.number, {}, stop_) != Turnstile::Passage::turn) return;
        for (const FoldedTable &table : folded.tables) apply(table.held);
        for (const PlannedChange *planned : folded.ordered) destination_.apply(planned->change);
        if (!group.last_piece) return;
        committed_ += group.transactions.size();
        turnstile_.pass(group.number);
    }

    void apply(const NetChanges &net) {
        for (const auto *list : {&net.removes, &net.updates, &net.inserts}) {
            for (const Change &change : *list) {
                destination_.apply(change);
                std::this_thread::yield();
            }
        }
    }

    Destination destination_;
    std::atomic<std::uint64_t> committed_{0};
    StopFlag stop_;
    Doorbell receiver_bell_, planner_bell_;
    std::deque<Doorbell> bells_;
    ByteBudget budget_{std::size_t{1} << 30};
    Turnstile turnstile_{planner_bell_, Lsn{}};
    Ring<Frame> frames_{1024, receiver_bell_, planner_bell_};
    std::unique_ptr<Planner> planner_;
    std::deque<Ring<Group>> rings_;
};

RC_GTEST_PROP(ScheduleProperty, AnyScheduleIsTheSerialResult, ()) {
    Source source;
    std::vector<std::string> frames;
    const auto transactions = *rc::gen::inRange(1, 120);
    for (int i = 0; i < transactions; ++i) {
        for (auto &frame : source.transaction()) frames.push_back(std::move(frame));
    }
    frames.push_back(source.end());

    // Small limits: transactions in pieces too.
    const GroupLimits limits{*rc::gen::inRange<std::size_t>(2, 40), *rc::gen::inRange<std::size_t>(100, 5000)};
    Engine engine(*rc::gen::inRange<std::size_t>(1, 5), limits);
    engine.run(frames, source.transactions());
    RC_ASSERT(engine.destination().wrong() == "");
    RC_ASSERT(engine.destination().content() == source.content());
    RC_ASSERT(engine.bytes_in_use() == 0U);
}

}  // namespace
}  // namespace walferry
