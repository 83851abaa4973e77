// What can go wrong, as a value. Below `main` nothing throws: calls that can fail return a Result.
//
// An Error says who must act (kind), on which server (side), and carries PostgreSQL's own fields; whether it is tried
// again, and with which exit code the program ends, is decided in run/ and cli/ alone.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace walferry {

enum class ErrorKind {
    usage,        // the command line
    config,       // the task file, or what it names
    state,        // a server or the task is in a state in which going on would be wrong
    transient,    // may pass: a lost connection, a server that is starting, a slot still held by our dead walsender
    server,       // an SQL error that trying again doesn't mend
    conflict,     // a change that can't be applied to what the destination holds
    protocol,     // bytes from the source that are not the change format
    interrupted,  // the operator asked us to stop
    bug,          // an invariant of ours is broken
};

enum class Side { none, source, destination };

struct Error {
    ErrorKind kind = ErrorKind::bug;
    Side side = Side::none;
    std::string sqlstate;  // five characters, or empty when no server spoke
    std::string message;   // one line, lower case, no full stop
    std::string detail;    // sentences; what was found
    std::string hint;      // sentences; what to do
    std::string context;   // relation, LSN, statement

    // The same error with more said; an earlier text is kept, the new one goes after it.
    Error with_detail(std::string_view text) &&;
    Error with_hint(std::string_view text) &&;
    Error with_context(std::string_view text) &&;

    // All of it for people: the message, then indented lines `detail: ...`, `hint: ...`, `context: ...`.
    std::string text() const;
};

const char *to_string(Side side);

// A value or an Error. Ignoring one is a compile-time warning.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
public:
    using tl::expected<void, Error>::expected;
};

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, std::string hint = {}) {
    return fail(Error{kind, Side::none, {}, std::move(message), {}, std::move(hint), {}});
}

}  // namespace walferry

#define WF_CONCAT_(a, b) a##b
#define WF_CONCAT(a, b) WF_CONCAT_(a, b)

// Return the error of `expression`, a Result, if it holds one. (Counted names: an expression may hold a lambda that
// uses these macros itself.)
#define WF_TRY(expression) WF_TRY_(WF_CONCAT(wf_result_, __COUNTER__), expression)
#define WF_TRY_(result, expression)                                                                  \
    do {                                                                                             \
        if (auto result = (expression); !result) return ::walferry::fail(std::move(result).error()); \
    } while (false)

// `WF_ASSIGN(auto value, call())`: declare or set `value` from a Result, or return its error.
#define WF_ASSIGN(target, expression) WF_ASSIGN_(WF_CONCAT(wf_result_, __COUNTER__), target, expression)
#define WF_ASSIGN_(result, target, expression)                       \
    auto result = (expression);                                      \
    if (!result) return ::walferry::fail(std::move(result).error()); \
    target = std::move(*result)
