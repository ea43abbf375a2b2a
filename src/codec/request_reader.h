// RequestReader: takes the fields of a request by name and checks each. The first defect is kept,
// so that a request is read in straight lines and judged once. For the sources of src/codec alone.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/client_codec.h"
#include "codec/request_fields.h"

namespace codec {

inline constexpr std::uint64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();

class RequestReader {
 public:
  RequestReader(const RequestFields& fields, const ClientLimits& limits)
      : fields_(fields), limits_(limits) {}

  [[nodiscard]] const std::string& defect() const { return defect_; }
  [[nodiscard]] const ClientLimits& limits() const { return limits_; }
  [[nodiscard]] const RequestFields& fields() const { return fields_; }

  // A key or channel: 1 to max_key_bytes. As views into the frame, as those of the fields.
  [[nodiscard]] std::string_view key(FieldName name);
  [[nodiscard]] std::string_view bytes(FieldName name);
  [[nodiscard]] std::uint64_t number(FieldName name, std::uint64_t otherwise);
  // From `least` to `most`; it must be there.
  [[nodiscard]] std::uint64_t number_of(FieldName name, std::uint64_t least, std::uint64_t most);
  // The same; none where it is missing or nil.
  [[nodiscard]] std::optional<std::uint64_t> optional_number(FieldName name, std::uint64_t least,
                                                             std::uint64_t most);
  [[nodiscard]] bool linearizable();
  [[nodiscard]] std::vector<std::string> topics();
  // Of `session` and `seq`, of which both are there or neither.
  [[nodiscard]] std::optional<WriteName> write_name();

  void fail(std::string defect) {
    if (defect_.empty()) defect_ = std::move(defect);
  }
  // `name` as people read it: "peer", or "peer of member 2 in add".
  void fail_type(const FieldValue& value, std::string_view name, std::string_view wanted);
  void check_range(std::string_view name, std::uint64_t value, std::uint64_t least,
                   std::uint64_t most);

 private:
  const RequestFields& fields_;
  const ClientLimits& limits_;
  std::string defect_;
};

}  // namespace codec
