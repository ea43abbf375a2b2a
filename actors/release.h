// The release this binary was built as.
#pragma once

namespace actors {

[[nodiscard]] const char* release();

}  // namespace actors
