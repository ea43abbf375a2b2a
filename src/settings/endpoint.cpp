#include "settings/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace settings {
namespace {

constexpr std::string_view kScheme = "tcp://";
constexpr std::size_t kMaxHostBytes = 253;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool fits_in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// In the one spelling that inet_ntop gives; the zone after a '%' is kept.
std::optional<std::string> canonical_ipv6(const std::string& host) {
  const auto zone = std::min(host.find('%'), host.size());
  in6_addr address{};
  char text[INET6_ADDRSTRLEN] = {};
  if (inet_pton(AF_INET6, host.substr(0, zone).c_str(), &address) != 1) return std::nullopt;
  if (inet_ntop(AF_INET6, &address, text, sizeof text) == nullptr) return std::nullopt;
  const std::string suffix = host.substr(zone);
  if (!suffix.empty() && !std::ranges::all_of(suffix.substr(1), fits_in_name)) return std::nullopt;
  return text + suffix;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text, std::string& objection) {
  const auto refuse = [&](const char* reason) {
    objection = reason;
    return std::nullopt;
  };
  objection.clear();
  if (!text.starts_with(kScheme)) return refuse("it does not begin with tcp://");
  text.remove_prefix(kScheme.size());
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("it has no port");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return refuse("its port is not a number of 1 to 65535");

  std::string host(text.substr(0, colon));
  std::ranges::transform(host, host.begin(), lower);
  if (host.empty()) return refuse("it has no host");
  if (host.size() > kMaxHostBytes) return refuse("its host is longer than 253 characters");
  if (host == "*" || host == "0.0.0.0")
    return refuse("other nodes cannot connect to every address");
  if (host.front() == '[' && host.back() == ']') {
    const auto address = canonical_ipv6(host.substr(1, host.size() - 2));
    if (!address) return refuse("its host is not an IPv6 address");
    if (*address == "::") return refuse("other nodes cannot connect to every address");
    return Endpoint{*address, *port};
  }
  if (host.find(':') != std::string::npos) return refuse("an IPv6 address stands in brackets");
  if (!std::ranges::all_of(host, fits_in_name)) return refuse("its host has a forbidden character");
  const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
  if (numeric && !is_ipv4(host)) return refuse("its host is not an IPv4 address");
  return Endpoint{host, *port};
}

bool is_address(const std::string& host) { return is_ipv4(host) || canonical_ipv6(host); }

}  // namespace settings
