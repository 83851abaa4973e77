// What the operator wants done with each class of DDL statements: [ddl] of the task file.
//
// A statement's class follows from its command tag. Only a change of owner doesn't show there (ALTER TABLE .. OWNER TO
// has the tag ALTER TABLE): the source marks such statements, WF_DDL_OWNER in plugin/wire.h.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace walferry {

enum class DdlAction {
    replicate,
    skip,  // leave it out, and note it in walferry.ddl
    stop,  // end the task in front of it: the operator decides
};

// As whom a statement runs at the destination.
enum class DdlRole {
    preserve,  // as the role that ran it at the source
    applier,   // as the account that the applier connects with
};

// `other` is what no class covers, as from a version of PostgreSQL that is newer than this list. It can't be set.
enum class DdlClass {
    tables,
    indexes,
    views,
    materialized_views,
    sequences,
    routines,
    types,
    schemas,
    triggers,
    rules,
    policies,
    statistics,
    text_search,
    operators,
    casts,
    collations,
    languages,
    comments,
    security_labels,
    grants,
    owners,
    extensions,
    roles,
    publications,
    event_triggers,
    foreign_data,
    other,
};

constexpr std::size_t ddl_class_count = static_cast<std::size_t>(DdlClass::other);  // of those that can be set

const char *to_string(DdlAction action);
const char *to_string(DdlRole role);
const char *to_string(DdlClass ddl_class);  // the key in [ddl]

// The class of statements with this command tag ("ALTER TABLE").
DdlClass ddl_class_of(std::string_view tag, bool owner_statement = false);

struct DdlPolicy {
    DdlRole role = DdlRole::applier;
    std::int64_t lock_timeout_seconds = 5;
    std::int64_t lock_retry_seconds = 600;  // how long a statement that waits for locks is tried again

    // As it stands for a task that copies neither owners nor grants.
    DdlPolicy();

    DdlAction action(DdlClass ddl_class) const;
    DdlAction action(std::string_view tag, bool owner_statement) const {
        return action(ddl_class_of(tag, owner_statement));
    }
    // Requires: not DdlClass::other.
    void set(DdlClass ddl_class, DdlAction action);

private:
    std::array<DdlAction, ddl_class_count> actions_;
};

}  // namespace walferry
