// The source's setting output_plugin_libraries: newer minor releases load only the output plugins that it lists.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

struct PluginSetting {
    enum class State {
        unknown,  // this release doesn't know the setting: every plugin may be loaded
        hidden,   // the account may not see it
        allows,   // walferry is listed
        forbids,
    };
    State state = State::unknown;
    std::string value;  // as the server shows it; empty when unknown or hidden
};

// Does the setting's value list walferry?
bool lists_walferry(const std::string &value);

// The commands that add walferry and keep what is there: a new value replaces the old one. An empty value stands for
// one that can't be seen: then PostgreSQL's default is kept.
std::string allow_walferry_sql(const std::string &value);

Result<PluginSetting> read_plugin_setting(pq::Connection &source);

}  // namespace walferry
