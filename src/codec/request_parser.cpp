#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "codec/client_codec.h"
#include "codec/membership_requests.h"
#include "codec/printable.h"
#include "codec/request_fields.h"
#include "codec/request_reader.h"

namespace codec {
namespace {

using Type = FieldValue::Type;
using Reader = RequestReader;

constexpr std::uint64_t kDefaultReplayLimit = 1000;
constexpr std::uint64_t kDefaultSnapshotPartBytes = 256 << 10;
constexpr std::size_t kPrintedOperationBytes = 32;

RequestBody read_set(Reader& reader) {
  return SetRequest{.key = reader.key(FieldName::kKey),
                    .value = reader.bytes(FieldName::kValue),
                    .name = reader.write_name()};
}

RequestBody read_get(Reader& reader) {
  return GetRequest{.key = reader.key(FieldName::kKey), .linearizable = reader.linearizable()};
}

RequestBody read_delete(Reader& reader) {
  return DeleteRequest{.key = reader.key(FieldName::kKey), .name = reader.write_name()};
}

RequestBody read_publish(Reader& reader) {
  return PublishRequest{.channel = reader.key(FieldName::kChannel),
                        .value = reader.bytes(FieldName::kValue),
                        .name = reader.write_name()};
}

RequestBody read_replay(Reader& reader) {
  const std::uint64_t most = reader.limits().max_replay_count;
  ReplayRequest request{
      .after = reader.number(FieldName::kAfter, 0),
      .topics = reader.topics(),
      .limit = reader.number(FieldName::kLimit, std::min(kDefaultReplayLimit, most))};
  if (request.after > kMaxIndex) {
    reader.fail(fmt::format("the field after is {}, no log has that index", request.after));
  }
  if (request.limit == 0 || request.limit > most) {
    reader.fail(fmt::format("the field limit is {}, it goes from 1 to {}", request.limit, most));
  }
  return request;
}

RequestBody read_status(Reader&) { return StatusRequest{}; }

RequestBody read_debug(Reader&) { return DebugRequest{}; }

RequestBody read_snapshot(Reader&) { return SnapshotRequest{}; }

RequestBody read_snapshot_read(Reader& reader) {
  const auto max_bytes = reader.optional_number(FieldName::kMaxBytes, 1, kMaxSnapshotPartBytes);
  return SnapshotReadRequest{.index = reader.optional_number(FieldName::kIndex, 0, kMaxIndex),
                             .offset = reader.number_of(FieldName::kOffset, 0, kMaxIndex),
                             .max_bytes = max_bytes.value_or(kDefaultSnapshotPartBytes)};
}

RequestBody read_session_open(Reader& reader) {
  return SessionOpenRequest{.timeout_ms = reader.optional_number(
                                FieldName::kTimeout, kMinSessionTimeoutMs, kMaxSessionTimeoutMs)};
}

RequestBody read_session_close(Reader& reader) {
  return SessionCloseRequest{.session = reader.number_of(FieldName::kSession, 1, kMaxIndex)};
}

struct Operation {
  std::string_view name;
  RequestBody (*read)(Reader&);
};

constexpr std::array kOperations = {
    Operation{"set", read_set},
    Operation{"get", read_get},
    Operation{"delete", read_delete},
    Operation{"publish", read_publish},
    Operation{"replay", read_replay},
    Operation{"status", read_status},
    Operation{"debug", read_debug},
    Operation{"members", read_members},
    Operation{"change", read_change},
    Operation{"join", read_join},
    Operation{"leave", read_leave},
    Operation{"promote", read_promote},
    Operation{"transfer", read_transfer},
    Operation{"snapshot", read_snapshot},
    Operation{"snapshot.read", read_snapshot_read},
    Operation{"session.open", read_session_open},
    Operation{"session.close", read_session_close},
};

// Levenshtein's distance: how many letters to insert, remove or replace.
std::size_t edit_distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row[other.size()];
}

std::string describe_unknown_operation(std::string_view name) {
  constexpr std::size_t kNearEnough = 2;
  std::string list;
  std::string_view nearest;
  std::size_t distance = kNearEnough + 1;
  for (const auto& operation : kOperations) {
    list += list.empty() ? "" : ", ";
    list += operation.name;
    if (name.size() > operation.name.size() + kNearEnough) continue;
    const std::size_t here = edit_distance(name, operation.name);
    if (here < distance) {
      distance = here;
      nearest = operation.name;
    }
  }
  return fmt::format("the op '{}' is unknown{}; the ops are {}",
                     printable(name, kPrintedOperationBytes),
                     nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest), list);
}

}  // namespace

std::variant<Request, RequestError> parse_request(std::string_view frame,
                                                  const ClientLimits& limits) {
  const RequestFields fields(frame);
  const auto error = [&](ErrorCode code, std::string message) {
    return RequestError{std::string(fields.id()), code, std::move(message)};
  };
  if (frame.size() > limits.max_request_bytes) {
    return error(ErrorCode::kTooLarge, fmt::format("the request has {} bytes, at most {} are taken",
                                                   frame.size(), limits.max_request_bytes));
  }
  if (!fields.defect().empty()) return error(ErrorCode::kBadRequest, fields.defect());

  const FieldValue& op = fields[FieldName::kOperation];
  if (op.type != Type::kText) {
    return error(ErrorCode::kBadRequest, op.type == Type::kMissing ? "the field op is missing"
                                                                   : "the field op is not a str");
  }
  const auto* operation = std::find_if(kOperations.begin(), kOperations.end(),
                                       [&](const auto& each) { return each.name == op.bytes; });
  if (operation == kOperations.end()) {
    return error(ErrorCode::kUnknownOperation, describe_unknown_operation(op.bytes));
  }
  Reader reader(fields, limits);
  RequestBody body = operation->read(reader);
  if (!reader.defect().empty()) return error(ErrorCode::kBadRequest, reader.defect());
  return Request{std::string(fields.id()), std::move(body)};
}

}  // namespace codec
