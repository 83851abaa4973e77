// SPDX-License-Identifier: PostgreSQL
#include "observe/sequence_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "observe/text_table.h"

namespace walferry {

namespace {

using Json = nlohmann::ordered_json;

const char *to_string(SequenceState state) {
    switch (state) {
        case SequenceState::equal:
            return "equal";
        case SequenceState::to_be_set:
            return "to be set";
        case SequenceState::left_alone:
            return "left alone";
        case SequenceState::missing:
            return "missing";
        case SequenceState::locked:
            break;
    }
    return "locked";
}

std::vector<SequencePair> sorted(std::vector<SequencePair> pairs) {
    std::sort(pairs.begin(), pairs.end(), [](const auto &a, const auto &b) { return a.name < b.name; });
    return pairs;
}

std::string text_of(const SequenceValue &value) {
    return std::to_string(value.last_value) + (value.is_called ? "" : " (not called)");
}

Json json_of(const SequenceValue &value) { return {{"last_value", value.last_value}, {"is_called", value.is_called}}; }

}  // namespace

std::string sequences_as_text(const std::vector<SequencePair> &pairs) {
    std::vector<std::vector<std::string>> lines = {{"source", "value", "destination", "value", "state"}};
    for (const SequencePair &pair : sorted(pairs)) {
        lines.push_back({pair.name.text(), pair.source ? text_of(*pair.source) : "", pair.destination.text(),
                         pair.here ? text_of(pair.here->now) : "", to_string(pair.state())});
    }
    return text_table(lines);
}

std::string sequences_as_json(const std::string &task, const std::vector<SequencePair> &pairs) {
    auto list = Json::array();
    for (const SequencePair &pair : sorted(pairs)) {
        list.push_back({{"source", pair.name.text()},
                        {"source_value", pair.source ? json_of(*pair.source) : Json()},
                        {"destination", pair.destination.text()},
                        {"destination_value", pair.here ? json_of(pair.here->now) : Json()},
                        {"state", to_string(pair.state())}});
    }
    return Json{{"task", task}, {"sequences", std::move(list)}}.dump(2, ' ', false, Json::error_handler_t::replace) +
           "\n";
}

}  // namespace walferry
