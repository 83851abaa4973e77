// SPDX-License-Identifier: PostgreSQL
#include "browser.h"

#include <stdexcept>

#include "cluster.h"
#include "task.h"

namespace walferry::testing {

using nlohmann::json;

namespace {

const char *const driver_program = "/usr/bin/chromedriver";

std::string decoded(const std::string &base64) {
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : base64) {
        const auto digit = digits.find(c);
        if (digit == std::string::npos) break;
        bits = bits << 6 | static_cast<unsigned>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> count & 0xFFU);
    }
    return out;
}

}  // namespace

bool Browser::installed() {
    return run({"test", "-x", driver_program}).exit_code == 0 && run({"which", "chromium"}).exit_code == 0;
}

Browser::Browser(int width, int height, bool dark) : driver_({driver_program, "--port=0"}) {
    const std::string said = "started successfully on port ";
    wait_while_running(driver_, "the driver's port", [&] {
        const std::string output = driver_.output();
        const auto at = output.find(said);
        if (at == std::string::npos) return false;
        address_ = "http://127.0.0.1:" + std::to_string(std::stoi(output.substr(at + said.size())));
        return true;
    });
    json arguments = {"--headless=new",
                      "--no-sandbox",
                      "--disable-gpu",
                      "--disable-dev-shm-usage",
                      "--hide-scrollbars",
                      "--window-size=" + std::to_string(width) + "," + std::to_string(height),
                      "--user-data-dir=" + scratch_folder() + "/.browser" + std::to_string(width) + (dark ? "d" : "l")};
    if (dark) arguments.push_back("--force-dark-mode");
    const json capabilities = {{"goog:chromeOptions", {{"binary", "/usr/bin/chromium"}, {"args", arguments}}},
                               {"goog:loggingPrefs", {{"browser", "ALL"}, {"performance", "ALL"}}}};
    session_ =
        "/session/" +
        call("POST", "/session", {{"capabilities", {{"alwaysMatch", capabilities}}}})["sessionId"].get<std::string>();
}

Browser::~Browser() {
    try {
        call("DELETE", session_);
    } catch (const std::exception &) {  // NOLINT(bugprone-empty-catch): the driver is killed anyway
    }
}

json Browser::call(const std::string &method, const std::string &path, const json &body) {
    std::vector<std::string> command = {"curl", "-s", "--max-time", "120", "-X", method, address_ + path};
    if (!body.is_null()) command.insert(command.end(), {"-H", "Content-Type: application/json", "-d", body.dump()});
    const auto answer = json::parse(run_or_throw(command));
    if (answer["value"].is_object() && answer["value"].contains("error")) {
        throw std::runtime_error("WebDriver " + path + ": " + answer["value"]["message"].get<std::string>());
    }
    return answer["value"];
}

void Browser::open(const std::string &url) { call("POST", session_ + "/url", {{"url", url}}); }

json Browser::evaluate(const std::string &script) {
    return call("POST", session_ + "/execute/sync", {{"script", script}, {"args", json::array()}});
}

void Browser::screenshot(const std::string &file) {
    write_file(file, decoded(call("GET", session_ + "/screenshot").get<std::string>()));
}

json Browser::log(const std::string &type) { return call("POST", session_ + "/se/log", {{"type", type}}); }

std::vector<std::string> Browser::complaints() {
    std::vector<std::string> out;
    for (const json &entry : log("browser")) {
        if (entry["level"] != "INFO" && entry["level"] != "DEBUG") out.push_back(entry["message"]);
    }
    return out;
}

std::vector<std::string> Browser::requests() {
    std::vector<std::string> out;
    for (const json &entry : log("performance")) {
        const json message = json::parse(entry["message"].get<std::string>())["message"];
        if (message["method"] != "Network.requestWillBeSent") continue;
        const json &request = message["params"];
        const bool own = request["documentURL"].get<std::string>().starts_with("chrome:");  // its page before ours
        if (!own) out.push_back(request["request"]["url"]);
    }
    return out;
}

}  // namespace walferry::testing
