#include "storage/simulated_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "storage/simulated_content.h"

namespace storage {
namespace {

std::string name_of(const FileSystem::Path& path) {
  std::string name = path.lexically_normal().string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

bool is_root(const std::string& name) { return name.empty() || name == "." || name == "/"; }

std::string parent_of(const std::string& name) {
  return FileSystem::Path(name).parent_path().string();
}

bool is_below(const std::string& name, const std::string& directory) {
  return is_root(directory) || name == directory ||
         (name.starts_with(directory) && name[directory.size()] == '/');
}

}  // namespace

class SimulatedDisk::OpenFile : public File {
 public:
  OpenFile(SimulatedDisk& disk, std::string name, std::shared_ptr<SimulatedContent> content,
           bool writable, std::shared_ptr<int> lock = nullptr)
      : disk_(disk),
        name_(std::move(name)),
        content_(std::move(content)),
        generation_(content_->generation()),
        writable_(writable),
        lock_(std::move(lock)) {}

  void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) override {
    check_writable();
    std::size_t size = 0;
    for (const auto& part : parts) size += part.size();
    std::vector<std::byte> bytes;
    bytes.reserve(size);
    for (const auto& part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    // What stands there already needs no room.
    const std::uint64_t fits = content_->bytes().size() + disk_.room();
    const bool grows_too_far = offset + size > fits;
    if (grows_too_far) bytes.resize(fits > offset ? fits - offset : 0);
    disk_.change("write", name_, [&](bool in_part) {
      if (in_part) bytes.resize(bytes.size() / 2);
      if (!bytes.empty() || size == 0) content_->write(offset, std::move(bytes));
    });
    if (grows_too_far) throw DiskFull("cannot write " + name_ + ": No space left on device");
  }

  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    check_alive();
    disk_.count_read(name_);
    const auto& bytes = content_->bytes();
    if (offset >= bytes.size()) return 0;
    const std::size_t size = std::min<std::uint64_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.data() + offset, size, into.data());
    return size;
  }

  void sync() override {
    check_alive();
    try {
      disk_.change("sync", name_, [&](bool) { content_->sync(); });
    } catch (const DiskFault&) {
      if (disk_.fault_ != FaultKind::kPowerCut) content_->drop_pages();
      throw;
    }
  }

  void truncate(std::uint64_t size) override {
    check_writable();
    disk_.change("truncate", name_, [&](bool in_part) {
      if (!in_part) content_->truncate(size);
    });
  }

  [[nodiscard]] std::uint64_t size() const override {
    check_alive();
    return content_->bytes().size();
  }

 private:
  void check_alive() const {
    CHECK(generation_ == content_->generation(), "{} is used after the crash", name_);
  }
  void check_writable() const {
    check_alive();
    CHECK(writable_, "{} is open for reading", name_);
  }

  SimulatedDisk& disk_;
  std::string name_;
  std::shared_ptr<SimulatedContent> content_;
  std::uint64_t generation_;
  bool writable_;
  std::shared_ptr<int> lock_;
};

SimulatedDisk::SimulatedDisk() = default;
SimulatedDisk::~SimulatedDisk() = default;

bool SimulatedDisk::fault_is_due(bool is_sync) const {
  return fail_at_ != 0 && operations_ >= fail_at_ && (fault_ != FaultKind::kSync || is_sync);
}

template <typename Effect>
void SimulatedDisk::change(const char* verb, const std::string& name, Effect effect) {
  ++operations_;
  const bool is_sync = std::string_view(verb).starts_with("sync");
  if (!fault_is_due(is_sync)) {
    effect(false);
    return;
  }
  const bool first = operations_ == fail_at_;
  if (fault_ != FaultKind::kPowerCut) fail_at_ = 0;
  if (first && !is_sync && fault_ == FaultKind::kPowerCut) effect(false);
  if (first && !is_sync && fault_ == FaultKind::kNoSpace) effect(true);
  const char* cause = fault_ == FaultKind::kNoSpace    ? "No space left on device"
                      : fault_ == FaultKind::kPowerCut ? "power cut"
                                                       : "Input/output error";
  const std::string sentence = fmt::format("cannot {} {}: {}", verb, name, cause);
  const bool wants_room = !is_sync && verb != std::string_view("remove");
  if (fault_ == FaultKind::kNoSpace && wants_room) throw DiskFull(sentence);
  throw DiskFault(sentence);
}

std::uint64_t SimulatedDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, content] : names_) bytes += content ? content->bytes().size() : 0;
  return bytes;
}

std::uint64_t SimulatedDisk::room() const {
  constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 50;
  if (!capacity_) return kUnlimited;
  return *capacity_ - std::min(*capacity_, used());
}

Space SimulatedDisk::space(const Path&) const {
  const std::uint64_t free_bytes = room();
  return {used() + free_bytes, free_bytes};
}

void SimulatedDisk::count_read(const std::string& name) {
  if (++reads_ != failing_read_) return;
  failing_read_ = 0;
  throw DiskFault(fmt::format("cannot read {}: Input/output error", name));
}

void SimulatedDisk::fail_after(std::uint64_t passing, FaultKind kind) {
  fail_at_ = operations_ + passing + 1;
  fault_ = kind;
}

std::shared_ptr<SimulatedContent> SimulatedDisk::find(const std::string& name) const {
  const auto found = names_.find(name);
  if (found == names_.end() || !found->second) {
    throw DiskFault(fmt::format("cannot open {}: No such file", name));
  }
  return found->second;
}

void SimulatedDisk::apply(Names& names, const NameChange& change) {
  if (!change.from.empty()) names.erase(change.from);
  if (!change.to.empty()) names[change.to] = change.content;
}

void SimulatedDisk::change_name(NameChange change) {
  apply(names_, change);
  pending_.push_back(std::move(change));
}

void SimulatedDisk::flip_bit(const Path& path, std::uint64_t bit) {
  find(name_of(path))->flip_bit(bit);
}

FileSystem::Path SimulatedDisk::flip_random_bit(const Path& directory, base::Random& random) {
  const std::string top = name_of(directory);
  std::uint64_t total = 0;
  for (const auto& [name, content] : names_) {
    if (content && is_below(name, top)) total += content->bytes().size();
  }
  if (total == 0) return {};
  std::uint64_t place = random.between(0, total - 1);
  for (const auto& [name, content] : names_) {
    if (!content || !is_below(name, top)) continue;
    if (place < content->bytes().size()) {
      content->flip_bit(place * 8 + random.between(0, 7));
      return name;
    }
    place -= content->bytes().size();
  }
  return {};
}

void SimulatedDisk::wipe(const Path& directory) {
  const std::string top = name_of(directory);
  const auto is_here = [&](const auto& each) { return is_below(each.first, top); };
  std::erase_if(names_, is_here);
  std::erase_if(durable_names_, is_here);
  std::erase_if(locks_, is_here);
  std::erase_if(pending_, [&](const NameChange& each) {
    return is_below(each.to.empty() ? each.from : each.to, top);
  });
}

std::vector<std::byte> SimulatedDisk::content(const Path& path) const {
  return find(name_of(path))->bytes();
}

void SimulatedDisk::set_content(const Path& path, std::vector<std::byte> bytes) {
  find(name_of(path))->set(std::move(bytes));
}

std::unique_ptr<File> SimulatedDisk::open(const Path& path, OpenMode mode) {
  const std::string name = name_of(path);
  if (mode == OpenMode::kCreate && !names_.contains(name)) {
    if (!exists(parent_of(name))) {
      throw DiskFault(fmt::format("cannot open {}: No such directory", name));
    }
    if (room() == 0) throw DiskFull("cannot create " + name + ": No space left on device");
    change("create", name, [&](bool in_part) {
      if (!in_part) change_name({"", name, std::make_shared<SimulatedContent>()});
    });
  }
  return std::make_unique<OpenFile>(*this, name, find(name), mode != OpenMode::kReadOnly);
}

bool SimulatedDisk::exists(const Path& path) const {
  const std::string name = name_of(path);
  return is_root(name) || names_.contains(name);
}

std::vector<std::string> SimulatedDisk::list(const Path& directory) const {
  const std::string name = name_of(directory);
  if (!exists(directory)) throw DiskFault(fmt::format("cannot list {}: No such directory", name));
  const std::string prefix = is_root(name) && name != "/" ? "" : name == "/" ? "/" : name + "/";
  std::vector<std::string> found;
  for (auto each = names_.lower_bound(prefix);
       each != names_.end() && each->first.starts_with(prefix); ++each) {
    std::string rest = each->first.substr(prefix.size());
    if (rest.find('/') == std::string::npos) found.push_back(std::move(rest));
  }
  return found;
}

void SimulatedDisk::make_directory(const Path& path) {
  const std::string name = name_of(path);
  if (is_root(name)) return;
  make_directory(parent_of(name));
  const auto found = names_.find(name);
  if (found != names_.end() && found->second) {
    throw DiskFault(fmt::format("cannot create the directory {}: File exists", name));
  }
  if (found != names_.end()) return;
  change("create", name, [&](bool in_part) {
    if (!in_part) change_name({"", name, nullptr});
  });
}

void SimulatedDisk::rename(const Path& from, const Path& to) {
  auto content = find(name_of(from));
  change("rename", name_of(from), [&](bool in_part) {
    if (!in_part) change_name({name_of(from), name_of(to), std::move(content)});
  });
}

void SimulatedDisk::remove(const Path& path) {
  const std::string name = name_of(path);
  const auto found = names_.find(name);
  const bool is_directory = found != names_.end() && !found->second;
  if (!is_directory) static_cast<void>(find(name));
  if (is_directory && !list(path).empty()) {
    throw DiskFault(fmt::format("cannot remove {}: Directory not empty", name));
  }
  change("remove", name, [&](bool in_part) {
    if (!in_part) change_name({name, "", nullptr});
  });
}

void SimulatedDisk::sync_directory(const Path& directory) {
  const std::string name = name_of(directory);
  change("sync directory", name, [&](bool) {
    const auto is_here = [&](const NameChange& each) {
      const std::string parent = parent_of(each.to.empty() ? each.from : each.to);
      return parent == name || (is_root(parent) && is_root(name));
    };
    // Changes of one name take effect in their order: what came before goes along.
    std::set<std::string> named;
    std::vector<NameChange> left;
    std::vector<NameChange> synced;
    for (auto each = pending_.rbegin(); each != pending_.rend(); ++each) {
      const bool goes = is_here(*each) || named.contains(each->from) || named.contains(each->to);
      if (goes) named.insert({each->from, each->to});
      named.erase("");
      (goes ? synced : left).push_back(std::move(*each));
    }
    for (auto each = synced.rbegin(); each != synced.rend(); ++each) apply(durable_names_, *each);
    pending_.assign(std::make_move_iterator(left.rbegin()), std::make_move_iterator(left.rend()));
  });
}

std::unique_ptr<File> SimulatedDisk::lock(const Path& path) {
  const std::string name = name_of(path);
  if (!locks_[name].expired()) throw LockHeld(name + " is locked by another process");
  static_cast<void>(open(path, OpenMode::kCreate));
  auto token = std::make_shared<int>(0);
  locks_[name] = token;
  return std::make_unique<OpenFile>(*this, name, find(name), true, std::move(token));
}

// Changes of one name take effect in their order, so none follows a lost one.
void SimulatedDisk::lose_names(const std::string& directory, base::Random& random) {
  const Mood mood = draw_mood(random);
  std::set<std::string> lost;
  bool all_lost = mood == Mood::kNothing;
  std::vector<NameChange> elsewhere;
  for (const auto& each : pending_) {
    if (!is_below(each.to.empty() ? each.from : each.to, directory)) {
      elsewhere.push_back(each);
      continue;
    }
    const bool drawn = (mood == Mood::kPrefix || mood == Mood::kChaos) && random.chance(1, 3);
    if (mood == Mood::kPrefix) all_lost = all_lost || drawn;
    if (all_lost || drawn || lost.contains(each.from) || lost.contains(each.to)) {
      if (!each.from.empty()) lost.insert(each.from);
      if (!each.to.empty()) lost.insert(each.to);
      continue;
    }
    apply(durable_names_, each);
  }
  pending_ = std::move(elsewhere);
}

void SimulatedDisk::crash(const Path& directory, base::Random& random) {
  const std::string top = name_of(directory);
  std::set<SimulatedContent*> done;
  for (const Names* names : {&durable_names_, &names_}) {
    for (const auto& [name, content] : *names) {
      if (content && is_below(name, top) && done.insert(content.get()).second) {
        content->crash(random);
      }
    }
  }
  lose_names(top, random);
  // What is in a directory that was lost is lost with it; a directory sorts before its content.
  std::erase_if(durable_names_, [&](const auto& each) {
    const std::string parent = parent_of(each.first);
    return is_below(each.first, top) && each.first != top && !is_root(parent) &&
           is_below(parent, top) && !durable_names_.contains(parent);
  });
  std::erase_if(names_, [&](const auto& each) { return is_below(each.first, top); });
  for (const auto& each : durable_names_) {
    if (is_below(each.first, top)) names_.insert(each);
  }
  std::erase_if(locks_, [&](const auto& each) { return is_below(each.first, top); });
  if (fault_ == FaultKind::kPowerCut) heal();
}

}  // namespace storage
