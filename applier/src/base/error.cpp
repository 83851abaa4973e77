// SPDX-License-Identifier: PostgreSQL
#include "base/error.h"

namespace walferry {

namespace {

void append(std::string &field, std::string_view text, std::string_view separator) {
    if (text.empty()) return;
    if (!field.empty()) field += separator;
    field += text;
}

void append_line(std::string &out, std::string_view label, std::string_view text) {
    if (text.empty()) return;
    out += "\n  ";
    out += label;
    out += ": ";
    for (char c : text) {
        out += c;
        if (c == '\n') out += "    ";
    }
}

}  // namespace

Error Error::with_detail(std::string_view text) && {
    append(detail, text, " ");
    return std::move(*this);
}

Error Error::with_hint(std::string_view text) && {
    append(hint, text, " ");
    return std::move(*this);
}

Error Error::with_context(std::string_view text) && {
    append(context, text, "; ");
    return std::move(*this);
}

std::string Error::text() const {
    std::string out;
    if (side != Side::none) {
        out += to_string(side);
        out += ": ";
    }
    out += message;
    if (!sqlstate.empty()) out += " (SQLSTATE " + sqlstate + ")";
    append_line(out, "detail", detail);
    append_line(out, "hint", hint);
    append_line(out, "context", context);
    return out;
}

const char *to_string(Side side) {
    switch (side) {
        case Side::source:
            return "source";
        case Side::destination:
            return "destination";
        case Side::none:
            break;
    }
    return "";
}

}  // namespace walferry
