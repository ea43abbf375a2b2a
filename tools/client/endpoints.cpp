#include "client/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "settings/settings.h"

namespace client {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> endpoints_of_file(const std::string& config) {
  NodeFile node = read_node_file(config);
  node.others.insert(node.others.begin(), node.client);
  return node.others;
}

std::vector<fs::path> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;  // a folder that is not there has no files
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> endpoints_of_folders(const std::string& folders) {
  std::vector<std::string> endpoints;
  std::istringstream stream(folders);
  for (std::string folder; std::getline(stream, folder, ':');) {
    if (folder.empty()) continue;
    for (const fs::path& file : files_of_folder(folder)) {
      try {
        const settings::Settings node = settings::load(file);
        if (!node.join.empty()) continue;  // it may not be part of the cluster yet
        const std::string endpoint = node.self().client;
        if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
          endpoints.push_back(endpoint);
        }
      } catch (const settings::InvalidSettings& error) {
        std::cerr << "passed over: " << error.what() << '\n';
      }
    }
  }
  return endpoints;
}

}  // namespace

std::vector<std::string> find_client_endpoints(const std::vector<std::string>& to,
                                               const std::string& config) {
  for (const std::string& endpoint : to) check_endpoint(endpoint);
  if (!to.empty()) return to;
  if (!config.empty()) return endpoints_of_file(config);
  std::vector<std::string> endpoints;
  if (const char* folders = std::getenv("RAFT_ACTOR_CONFIG_PATH"); folders != nullptr) {
    endpoints = endpoints_of_folders(folders);
  }
  if (!endpoints.empty()) return endpoints;
  for (int node = 1; node <= 5; ++node) {
    endpoints.push_back(fmt::format("tcp://127.0.0.1:411{}", node));
  }
  return endpoints;
}

NodeFile read_node_file(const std::string& config) {
  try {
    const settings::Settings node = settings::load(settings::find(config));
    const settings::Member& self = node.self();
    NodeFile file{self.id, self.peer, self.client, self.publish, {}};
    for (const settings::Member& member : node.members) {
      if (member.id != self.id) file.others.push_back(member.client);
    }
    // Such a file names whom to ask, and may name no other member.
    if (!node.join.empty()) file.others = node.join;
    return file;
  } catch (const settings::InvalidSettings& error) {
    throw UsageError(error.what());
  }
}

void check_endpoint(const std::string& endpoint) {
  constexpr std::string_view kScheme = "tcp://";
  const std::size_t colon = endpoint.rfind(':');
  const std::string port = colon == std::string::npos ? "" : endpoint.substr(colon + 1);
  const bool digits =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!endpoint.starts_with(kScheme) || colon <= kScheme.size() || !digits ||
      std::stoul(port) == 0 || std::stoul(port) > 65535) {
    throw UsageError(
        fmt::format("'{}' is no endpoint; it looks like tcp://127.0.0.1:4111", endpoint));
  }
}

}  // namespace client
