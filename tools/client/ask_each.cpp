#include "client/ask_each.h"

#include <algorithm>

#include "client/client.h"
#include "client/endpoints.h"
#include "client/sockets.h"

namespace client {
namespace {

struct Question {
  zmq::socket_t socket;
  bool sent = false;
};

// Whether this question is settled, one way or the other.
bool advance(Question& question, const Request& request, Answer& answer) {
  if (!question.sent) {
    const auto flags = zmq::send_flags::dontwait;
    question.sent = question.socket.send(zmq::buffer(request.frame), flags).has_value();
    return false;
  }
  zmq::message_t frame;
  if (question.socket.recv(frame, zmq::recv_flags::dontwait)) {
    auto reply = Reply::parse(frame.to_string_view());
    if (reply && reply->ok()) answer.reply = std::move(*reply);
    return true;
  }
  return !is_writable(question.socket);  // it took the question and went away
}

}  // namespace

std::vector<Answer> ask_each(zmq::context_t& context, const std::vector<std::string>& endpoints,
                             const Request& request, std::chrono::milliseconds timeout) {
  std::vector<Answer> answers;
  std::vector<Question> questions;
  for (const std::string& endpoint : endpoints) {
    answers.push_back({endpoint, {}});
    questions.push_back({open_dealer(context, endpoint)});
  }
  std::vector<bool> settled(endpoints.size(), false);
  const Clock::time_point end = Clock::now() + timeout;
  while (Clock::now() < end) {
    std::vector<zmq::pollitem_t> items;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (!settled[i]) settled[i] = advance(questions[i], request, answers[i]);
      const auto events = questions[i].sent ? ZMQ_POLLIN : ZMQ_POLLOUT;
      if (!settled[i]) {
        items.push_back({questions[i].socket.handle(), 0, static_cast<short>(events), 0});
      }
    }
    if (items.empty()) break;
    try {
      zmq::poll(items, std::chrono::milliseconds(20));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;  // B17
    }
  }
  return answers;
}

std::vector<std::string> all_members(const std::vector<Answer>& answers) {
  std::vector<std::string> endpoints;
  const auto add = [&](const std::string& endpoint) {
    if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  };
  for (const Answer& answer : answers) add(answer.endpoint);
  for (const Answer& answer : answers) {
    if (!answer.reply) continue;
    const msgpack::object* members = answer.reply->fields().find("members");
    if (members == nullptr || members->type != msgpack::type::ARRAY) continue;
    for (std::uint32_t i = 0; i < members->via.array.size; ++i) {
      const auto endpoint = Fields(&members->via.array.ptr[i]).bytes("client");
      try {
        check_endpoint(std::string(endpoint.value_or("")));
        add(std::string(*endpoint));
      } catch (const UsageError&) {
        // From outside: what is no endpoint is passed over.
      }
    }
  }
  return endpoints;
}

}  // namespace client
