// SPDX-License-Identifier: PostgreSQL
#include "http/site.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "http/asset.h"
#include "http/metrics.h"
#include "observe/ddl_report.h"

namespace walferry {

namespace {

using nlohmann::ordered_json;

constexpr const char *json_type = "application/json";

HttpResponse refuse(int code, const std::string &error) {
    return {code, json_type, ordered_json({{"ok", false}, {"error", error}}).dump() + "\n"};
}

// In a time that doesn't tell how much of it is right.
bool same(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[b.empty() ? 0 : i % b.size()]);
    }
    return difference == 0;
}

// Without the port.
std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.rfind(':'));
}

bool is_here(std::string_view host) {
    const auto name = host_name(host);
    return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

std::uint64_t number_after(std::string_view query, std::string_view name) {
    const auto at = query.find(name);
    std::uint64_t number = 0;
    if (at != std::string_view::npos) {
        std::from_chars(query.data() + at + name.size(), query.data() + query.size(), number);
    }
    return number;
}

}  // namespace

const std::vector<std::pair<std::string, std::string>> &security_headers() {
    static const std::vector<std::pair<std::string, std::string>> headers = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
    };
    return headers;
}

HttpResponse Site::answer(const HttpRequest &request) const {
    if (only_here_ && !is_here(request.host)) return refuse(403, "this listens for its own machine alone");
    if (request.path == "/control") return control(request);
    if (request.method != "GET" && request.method != "HEAD") return refuse(405, "only GET is answered here");
    return get(request);
}

HttpResponse Site::get(const HttpRequest &request) const {
    if (const auto asset = find_asset(request.path)) {
        return {200, std::string(asset->content_type), std::string(asset->bytes)};
    }
    if (request.path == "/status.json") return {200, json_type, status()};
    if (request.path == "/history.json") {
        return {200, json_type, history_.as_json(number_after(request.query, "after=")).dump() + "\n"};
    }
    if (request.path == "/metrics") {
        return {200, "text/plain; version=0.0.4; charset=utf-8", status_as_metrics(watched_().status)};
    }
    if (request.path == "/healthz") return health();
    return refuse(404, "there is no such page");
}

std::string Site::status() const {
    const Watched watched = watched_();
    auto json = ordered_json::parse(status_as_json(watched.status));
    json["ddl"] = ordered_json::parse(ddl_as_json(watched.status.task, watched.ddl))["statements"];
    json["steerable"] = !token_.empty();
    return json.dump() + "\n";
}

HttpResponse Site::health() const {
    const Status status = watched_().status;
    if (status.live && status.live->retry) return {503, "text/plain; charset=utf-8", status.live->retry->error + "\n"};
    return {200, "text/plain; charset=utf-8", "ok\n"};
}

HttpResponse Site::control(const HttpRequest &request) const {
    if (token_.empty()) return refuse(403, "nothing can be steered here: http.token_file is not set");
    if (request.method != "POST") return refuse(405, "requests are sent with POST");
    if (!request.content_type.starts_with(json_type)) return refuse(415, "a request is JSON (application/json)");
    if (!same(request.authorization, "Bearer " + token_)) return refuse(401, "the token is wrong");
    const std::string answer = requests_.answer(request.body);
    const bool ok = nlohmann::json::parse(answer)["ok"].get<bool>();
    return {ok ? 200 : 400, json_type, answer + "\n"};
}

}  // namespace walferry
