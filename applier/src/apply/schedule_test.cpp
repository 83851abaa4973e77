// Goal: whatever transactions come, however they are cut into frames and groups and however the workers' threads run,
// what they write is what the transactions one after the other write; groups commit in order; and a change is never applied
// before one of an earlier group that it depends on.
// Method: the planner, the fold and the turnstile as they are; in the place of the destination a table in memory, which
// knows of every row by which change it was written. ThreadSanitizer runs this too.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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
            apply_to_row({relid, value(change.kind == ChangeKind::remove ? change.old_tuple : change.new_tuple, 0)},
                         change);
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

// A source that makes random transactions, and knows what they come to. Some are streamed in chunks between others; a row
// that such a one has touched is locked for all others until it ends.
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

    // The frames of what happens next.
    std::vector<std::string> step() {
        frames_.clear();
        const auto chosen = *rc::gen::inRange<std::size_t>(0, 3 + streams_max);
        if (chosen >= streams_max) {
            transaction();
        } else if (chosen < streams_.size()) {
            go_on(chosen);
        } else {
            begin_stream();
        }
        return std::move(frames_);
    }
    std::vector<std::string> end() {
        frames_.clear();
        while (!streams_.empty()) end_stream(0);
        frames_.push_back(builder_.frame());
        return std::move(frames_);
    }
    std::uint64_t transactions() const { return transactions_; }
    const Content &content() const { return content_; }

private:
    static constexpr std::size_t streams_max = 2;

    // What a transaction has done so far.
    struct Undo {
        std::map<Key, std::optional<int>> rows;  // as they were
        std::multiset<int> keyless;
    };
    struct Stream {
        std::uint64_t xid;
        bool commits;
        bool committed = false;  // and the source says so
        Undo undo;
    };

    void transaction() {
        const auto wanted = *rc::gen::inRange<std::uint64_t>(0, 8);
        const Transaction transaction = test_transaction(++transactions_);
        builder_.begin(transaction);
        std::uint64_t changes = 0;
        Undo undo;
        for (std::uint64_t i = 0; i < wanted; ++i) {
            if (streams_.empty() && *rc::gen::inRange(0, 20) == 0) {
                truncate();
                ++changes;
            } else if (change(undo)) {
                ++changes;
            }
            if (*rc::gen::inRange(0, 6) == 0) frames_.push_back(builder_.frame(0));
        }
        builder_.commit(transaction, changes);
        maybe_cut();
    }

    void begin_stream() {
        streams_.push_back({10000 + ++begun_, *rc::gen::inRange(0, 4) > 0, false, {}});
        streams_.back().committed = streams_.back().commits && *rc::gen::arbitrary<bool>();
        chunk(streams_.back());
    }
    void go_on(std::size_t at) {
        if (*rc::gen::inRange(0, 4) == 0) return end_stream(at);
        Stream &stream = streams_[at];
        stream.committed |= stream.commits && *rc::gen::inRange(0, 4) == 0;
        chunk(stream);
    }
    // Changes of its own; before it is known to have committed perhaps some of a subtransaction that is then undone.
    void chunk(Stream &stream) {
        builder_.stream_start(stream.xid, stream.committed).stream_subxact(static_cast<std::uint32_t>(stream.xid));
        keyless_insert(stream.undo);
        some_changes(stream.undo);
        const auto subxid = static_cast<std::uint32_t>(20000 + stream.xid);
        const bool undone = !stream.committed && *rc::gen::arbitrary<bool>();
        if (undone) {
            builder_.stream_subxact(subxid);
            Undo undo = stream.undo;  // its rows count as locked
            undo.keyless.clear();
            const Content before = content_;
            keyless_insert(undo);
            some_changes(undo);
            content_ = before;
        }
        builder_.stream_stop();
        if (undone) builder_.stream_abort(stream.xid, subxid);
        maybe_cut();
    }
    void some_changes(Undo &undo) {
        const auto changes = *rc::gen::inRange(0, 10);
        for (int i = 0; i < changes; ++i) {
            (void)change(undo);
            if (*rc::gen::inRange(0, 6) == 0) frames_.push_back(builder_.frame(0));
        }
    }
    void end_stream(std::size_t at) {
        const Stream stream = std::move(streams_[at]);
        streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(at));
        if (stream.commits) {
            Transaction transaction = test_transaction(++transactions_);
            transaction.xid = stream.xid;
            builder_.stream_commit(transaction);
        } else {
            builder_.stream_abort(stream.xid, static_cast<std::uint32_t>(stream.xid));
            for (const auto &[key, number] : stream.undo.rows) {
                content_.rows.erase(key);
                if (number) content_.rows[key] = *number;
            }
            for (const int number : stream.undo.keyless) content_.keyless.erase(content_.keyless.find(number));
        }
        maybe_cut();
    }

    void maybe_cut() {
        if (*rc::gen::arbitrary<bool>())
            frames_.push_back(builder_.frame(*rc::gen::element<std::uint8_t>(0, WF_FRAME_CLOSING)));
    }

    void truncate() {
        const std::uint32_t relid = *rc::gen::elementOf(std::vector(std::begin(keyed_tables), std::end(keyed_tables)));
        if (relid == keyed_tables[0]) {
            builder_.truncate(0, {relid});
        } else {
            builder_.truncate(0, {relid, keyless_table});
            content_.keyless.clear();
        }
        std::erase_if(content_.rows, [relid](const auto &row) { return row.first.first == relid; });
    }

    void keyless_insert(Undo &undo) {
        const int number = ++changes_;
        builder_.insert(keyless_table, {"0", std::to_string(number)});
        content_.keyless.insert(number);
        undo.keyless.insert(number);
    }

    // False: the row is locked, and nothing was done.
    bool change(Undo &undo) {
        if (*rc::gen::inRange(0, 10) == 0) {
            keyless_insert(undo);
            return true;
        }
        const auto relid = *rc::gen::elementOf(std::vector(std::begin(keyed_tables), std::end(keyed_tables)));
        const auto id = *rc::gen::inRange<std::uint64_t>(1, 12);
        const std::string text = std::to_string(id);
        const Key key{relid, text};
        if (undo.rows.count(key) == 0) {
            for (const Stream &stream : streams_) {
                if (&stream.undo != &undo && stream.undo.rows.count(key) > 0) return false;
            }
        }
        const auto row = content_.rows.find(key);
        undo.rows.try_emplace(key, row == content_.rows.end() ? std::nullopt : std::optional(row->second));
        const int number = ++changes_;
        if (row == content_.rows.end()) {
            builder_.insert(relid, {text, std::to_string(number)}, {id});
        } else if (*rc::gen::inRange(0, 4) == 0) {
            builder_.remove(relid, WF_OLD_KEY, {text}, {id});
            content_.rows.erase(row);
            return true;
        } else {
            builder_.update(relid, WF_OLD_NONE, {}, FrameBuilder::tuple({text, std::to_string(number)}), {id});
        }
        content_.rows[key] = number;
        return true;
    }

    FrameBuilder builder_;
    std::vector<std::string> frames_;
    Content content_;
    std::vector<Stream> streams_;
    std::uint64_t begun_ = 0;
    std::uint64_t transactions_ = 0;
    int changes_ = 0;
};

class Engine {
public:
    // The last worker applies ahead of commits.
    Engine(std::size_t workers, GroupLimits limits) : bells_(workers + 1) {
        std::vector<Ring<Group> *> ends;
        for (auto &bell : bells_) ends.push_back(&rings_.emplace_back(1, planner_bell_, bell));
        Ring<Group> *ahead = ends.back();
        ends.pop_back();
        planner_ =
            std::make_unique<Planner>(frames_, ends, ahead, turnstile_, planner_bell_, handover_, Lsn{}, limits,
                                      SpoolOptions{"/tmp", std::uint64_t{1} << 20}, budget_, throttle_, heartbeat_);
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
                if (worker + 1 == bells_.size()) {
                    apply_ahead(*group);
                } else {
                    apply(*group);
                }
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
        pass(group);
    }

    void apply_ahead(const Group &group) {
        const auto turn = group.ahead() ? group.after + 1 : group.number;
        if (turnstile_.wait(turn, {}, stop_) != Turnstile::Passage::turn) return;
        for (const PlannedChange &planned : group.changes) destination_.apply(planned.change);
        if (!group.ahead()) pass(group);
    }

    void pass(const Group &group) {
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
    Throttle throttle_;
    Heartbeat heartbeat_;
    Turnstile turnstile_{planner_bell_, Lsn{}};
    Ring<Frame> frames_{1024, receiver_bell_, planner_bell_};
    Handover handover_;
    std::unique_ptr<Planner> planner_;
    std::deque<Ring<Group>> rings_;
};

RC_GTEST_PROP(ScheduleProperty, AnyScheduleIsTheSerialResult, ()) {
    Source source;
    std::vector<std::string> frames;
    const auto add = [&frames](std::vector<std::string> more) { std::ranges::move(more, std::back_inserter(frames)); };
    const auto steps = *rc::gen::inRange(1, 120);
    for (int i = 0; i < steps; ++i) add(source.step());
    add(source.end());

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
