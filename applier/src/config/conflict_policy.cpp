// SPDX-License-Identifier: PostgreSQL
#include "config/conflict_policy.h"

namespace walferry {

const char *to_string(ConflictKind kind) {
    switch (kind) {
        case ConflictKind::insert_exists:
            return "insert_exists";
        case ConflictKind::update_missing:
            return "update_missing";
        case ConflictKind::delete_missing:
            return "delete_missing";
        case ConflictKind::constraint_violation:
            return "constraint_violation";
    }
    return "";
}

const char *to_string(ConflictAction action) {
    switch (action) {
        case ConflictAction::stop:
            return "stop";
        case ConflictAction::overwrite:
            return "overwrite";
        case ConflictAction::skip:
            return "skip";
        case ConflictAction::quarantine:
            return "quarantine";
    }
    return "";
}

const char *to_string(ExistingRows existing) {
    switch (existing) {
        case ExistingRows::refuse:
            return "refuse";
        case ExistingRows::keep:
            return "keep";
        case ExistingRows::replace:
            return "replace";
    }
    return "";
}

}  // namespace walferry
