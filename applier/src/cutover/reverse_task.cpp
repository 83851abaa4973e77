// SPDX-License-Identifier: PostgreSQL
#include "cutover/reverse_task.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

namespace walferry {

namespace {

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string toml_list(const std::vector<std::string> &texts) {
    std::string out;
    for (const auto &text : texts) out += (out.empty() ? "" : ", ") + toml_text(text);
    return "[" + out + "]";
}

}  // namespace

std::string reverse_file_name(const std::string &file) {
    const std::filesystem::path path(file);
    return (path.parent_path() / (path.stem().string() + "_back" + path.extension().string())).string();
}

std::string reverse_task_text(const Task &task) {
    return fmt::format(
        "# The way back from the cut-over of task {}.\n\n[task]\nname = {}\nstages = [\"stream\"]\n\n[source]\nconninfo = {}\n{}\n"
        "[destination]\nconninfo = {}\n\n[objects]\ninclude = {}\nexclude = {}\n\n[schema]\nowners = {}\ngrants = {}\n",
        task.name, toml_text(task.name.substr(0, 35) + "_back"), toml_text(task.destination_conninfo),
        task.local ? "origin = \"local\"\n" : "", toml_text(task.source_conninfo), toml_list(task.include),
        toml_list(task.exclude), task.owners, task.grants);
}

Result<Task> write_reverse_task(const Task &task, const std::string &file) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0 && errno != EEXIST) {
        return fail(ErrorKind::config, fmt::format("can't write {}: {}", file, std::strerror(errno)),
                    "Name another file: --reverse-file FILE.");
    }
    if (descriptor >= 0) {
        const std::string text = reverse_task_text(task);
        const bool written = write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
        if (close(descriptor) != 0 || !written) {
            (void)unlink(file.c_str());
            return fail(ErrorKind::config, "can't write " + file);
        }
    }
    WF_ASSIGN(Task reverse, read_task(file));
    const bool leads_back = reverse.source_conninfo == task.destination_conninfo &&
                            reverse.destination_conninfo == task.source_conninfo && reverse.stream_stage &&
                            !reverse.copy_stage && !reverse.schema_stage;
    if (!leads_back) {
        return fail(ErrorKind::config, file + " is there already, and isn't the way back of this task",
                    "Remove it, or name another file: --reverse-file FILE.");
    }
    return reverse;
}

}  // namespace walferry
