#include "bench/traffic.h"

#include "bench/plan.h"

namespace bench {
namespace {

constexpr std::string_view kKeyPrefix = "bench/";
constexpr std::size_t kKeyDigits = 8;
constexpr std::uint64_t kShareSteps = 1'000'000;

std::string make_value(std::size_t size) {
  base::Random random(size + 1);
  std::string value(size, '\0');
  for (char& character : value) character = static_cast<char>(random.next());
  return value;
}

std::string empty_key() { return std::string(kKeyPrefix) + std::string(kKeyDigits, '0'); }

client::Consistency consistency_of(const Plan& plan) {
  return plan.local ? client::Consistency::kLocal : client::Consistency::kLinearizable;
}

}  // namespace

Traffic::Traffic(const Plan& plan)
    : plan_(plan),
      keys_(plan.distribution, plan.keys, plan.worker, plan.workers),
      kinds_(plan.workers + plan.worker + 1),
      read_(make_template(client::make_get(empty_key(), consistency_of(plan)))),
      write_(make_template(client::make_set(empty_key(), make_value(plan.value_bytes)))) {}

Traffic::Template Traffic::make_template(client::Request request) {
  const std::size_t key_offset = request.frame.find(kKeyPrefix) + kKeyPrefix.size();
  return {std::move(request), key_offset};
}

// Counted from the start, so that no rounding adds up; the workers take turns.
Clock::time_point Traffic::due_at(std::uint64_t request) const {
  const double place = static_cast<double>(request) +
                       static_cast<double>(plan_.worker) / static_cast<double>(plan_.workers);
  const auto after = std::chrono::duration<double>(place / plan_.rate);
  return *start_ + std::chrono::duration_cast<Clock::duration>(after);
}

const Work* Traffic::front(Clock::time_point now) {
  if (front_) return &*front_;
  if (plan_.requests && begun_ == *plan_.requests) return nullptr;
  if (!start_) start_ = now;
  const Clock::time_point due = plan_.rate > 0 ? due_at(begun_) : now;
  if (due > now) return nullptr;
  const auto share = static_cast<std::uint64_t>(plan_.read_share * kShareSteps);
  front_ = Work{kinds_.chance(share, kShareSteps), keys_.next(), due};
  return &*front_;
}

void Traffic::pop() {
  front_.reset();
  ++begun_;
}

std::string_view Traffic::frame(const Work& work, std::uint64_t id) {
  Template& used = work.read ? read_ : write_;
  std::uint64_t digits = work.key;
  for (std::size_t i = kKeyDigits; i-- > 0; digits /= 10) {
    used.request.frame[used.key_offset + i] = static_cast<char>('0' + digits % 10);
  }
  used.request.set_id(id);
  return used.request.frame;
}

std::optional<Clock::time_point> Traffic::next_due(Clock::time_point now) const {
  if (plan_.rate <= 0 || !start_ || front_) return std::nullopt;
  if (plan_.requests && begun_ == *plan_.requests) return std::nullopt;
  const Clock::time_point due = due_at(begun_);
  return due > now ? std::optional(due) : std::nullopt;
}

}  // namespace bench
