// SPDX-License-Identifier: PostgreSQL
#include "pq/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace walferry::pq {

namespace {

struct FreeOptions {
    void operator()(PQconninfoOption *options) const { PQconninfoFree(options); }
};

std::string quoted(std::string_view value) {
    std::string out = "'";
    for (char c : value) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

}  // namespace

Result<Conninfo> Conninfo::parse(const std::string &text, std::string_view what) {
    char *message = nullptr;
    const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(text.c_str(), &message));
    const std::unique_ptr<char, decltype(&PQfreemem)> free_message(message, &PQfreemem);
    if (!options) {
        // libpq's words may repeat a part of the string, and that part may be the password.
        return fail(ErrorKind::config, std::string(what) + " is not a valid connection string",
                    "Write a URI (postgresql://user@host:5432/database) or key=value pairs "
                    "(host=... dbname=... user=...); quote values that hold spaces with single quotes.");
    }
    Conninfo out;
    for (const PQconninfoOption *option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) out.parameters_.emplace_back(option->keyword, option->val);
    }
    return out;
}

void Conninfo::set(std::string_view keyword, std::string_view value) {
    for (auto &[name, current] : parameters_) {
        if (name == keyword) {
            current = value;
            return;
        }
    }
    parameters_.emplace_back(keyword, value);
}

void Conninfo::set_default(std::string_view keyword, std::string_view value) {
    if (get(keyword).empty()) set(keyword, value);
}

std::string Conninfo::get(std::string_view keyword) const {
    for (const auto &[name, value] : parameters_) {
        if (name == keyword) return value;
    }
    return {};
}

std::string Conninfo::take_password() {
    std::string password = get("password");
    std::erase_if(parameters_, [](const auto &parameter) { return parameter.first == "password"; });
    return password;
}

std::string Conninfo::text() const {
    std::string out;
    for (const auto &[name, value] : parameters_) {
        if (!out.empty()) out += ' ';
        out += name + "=" + quoted(value);
    }
    return out;
}

}  // namespace walferry::pq
