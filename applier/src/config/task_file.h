// The task file as TOML: its values, each with the place that a message about it names (file:line:column).
//
// Every reader leaves its last argument alone where the file doesn't set the key, and refuses with ErrorKind::config.
// Any thread; nothing is kept.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/nearest.h"

namespace walferry {

class TaskFile {
public:
    // What is no TOML is refused.
    static Result<TaskFile> parse(std::string_view text, const std::string &path);

    const toml::table &root() const { return root_; }
    const std::string &path() const { return path_; }

    // Null when it isn't there.
    const toml::table *section(std::string_view name) const { return root_[name].as_table(); }
    const toml::node *value(std::string_view section_name, std::string_view key) const {
        return root_[section_name][key].node();
    }

    tl::unexpected<Error> refuse(const toml::source_region &place, const std::string &message) const;

    // What is missing is reported at its section, or at the file's beginning.
    tl::unexpected<Error> refuse_missing(std::string_view section_name, std::string_view key) const;
    tl::unexpected<Error> refuse_type(const toml::node &node, std::string_view key, const char *wanted) const;

private:
    TaskFile(std::string path, toml::table root) : path_(std::move(path)), root_(std::move(root)) {}

    std::string path_;
    toml::table root_;
};

// A string without a zero byte.
Result<std::string> text_of(const TaskFile &file, std::string_view key, const toml::node &node);

Result<void> read_text(const TaskFile &file, std::string_view section, std::string_view key, std::string &value);
Result<void> read_boolean(const TaskFile &file, std::string_view section, std::string_view key, bool &value);

// A number of MiB, kept as bytes.
Result<void> read_megabytes(const TaskFile &file, std::string_view section, std::string_view key, std::uint64_t min,
                            std::uint64_t max, std::uint64_t &bytes);

// A table of texts.
Result<void> read_pairs(const TaskFile &file, std::string_view key, const toml::node *node, const char *wanted,
                        std::vector<std::pair<std::string, std::string>> &pairs);

template <std::integral T>
Result<void> read_number(const TaskFile &file, std::string_view section, std::string_view key, T min, T max, T &value) {
    const auto *node = file.value(section, key);
    if (node == nullptr) return {};
    if (!node->is_integer()) return file.refuse_type(*node, key, "a whole number");
    const std::int64_t number = node->as_integer()->get();
    if (std::cmp_less(number, min) || std::cmp_greater(number, max)) {
        return file.refuse(node->source(),
                           fmt::format("\"{}\" must lie between {} and {}, not {}", key, min, max, number));
    }
    value = static_cast<T>(number);
    return {};
}

// One of the values' names.
template <class Value>
Result<void> read_choice(const TaskFile &file, const toml::node *node, std::string_view key,
                         std::initializer_list<Value> choices, Value &value) {
    if (node == nullptr) return {};
    WF_ASSIGN(const std::string word, text_of(file, key, *node));
    std::vector<std::string_view> names;
    for (const Value choice : choices) names.emplace_back(to_string(choice));
    const auto known = std::find(names.begin(), names.end(), word);
    if (known == names.end()) {
        return file.refuse(node->source(), fmt::format("\"{}\" can't be \"{}\"{}; it is one of {}", key, word,
                                                       did_you_mean(word, names), fmt::join(names, ", ")));
    }
    value = choices.begin()[known - names.begin()];
    return {};
}

// Calls `each(text, node)` for every string of an array, if there is one.
template <class Each>
Result<void> read_texts(const TaskFile &file, std::string_view key, const toml::node *node, Each each) {
    if (node == nullptr) return {};
    const auto *array = node->as_array();
    if (array == nullptr) return file.refuse_type(*node, key, "an array of strings");
    for (const auto &element : *array) {
        WF_ASSIGN(const std::string text, text_of(file, key, element));
        WF_TRY(each(text, element));
    }
    return {};
}

}  // namespace walferry
