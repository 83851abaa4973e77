// SPDX-License-Identifier: PostgreSQL
#include "config/name_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/identifier.h"

namespace walferry {

namespace {

constexpr std::size_t name_bytes_max = 63;  // NAMEDATALEN - 1

// Of those no schema is made or replicated.
bool is_fixed(std::string_view schema) {
    return schema.starts_with("pg_") || schema == "information_schema" || schema == "walferry";
}

std::string name_fault(std::string_view name) {
    if (name.empty()) return "an empty name";
    if (name.size() > name_bytes_max) return fmt::format("\"{}\" is longer than {} bytes", name, name_bytes_max);
    return {};
}

std::string in_lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

bool continues_word(std::string_view text, std::size_t at) {
    return at < text.size() && continues_identifier(text[at]);
}

// Whether the text has the word, or one that begins so; both are in lower case.
bool has_word(std::string_view text, std::string_view wanted, bool begins) {
    for (std::size_t at = 0; (at = text.find(wanted, at)) != std::string_view::npos; ++at) {
        const bool starts = at == 0 || !continues_word(text, at - 1);
        if (starts && (begins || !continues_word(text, at + wanted.size()))) return true;
    }
    return false;
}

}  // namespace

NameMap::Pattern NameMap::Pattern::parse(const std::string &text) {
    const auto star = text.find('*');
    if (star == std::string::npos) return {text, "", false};
    return {text.substr(0, star), text.substr(star + 1), true};
}

std::optional<std::string_view> NameMap::Pattern::match(std::string_view name) const {
    if (!star) return name == prefix ? std::optional<std::string_view>("") : std::nullopt;
    if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix))
        return std::nullopt;
    return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

std::string NameMap::Pattern::with(std::string_view star_text) const {
    return prefix + std::string(star ? star_text : "") + suffix;
}

// Whether some name matches both. Requires: both have a star.
bool NameMap::Pattern::overlaps(const Pattern &other) const {
    const auto begin_alike = prefix.starts_with(other.prefix) || other.prefix.starts_with(prefix);
    const auto end_alike = suffix.ends_with(other.suffix) || other.suffix.ends_with(suffix);
    return begin_alike && end_alike;
}

std::string NameMap::add_schema(std::string source, std::string destination) {
    for (const auto *name : {&source, &destination}) {
        if (auto fault = name_fault(*name); !fault.empty()) return "a schema can't have " + fault;
        if (std::count(name->begin(), name->end(), '*') > 1) return fmt::format("\"{}\" has more than one *", *name);
        if (is_fixed(*name))
            return fmt::format("schema \"{}\" can't be mapped: it belongs to the system or to walferry", *name);
    }
    const SchemaRule rule{Pattern::parse(source), Pattern::parse(destination)};
    if (rule.source.star != rule.destination.star) {
        return fmt::format("a pattern needs one * on each side: \"{}\" = \"{}\"", source, destination);
    }
    for (const SchemaRule &other : schemas_) {
        if (other.source.star != rule.source.star) continue;  // the exact name goes before the pattern
        const bool same =
            rule.source.star ? other.source.overlaps(rule.source) : other.source.prefix == rule.source.prefix;
        if (same) {
            return fmt::format("\"{}\" and \"{}\" match the same schema", other.source.text(), rule.source.text());
        }
        const bool meet = rule.source.star ? other.destination.overlaps(rule.destination)
                                           : other.destination.prefix == rule.destination.prefix;
        if (meet) {
            return fmt::format("schemas \"{}\" and \"{}\" would arrive at one name: \"{}\"", other.source.text(),
                               rule.source.text(), rule.destination.text());
        }
    }
    schemas_.insert(rule.source.star ? schemas_.end() : schemas_.begin(), rule);
    return {};
}

std::string NameMap::add_table(TableNames table) {
    if (table.destination) {
        if (auto fault = name_fault(table.destination->name); !fault.empty()) return "a table can't have " + fault;
        const auto &schema = table.destination->schema;
        if (is_fixed(schema)) return fmt::format("a table can't arrive in schema \"{}\"", schema);
        if (schema.size() > name_bytes_max) return "a schema can't have " + name_fault(schema);
    }
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        for (const auto *name : {&table.columns[i].first, &table.columns[i].second}) {
            if (auto fault = name_fault(*name); !fault.empty()) return "a column can't have " + fault;
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (table.columns[i].second != table.columns[j].second) continue;
            return fmt::format("columns \"{}\" and \"{}\" of {} would arrive at one name: \"{}\"",
                               table.columns[j].first, table.columns[i].first, table.source.text(),
                               table.columns[i].second);
        }
    }
    tables_.push_back(std::move(table));
    const TableNames &added = tables_.back();
    for (const TableNames &other : tables_) {
        if (&other == &added || relation(other.source) != relation(added.source)) continue;
        const auto fault = fmt::format("tables {} and {} would arrive at one name: {}", other.source.text(),
                                       added.source.text(), relation(added.source).text());
        tables_.pop_back();
        return fault;
    }
    return {};
}

std::string NameMap::schema(std::string_view source) const {
    if (!is_fixed(source)) {
        for (const SchemaRule &rule : schemas_) {
            if (const auto star = rule.source.match(source)) return rule.destination.with(*star);
        }
    }
    return std::string(source);
}

std::optional<std::string> NameMap::source_schema(std::string_view destination) const {
    for (const SchemaRule &rule : schemas_) {
        const auto star = rule.destination.match(destination);
        if (!star) continue;
        auto source = rule.source.with(*star);
        if (schema(source) == destination) return source;
    }
    if (schema(destination) == destination) return std::string(destination);
    return std::nullopt;
}

const TableNames *NameMap::table(std::string_view schema, std::string_view name) const {
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const TableNames &table) {
        return table.source.schema == schema && table.source.name == name;
    });
    return found == tables_.end() ? nullptr : &*found;
}

QualifiedName NameMap::relation(std::string_view source_schema, std::string_view name) const {
    const TableNames *rule = table(source_schema, name);
    if (rule == nullptr || !rule->destination) return {schema(source_schema), std::string(name)};
    if (!rule->destination->schema.empty()) return *rule->destination;
    return {schema(source_schema), rule->destination->name};
}

std::optional<QualifiedName> NameMap::source_relation(std::string_view destination_schema,
                                                      std::string_view name) const {
    const QualifiedName destination{std::string(destination_schema), std::string(name)};
    for (const TableNames &rule : tables_) {
        if (relation(rule.source) == destination) return rule.source;
    }
    const auto schema = source_schema(destination_schema);
    if (!schema || table(*schema, name) != nullptr) return std::nullopt;
    return QualifiedName{*schema, destination.name};
}

bool NameMap::has_columns() const {
    return std::any_of(tables_.begin(), tables_.end(), [](const TableNames &table) { return !table.columns.empty(); });
}

std::string NameMap::column(const std::vector<QualifiedName> &lineage, std::string_view name) const {
    for (const QualifiedName &relation : lineage) {
        const TableNames *rule = table(relation.schema, relation.name);
        if (rule == nullptr) continue;
        for (const auto &[source, destination] : rule->columns) {
            if (source == name) return destination;
        }
    }
    return std::string(name);
}

bool NameMap::may_concern(std::string_view text) const {
    const SearchedText searched(text);
    for (const SchemaRule &rule : schemas_) {
        if (rule.source.star ? searched.has_word_with(rule.source.prefix) : searched.mentions(rule.source.prefix)) {
            return true;
        }
    }
    return std::any_of(tables_.begin(), tables_.end(), [&](const TableNames &table) {
        return searched.mentions(table.source.name) ||
               std::any_of(table.columns.begin(), table.columns.end(),
                           [&](const auto &column) { return searched.mentions(column.first); });
    });
}

std::string NameMap::text() const {
    std::vector<std::string> lines;
    for (const SchemaRule &rule : schemas_) {
        lines.push_back(fmt::format("schema {} = {}", rule.source.text(), rule.destination.text()));
    }
    for (const TableNames &table : tables_) {
        if (table.destination)
            lines.push_back(fmt::format("table {} = {}", table.source.text(), relation(table.source).text()));
        for (const auto &[source, destination] : table.columns) {
            lines.push_back(fmt::format("column {}.{} = {}", table.source.text(), source, destination));
        }
    }
    std::sort(lines.begin(), lines.end());
    return fmt::format("{}", fmt::join(lines, "\n"));
}

SearchedText::SearchedText(std::string_view text)
    : lower_(in_lower_case(text)), has_escapes_(lower_.find("u&\"") != std::string::npos) {}

bool SearchedText::mentions(std::string_view name) const {
    return has_escapes_ || has_word(lower_, in_lower_case(name), false);
}

bool SearchedText::has_word_with(std::string_view prefix) const {
    return has_word(lower_, in_lower_case(prefix), true);
}

std::string name_collision(const NameMap &names, const std::vector<QualifiedName> &relations) {
    std::map<QualifiedName, QualifiedName> by_destination;
    std::map<std::string, std::string> schemas;
    for (const QualifiedName &source : relations) {
        const auto destination = names.schema(source.schema);
        const auto [schema, first_schema] = schemas.try_emplace(destination, source.schema);
        if (!first_schema && schema->second != source.schema) {
            return fmt::format("schemas \"{}\" and \"{}\" arrive at one name: \"{}\"", schema->second, source.schema,
                               destination);
        }
        if (source.name.empty()) continue;
        const auto [known, first] = by_destination.try_emplace(names.relation(source), source);
        if (first || known->second == source) continue;
        return fmt::format("{} and {} arrive at one name: {}", known->second.text(), source.text(),
                           known->first.text());
    }
    for (const auto &[destination, source] : schemas) {
        if (destination.size() > name_bytes_max) {
            return fmt::format("schema \"{}\" would arrive at a name longer than {} bytes: \"{}\"", source,
                               name_bytes_max, destination);
        }
    }
    return {};
}

}  // namespace walferry
