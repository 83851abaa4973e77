// Large objects: they come with the initial copy, and nothing that happens to them later is in the change stream.
//
//   source       BEGIN REPEATABLE READ; COPY of their pieces, in the order of their OIDs
//   destination  BEGIN; make and write objects; their owners, privileges, comments; walferry.large_object.last_oid; COMMIT
//                and so on, some 1,000 objects or 64 MB a transaction, always whole objects
//
// Invariant: of the source's OIDs, those up to last_oid are at the destination, whole and ours; any above are not, or else are
// somebody else's. So a killed copy goes on behind last_oid, and what others have made is never written to.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Copy every large object of the source's database with its OID and content; with its owner if task.owners, its
// privileges if task.grants, and its comment. Each role must exist here, as for tables, and the
// account must be a member of a new owner, or a superuser. Memory: a few MB, whatever their sizes.
//
// To be called when the tables are copied: then an object that a copied row names is copied too. Blocks until all are
// copied. Called again after a crash it copies the rest.
//
// Requires: both connections speak the source's encoding and are outside of a transaction; `destination` holds the task's
// lock, so that no predecessor's backend still writes. After an error the source's connection is of no more use.
// Errors: ErrorKind::state naming objects that the account may not read, or OIDs that are taken at the destination.
Result<void> copy_large_objects(pq::Connection &source, pq::Connection &destination, const Task &task);

// OIDs of those that the source's account may not read.
Result<std::vector<std::string>> unreadable_large_objects(pq::Connection &source);

// OIDs above `last_oid` that large objects of both databases have.
Result<std::vector<std::string>> colliding_large_objects(pq::Connection &source, pq::Connection &destination,
                                                         const std::string &last_oid = "0");

}  // namespace walferry
