#include "settings/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "settings/problem.h"

namespace settings {
namespace {

constexpr const char* kSearchVariable = "RAFT_ACTOR_CONFIG_PATH";
// More than parse() accepts, so that it can refuse, and little where a file has no end.
constexpr std::size_t kMaxReadBytes = 128 * 1024;

bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_directory(status);
}

}  // namespace

const Member& Settings::self() const {
  const auto found = std::ranges::find(members, node.id, &Member::id);
  if (found == members.end()) throw std::logic_error("settings without the node's own member");
  return *found;
}

Settings load(const std::filesystem::path& file) {
  const std::string name = file.string();
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    fail(name, "is a directory; name a settings file in it, such as node1.toml");
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMaxReadBytes, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    const int code = errno;
    const std::string reason = std::generic_category().message(code == 0 ? EIO : code);
    fail(name, fmt::format("cannot be read ({}); check its path and permissions", reason));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse(text, name);
}

std::filesystem::path find(const std::string& file) {
  if (file.empty()) fail("settings", "the name of the file is empty; give one, such as node1.toml");
  if (file.find('/') != std::string::npos || is_file(file)) return file;
  const char* const variable = std::getenv(kSearchVariable);
  const std::string folders = variable == nullptr ? "" : variable;
  for (std::size_t begin = 0; begin < folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    begin = end + 1;
    if (!folder.empty() && is_file(std::filesystem::path(folder) / file)) {
      return std::filesystem::path(folder) / file;
    }
  }
  const std::string searched =
      folders.empty() ? fmt::format("and {} is not set", kSearchVariable)
                      : fmt::format("nor in the folders of {}: {}", kSearchVariable, folders);
  fail(file, fmt::format("not found in the current folder, {}; give its path", searched));
}

}  // namespace settings
