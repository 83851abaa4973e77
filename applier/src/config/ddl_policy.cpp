// SPDX-License-Identifier: PostgreSQL
#include "config/ddl_policy.h"

#include <algorithm>
#include <iterator>

namespace walferry {

namespace {

constexpr const char *class_names[] = {
    "tables",     "indexes",    "views",        "materialized_views", "sequences",       "routines",    "types",
    "schemas",    "triggers",   "rules",        "policies",           "statistics",      "text_search", "operators",
    "casts",      "collations", "languages",    "comments",           "security_labels", "grants",      "owners",
    "extensions", "roles",      "publications", "event_triggers",     "foreign_data",    "other",
};
static_assert(std::size(class_names) == ddl_class_count + 1);

struct Entry {
    std::string_view words;
    DdlClass ddl_class;
};

// What stands behind CREATE, ALTER or DROP. Not here, since never sent: DATABASE, TABLESPACE, SUBSCRIPTION, SYSTEM.
constexpr auto objects = std::to_array<Entry>({
    {"ACCESS METHOD", DdlClass::operators},
    {"AGGREGATE", DdlClass::routines},
    {"CAST", DdlClass::casts},
    {"COLLATION", DdlClass::collations},
    {"CONSTRAINT", DdlClass::tables},
    {"CONVERSION", DdlClass::collations},
    {"DEFAULT PRIVILEGES", DdlClass::grants},
    {"DOMAIN", DdlClass::types},
    {"EVENT TRIGGER", DdlClass::event_triggers},
    {"EXTENSION", DdlClass::extensions},
    {"FOREIGN DATA WRAPPER", DdlClass::foreign_data},
    {"FOREIGN TABLE", DdlClass::foreign_data},
    {"FUNCTION", DdlClass::routines},
    {"INDEX", DdlClass::indexes},
    {"LANGUAGE", DdlClass::languages},
    {"LARGE OBJECT", DdlClass::owners},  // ALTER knows only its owner
    {"MATERIALIZED VIEW", DdlClass::materialized_views},
    {"OPERATOR", DdlClass::operators},
    {"OPERATOR CLASS", DdlClass::operators},
    {"OPERATOR FAMILY", DdlClass::operators},
    {"OWNED", DdlClass::tables},  // DROP OWNED: objects of every kind
    {"POLICY", DdlClass::policies},
    {"PROCEDURE", DdlClass::routines},
    {"PUBLICATION", DdlClass::publications},
    {"ROLE", DdlClass::roles},
    {"ROUTINE", DdlClass::routines},
    {"RULE", DdlClass::rules},
    {"SCHEMA", DdlClass::schemas},
    {"SEQUENCE", DdlClass::sequences},
    {"SERVER", DdlClass::foreign_data},
    {"STATISTICS", DdlClass::statistics},
    {"TABLE", DdlClass::tables},
    {"TABLE AS", DdlClass::tables},
    {"TEXT SEARCH CONFIGURATION", DdlClass::text_search},
    {"TEXT SEARCH DICTIONARY", DdlClass::text_search},
    {"TEXT SEARCH PARSER", DdlClass::text_search},
    {"TEXT SEARCH TEMPLATE", DdlClass::text_search},
    {"TRANSFORM", DdlClass::languages},
    {"TRIGGER", DdlClass::triggers},
    {"TYPE", DdlClass::types},
    {"USER MAPPING", DdlClass::foreign_data},
    {"VIEW", DdlClass::views},
});

constexpr auto whole_tags = std::to_array<Entry>({
    {"COMMENT", DdlClass::comments},
    {"GRANT", DdlClass::grants},
    {"GRANT ROLE", DdlClass::roles},
    {"IMPORT FOREIGN SCHEMA", DdlClass::foreign_data},
    {"REASSIGN OWNED", DdlClass::owners},
    {"REFRESH MATERIALIZED VIEW", DdlClass::materialized_views},
    {"REVOKE", DdlClass::grants},
    {"REVOKE ROLE", DdlClass::roles},
    {"SECURITY LABEL", DdlClass::security_labels},
    {"SELECT INTO", DdlClass::tables},
});

template <std::size_t size>
DdlClass find(const std::array<Entry, size> &entries, std::string_view words) {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry &entry) { return entry.words == words; });
    return found == entries.end() ? DdlClass::other : found->ddl_class;
}

}  // namespace

const char *to_string(DdlAction action) {
    switch (action) {
        case DdlAction::replicate:
            return "replicate";
        case DdlAction::skip:
            return "skip";
        case DdlAction::stop:
            break;
    }
    return "stop";
}

const char *to_string(DdlRole role) { return role == DdlRole::preserve ? "preserve" : "applier"; }

const char *to_string(DdlClass ddl_class) { return class_names[static_cast<std::size_t>(ddl_class)]; }

DdlClass ddl_class_of(std::string_view tag, bool owner_statement) {
    if (owner_statement) return DdlClass::owners;
    for (const std::string_view verb : {"CREATE ", "ALTER ", "DROP "}) {
        if (tag.starts_with(verb)) return find(objects, tag.substr(verb.size()));
    }
    return find(whole_tags, tag);
}

DdlPolicy::DdlPolicy() {
    actions_.fill(DdlAction::replicate);
    // What concerns the whole cluster or acts by itself at the destination has to be asked for.
    for (const auto ddl_class : {DdlClass::roles, DdlClass::publications, DdlClass::event_triggers,
                                 DdlClass::foreign_data, DdlClass::grants, DdlClass::owners}) {
        set(ddl_class, DdlAction::skip);
    }
}

DdlAction DdlPolicy::action(DdlClass ddl_class) const {
    return ddl_class == DdlClass::other ? DdlAction::stop : actions_[static_cast<std::size_t>(ddl_class)];
}

void DdlPolicy::set(DdlClass ddl_class, DdlAction action) { actions_.at(static_cast<std::size_t>(ddl_class)) = action; }

}  // namespace walferry
