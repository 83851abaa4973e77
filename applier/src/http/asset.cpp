// SPDX-License-Identifier: PostgreSQL
#include "http/asset.h"

#include <algorithm>
#include <array>

// The assembler takes the files in as they are; CMake says where they are, and that this depends on them.
#define WF_EMBED(name, path) \
    __asm__(                 \
        ".section .rodata\n" \
        "walferry_" #name    \
        ":\n"                \
        ".incbin \"" path    \
        "\"\n"               \
        "walferry_" #name    \
        "_end:\n"            \
        ".previous\n");      \
    extern "C" const char walferry_##name[], walferry_##name##_end[]

WF_EMBED(page, WALFERRY_PAGE_DIR "/index.html");
WF_EMBED(style, WALFERRY_PAGE_DIR "/dashboard.css");
WF_EMBED(script, WALFERRY_PAGE_DIR "/dashboard.js");
WF_EMBED(icon, WALFERRY_PAGE_DIR "/icon.svg");
WF_EMBED(charts, WALFERRY_CHART_JS);

namespace walferry {

std::optional<Asset> find_asset(std::string_view path) {
    struct File {
        std::string_view path;
        std::string_view content_type;
        const char *begin;
        const char *end;
    };
    static const std::array<File, 5> files = {{
        {"/", "text/html; charset=utf-8", walferry_page, walferry_page_end},
        {"/dashboard.css", "text/css; charset=utf-8", walferry_style, walferry_style_end},
        {"/dashboard.js", "text/javascript; charset=utf-8", walferry_script, walferry_script_end},
        {"/icon.svg", "image/svg+xml", walferry_icon, walferry_icon_end},
        {"/chart.js", "text/javascript; charset=utf-8", walferry_charts, walferry_charts_end},
    }};
    const auto *const found = std::find_if(files.begin(), files.end(), [&](const File &f) { return f.path == path; });
    if (found == files.end()) return std::nullopt;
    return Asset{found->content_type, {found->begin, static_cast<std::size_t>(found->end - found->begin)}};
}

}  // namespace walferry
