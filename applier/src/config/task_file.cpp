// SPDX-License-Identifier: PostgreSQL
#include "config/task_file.h"

namespace walferry {

namespace {

const char *type_name(toml::node_type type) {
    switch (type) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        default:
            return "a date or time";
    }
}

}  // namespace

Result<TaskFile> TaskFile::parse(std::string_view text, const std::string &path) {
    try {
        return TaskFile(path, toml::parse(text, path));
    } catch (const toml::parse_error &error) {
        const auto &place = error.source().begin;
        return fail(ErrorKind::config,
                    fmt::format("{}:{}:{}: {}", path, place.line, place.column, error.description()));
    }
}

tl::unexpected<Error> TaskFile::refuse(const toml::source_region &place, const std::string &message) const {
    const auto line = std::max<toml::source_index>(place.begin.line, 1);
    const auto column = std::max<toml::source_index>(place.begin.column, 1);
    return fail(ErrorKind::config, fmt::format("{}:{}:{}: {}", path_, line, column, message));
}

tl::unexpected<Error> TaskFile::refuse_missing(std::string_view section_name, std::string_view key) const {
    const auto *table = section(section_name);
    return refuse(table == nullptr ? root_.source() : table->source(),
                  fmt::format("key \"{}\" is missing in [{}]", key, section_name));
}

tl::unexpected<Error> TaskFile::refuse_type(const toml::node &node, std::string_view key, const char *wanted) const {
    return refuse(node.source(), fmt::format("\"{}\" must be {}, not {}", key, wanted, type_name(node.type())));
}

Result<std::string> text_of(const TaskFile &file, std::string_view key, const toml::node &node) {
    const auto *text = node.as_string();
    if (text == nullptr) return file.refuse_type(node, key, "a string");
    if (text->get().find('\0') != std::string::npos) {
        return file.refuse(node.source(), fmt::format("\"{}\" holds a zero byte", key));
    }
    return text->get();
}

Result<void> read_text(const TaskFile &file, std::string_view section, std::string_view key, std::string &value) {
    const auto *node = file.value(section, key);
    if (node == nullptr) return {};
    WF_ASSIGN(value, text_of(file, key, *node));
    return {};
}

Result<void> read_boolean(const TaskFile &file, std::string_view section, std::string_view key, bool &value) {
    const auto *node = file.value(section, key);
    if (node == nullptr) return {};
    if (!node->is_boolean()) return file.refuse_type(*node, key, "true or false");
    value = node->as_boolean()->get();
    return {};
}

Result<void> read_megabytes(const TaskFile &file, std::string_view section, std::string_view key, std::uint64_t min,
                            std::uint64_t max, std::uint64_t &bytes) {
    std::uint64_t megabytes = bytes >> 20;
    WF_TRY(read_number<std::uint64_t>(file, section, key, min, max, megabytes));
    bytes = megabytes << 20;
    return {};
}

Result<void> read_pairs(const TaskFile &file, std::string_view key, const toml::node *node, const char *wanted,
                        std::vector<std::pair<std::string, std::string>> &pairs) {
    if (node == nullptr) return {};
    const auto *table = node->as_table();
    if (table == nullptr) return file.refuse_type(*node, key, wanted);
    for (const auto &[name, value] : *table) {
        WF_ASSIGN(std::string text, text_of(file, name.str(), value));
        pairs.emplace_back(name.str(), std::move(text));
    }
    return {};
}

}  // namespace walferry
