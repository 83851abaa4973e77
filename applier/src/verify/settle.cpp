// SPDX-License-Identifier: PostgreSQL
#include "verify/settle.h"

#include <algorithm>
#include <optional>

namespace walferry {

namespace {

constexpr int rounds_max = 20;
// Turns without waiting, for so few rows that each takes about a millisecond.
constexpr int quick_turns = 100;
constexpr std::size_t quick_candidates_max = 200;

std::optional<RowLook> look_at(const RowLooks &looks, const KeyValues &key) {
    const auto found = looks.find(key);
    if (found == looks.end()) return std::nullopt;
    return found->second;
}

using Content = std::vector<std::string>;  // empty: no row
Content content_of(const std::optional<RowLook> &look) { return look ? look->hashes : Content{}; }

struct Candidate {
    std::optional<RowLook> source;
    std::optional<RowLook> destination;
    bool looked = false;
    std::set<Content> shown;  // by the source, at all looks
};

class Settling {
public:
    Settling(pq::Connection &source, pq::Connection &destination, StreamPosition &position, const TableShape &shape,
             const std::set<KeyValues> &candidates, bool same_encoding)
        : source_(source),
          destination_(destination),
          position_(position),
          shape_(shape),
          same_encoding_(same_encoding) {
        for (const KeyValues &key : candidates) candidates_.try_emplace(key);
    }

    Result<Settled> run() {
        for (int round = 0; round < rounds_max && !candidates_.empty(); ++round) {
            WF_TRY(careful_look());
            if (!shape_.key.empty() && candidates_.size() <= quick_candidates_max) WF_TRY(quick_looks());
        }
        out_.undecided = candidates_.size();
        return std::move(out_);
    }

private:
    std::vector<KeyValues> keys() const {
        std::vector<KeyValues> out;
        for (const auto &[key, candidate] : candidates_) out.push_back(key);
        return out;
    }

    // Takes those out that have settled.
    Result<void> careful_look() {
        const auto wanted = keys();
        WF_TRY(position_.see_applied());
        WF_ASSIGN(const RowLooks at_source, read_looks(source_, shape_.source, wanted, same_encoding_));
        WF_TRY(position_.catch_up());
        WF_ASSIGN(const RowLooks at_destination, read_looks(destination_, shape_.destination, wanted, same_encoding_));
        for (auto next = candidates_.begin(); next != candidates_.end();) {
            const auto current = next++;
            auto &[key, candidate] = *current;
            auto source = look_at(at_source, key);
            auto destination = look_at(at_destination, key);
            candidate.shown.insert(content_of(source));
            if (candidate.shown.contains(content_of(destination))) {
                candidates_.erase(current);
            } else if (candidate.looked && source == candidate.source && destination == candidate.destination) {
                out_.differing.emplace(key, Difference{std::move(source), std::move(destination)});
                candidates_.erase(current);
            } else {
                candidate.source = std::move(source);
                candidate.destination = std::move(destination);
                candidate.looked = true;
            }
        }
        return {};
    }

    Result<void> quick_looks() {
        for (int turn = 0; turn < quick_turns; ++turn) {
            std::vector<KeyValues> moving;  // the others are a careful look's
            for (const auto &[key, candidate] : candidates_) {
                if (candidate.shown.size() > 1) moving.push_back(key);
            }
            if (moving.empty()) return {};
            WF_ASSIGN(const RowLooks at_source, read_looks(source_, shape_.source, moving, same_encoding_));
            WF_ASSIGN(const RowLooks at_destination,
                      read_looks(destination_, shape_.destination, moving, same_encoding_));
            for (const KeyValues &key : moving) {
                Candidate &candidate = candidates_.at(key);
                candidate.shown.insert(content_of(look_at(at_source, key)));
                if (candidate.shown.contains(content_of(look_at(at_destination, key)))) candidates_.erase(key);
            }
        }
        return {};
    }

    pq::Connection &source_;
    pq::Connection &destination_;
    StreamPosition &position_;
    const TableShape &shape_;
    const bool same_encoding_;
    std::map<KeyValues, Candidate> candidates_;
    Settled out_;
};

}  // namespace

Result<Settled> settle(pq::Connection &source, pq::Connection &destination, StreamPosition &position,
                       const TableShape &shape, const std::set<KeyValues> &candidates, bool same_encoding) {
    return Settling(source, destination, position, shape, candidates, same_encoding).run();
}

}  // namespace walferry
