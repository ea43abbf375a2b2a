// Mutations: bugs that are planted, on purpose, in copies of the product's sources; one at a time
// is active. Only raft-simulate-mutated is built from these copies. mutations/plant.py makes them.
#pragma once

#include <cstdint>
#include <vector>

namespace mutation {

struct Mutation {
  int number;
  const char* name;
  const char* hazard;
  const char* breaks;  // a sentence
  std::uint64_t seed;  // that found it once; 0: none is known
};

// By name.
const std::vector<Mutation>& all();

inline int planted = 0;  // 0: none
[[nodiscard]] inline bool active(int number) { return number == planted; }

}  // namespace mutation
