// Under which name an object of the source arrives: [map], and `rename` and `rename_columns` of [[tables]], in the task file.
//
// A function of names alone. A schema goes by its exact rule, else by the pattern that it matches, else keeps its name; a table
// goes by its own rule, else into its schema's; a column by the rule of its table, or of a table above that one, whose columns it
// inherits. The other way round each name at the destination has at most one at the source:
//
//   1. source_schema(schema(s)) = s, and source_relation(relation(r)) = r, for all names that do not collide.
//   2. What has no name at the source is nobody's image: it is the destination's own.
//
// System schemas, and walferry's own, keep their names whatever the rules are.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walferry {

struct QualifiedName {
    std::string schema;
    std::string name;
    auto operator<=>(const QualifiedName &) const = default;
    std::string text() const { return schema + "." + name; }  // for messages, not for SQL
};

struct TableNames {
    QualifiedName source;
    std::optional<QualifiedName> destination;  // empty schema: where its schema goes; nothing: as its schema says
    std::vector<std::pair<std::string, std::string>> columns;  // source, destination
};

// Rules are added while a task file is read; then it is constant, and any thread may ask.
class NameMap {
public:
    // What is wrong with the rule, or with it beside those before it, as a sentence; empty if nothing is, then it holds.
    // A schema's rule has one `*` on each side or none.
    std::string add_schema(std::string source, std::string destination);
    std::string add_table(TableNames table);

    bool empty() const { return schemas_.empty() && tables_.empty(); }

    std::string schema(std::string_view source) const;
    QualifiedName relation(std::string_view schema, std::string_view name) const;
    QualifiedName relation(const QualifiedName &source) const { return relation(source.schema, source.name); }

    // The name at the source of what is called so at the destination; nothing: it is not the source's.
    std::optional<std::string> source_schema(std::string_view destination) const;
    std::optional<QualifiedName> source_relation(std::string_view schema, std::string_view name) const;

    // Of columns. `lineage`: the table and those above it, by their names at the source, nearest first.
    bool has_columns() const;
    std::string column(const std::vector<QualifiedName> &lineage, std::string_view name) const;

    // Tables with a rule of their own.
    const std::vector<TableNames> &tables() const { return tables_; }

    // Whether a text could be about something whose name changes: it holds a name of a rule, or what a pattern asks for. It may
    // say yes for nothing.
    bool may_concern(std::string_view text) const;

    // One line a rule, in an order of its own: equal for equal maps.
    std::string text() const;

private:
    struct Pattern {
        std::string prefix;
        std::string suffix;
        bool star = false;
        // What the star stands for; for an exact one an empty text. Nothing: it doesn't match.
        std::optional<std::string_view> match(std::string_view name) const;
        std::string with(std::string_view star_text) const;
        std::string text() const { return prefix + (star ? "*" : "") + suffix; }
        bool overlaps(const Pattern &other) const;
        static Pattern parse(const std::string &text);
    };
    struct SchemaRule {
        Pattern source;
        Pattern destination;
    };

    const TableNames *table(std::string_view schema, std::string_view name) const;

    std::vector<SchemaRule> schemas_;  // exact ones first
    std::vector<TableNames> tables_;
};

// A text in which names are looked for, in whatever case and quotes.
class SearchedText {
public:
    explicit SearchedText(std::string_view text);
    // Whether it has the name as a word. An identifier that is written with escapes, U&"..", may be any.
    bool mentions(std::string_view name) const;
    // Whether a word of it begins so.
    bool has_word_with(std::string_view prefix) const;

private:
    std::string lower_;
    bool has_escapes_;
};

// Two different names at the source that arrive at one, as a sentence; empty: there are none.
std::string name_collision(const NameMap &names, const std::vector<QualifiedName> &relations);

}  // namespace walferry
