#include "database/rocks_log.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <ctime>

namespace database {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

class RocksLog final : public rocksdb::Logger {
 public:
  // Where the file cannot be opened nothing is said.
  explicit RocksLog(const std::string& path)
      : Logger(rocksdb::WARN_LEVEL), file_(std::fopen(path.c_str(), "we")) {}
  ~RocksLog() override {
    if (file_ != nullptr) std::fclose(file_);
  }
  RocksLog(const RocksLog&) = delete;
  RocksLog& operator=(const RocksLog&) = delete;

  using Logger::Logv;
  // From any thread of RocksDB: stdio locks the file for each line.
  void Logv(const char* format, std::va_list arguments) override {
    if (file_ == nullptr || bytes_ >= kMaxBytes) return;
    char line[1000];
    const int size = std::vsnprintf(line, sizeof line, format, arguments);
    if (size <= 0) return;
    const auto now = static_cast<long long>(std::time(nullptr));
    const int written = std::fprintf(file_, "%lld %s\n", now, line);
    if (written > 0) bytes_ += static_cast<std::size_t>(written);
    std::fflush(file_);
    std::clearerr(file_);
  }

 private:
  std::FILE* file_;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> open_rocks_log(const std::string& directory) {
  return std::make_shared<RocksLog>(directory + "/LOG");
}

}  // namespace database
