#include "storage/file_system.h"

namespace storage {

void make_durable_directory(FileSystem& file_system, const FileSystem::Path& path) {
  if (path.empty()) return;
  if (file_system.exists(path)) {
    file_system.make_directory(path);  // throws where a file stands in the way
    // Who made it may have been killed before its name was on disk.
    file_system.sync_directory(path.parent_path());
    return;
  }
  make_durable_directory(file_system, path.parent_path());
  file_system.make_directory(path);
  file_system.sync_directory(path.parent_path());
}

}  // namespace storage
