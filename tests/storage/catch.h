// Catch behind the headers that use base/check.h: in a test CHECK is that of Catch, whatever else
// is included.
#pragma once

// clang-format off
#include "base/check.h"
#include "base/result.h"
#include <catch2/catch.hpp>
// clang-format on
