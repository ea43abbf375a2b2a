// What an append costs until it is on the disk of TMPDIR, by each way that Linux has for it: a
// write and fdatasync, as the product does; a write to a file opened with O_DSYNC; and both in one
// call of io_uring, where liburing is there. Into a file that is filled with zeros, from its
// front to its end and over again. One at a time, as the log is written; the whole call is timed.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <vector>

#include "temporary_folder.h"

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

namespace {

constexpr std::size_t kFileBytes = 8 << 20;

void check(bool done, const char* what, int error) {
  if (!done) throw std::system_error(error, std::generic_category(), what);
}

class ZeroFile {
 public:
  explicit ZeroFile(int flags) {
    const auto path = folder_.path() / "zeros";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    check(descriptor_ >= 0, "open", errno);
    write(std::vector<char>(kFileBytes), 0);
    check(::fdatasync(descriptor_) == 0, "fdatasync", errno);
    if (flags == 0) return;
    ::close(descriptor_);
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags);
    check(descriptor_ >= 0, "open", errno);
  }
  ~ZeroFile() { ::close(descriptor_); }
  ZeroFile(const ZeroFile&) = delete;
  ZeroFile& operator=(const ZeroFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void write(const std::vector<char>& bytes, std::uint64_t offset) const {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    check(written == static_cast<ssize_t>(bytes.size()), "pwrite", errno);
  }

 private:
  benchmarks::TemporaryFolder folder_;
  int descriptor_ = -1;
};

// Median and 99th percentile, which Google Benchmark does not give of single calls.
template <typename Append>
void measure(benchmark::State& state, Append append) {
  const std::vector<char> bytes(static_cast<std::size_t>(state.range(0)), 'c');
  std::vector<double> microseconds;
  std::uint64_t offset = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    append(bytes, offset);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    microseconds.push_back(took.count());
    offset = (offset + bytes.size()) % kFileBytes;
  }
  std::sort(microseconds.begin(), microseconds.end());
  state.counters["p50_us"] = microseconds[microseconds.size() / 2];
  state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
}

void sync_fdatasync(benchmark::State& state) {
  const ZeroFile file(0);
  measure(state, [&](const std::vector<char>& bytes, std::uint64_t offset) {
    file.write(bytes, offset);
    check(::fdatasync(file.descriptor()) == 0, "fdatasync", errno);
  });
}
BENCHMARK(sync_fdatasync)->ArgName("bytes")->Arg(4 << 10)->Arg(256 << 10)->UseRealTime();

void sync_o_dsync(benchmark::State& state) {
  const ZeroFile file(O_DSYNC);
  measure(state,
          [&](const std::vector<char>& bytes, std::uint64_t offset) { file.write(bytes, offset); });
}
BENCHMARK(sync_o_dsync)->ArgName("bytes")->Arg(4 << 10)->Arg(256 << 10)->UseRealTime();

#ifdef HAVE_LIBURING

class Ring {
 public:
  // None where the kernel does not allow it.
  [[nodiscard]] bool open() { return is_open_ = io_uring_queue_init(4, &ring_, 0) == 0; }
  Ring() = default;
  ~Ring() {
    if (is_open_) io_uring_queue_exit(&ring_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The sync is begun when the write is done.
  void write_and_sync(int descriptor, const std::vector<char>& bytes, std::uint64_t offset) {
    io_uring_sqe* write = io_uring_get_sqe(&ring_);
    io_uring_prep_write(write, descriptor, bytes.data(), static_cast<unsigned>(bytes.size()),
                        offset);
    io_uring_sqe_set_flags(write, IOSQE_IO_LINK);
    io_uring_prep_fsync(io_uring_get_sqe(&ring_), descriptor, IORING_FSYNC_DATASYNC);
    check(io_uring_submit_and_wait(&ring_, 2) == 2, "io_uring", EIO);
    take_result(static_cast<int>(bytes.size()));
    take_result(0);
  }

 private:
  void take_result(int wanted) {
    io_uring_cqe* done = nullptr;
    check(io_uring_wait_cqe(&ring_, &done) == 0, "io_uring", EIO);
    check(done->res == wanted, "io_uring", done->res < 0 ? -done->res : EIO);
    io_uring_cqe_seen(&ring_, done);
  }

  io_uring ring_{};
  bool is_open_ = false;
};

void sync_io_uring(benchmark::State& state) {
  Ring ring;
  if (!ring.open()) {
    state.SkipWithError("io_uring is not allowed here");
    return;
  }
  const ZeroFile file(0);
  measure(state, [&](const std::vector<char>& bytes, std::uint64_t offset) {
    ring.write_and_sync(file.descriptor(), bytes, offset);
  });
}
BENCHMARK(sync_io_uring)->ArgName("bytes")->Arg(4 << 10)->Arg(256 << 10)->UseRealTime();

#endif

}  // namespace
