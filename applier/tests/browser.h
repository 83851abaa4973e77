// A real browser without a screen: Debian's chromium, steered over WebDriver (https://www.w3.org/TR/webdriver2/) with curl.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.h"

namespace walferry::testing {

class Browser {
public:
    static bool installed();

    // A window of that size; `dark`: what the system would say.
    Browser(int width, int height, bool dark);
    Browser(const Browser &) = delete;
    Browser &operator=(const Browser &) = delete;
    ~Browser();

    void open(const std::string &url);
    // The value of "return ...;".
    nlohmann::json evaluate(const std::string &script);
    // PNG.
    void screenshot(const std::string &file);
    // What the page has written to the console so far, since the last call; only what is worse than "info".
    std::vector<std::string> complaints();
    // The URLs that it has asked for since the last call.
    std::vector<std::string> requests();

private:
    nlohmann::json call(const std::string &method, const std::string &path, const nlohmann::json &body = {});
    nlohmann::json log(const std::string &type);

    Process driver_;
    std::string address_;
    std::string session_;
};

}  // namespace walferry::testing
