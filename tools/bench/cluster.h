// Cluster: the nodes of --start, real processes on free ports of the loopback interface, with all
// their files in one folder. They end with this object, and with this process, however it ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace bench {

class Cluster {
 public:
  // Starts the nodes. To be made before any thread and any ZeroMQ context (B18). Throws
  // std::runtime_error with what is missing.
  Cluster(unsigned size, const std::string& runtime, bool profile,
          const std::filesystem::path& parent);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] const std::vector<std::string>& client_endpoints() const { return clients_; }
  [[nodiscard]] std::vector<pid_t> processes() const { return processes_; }
  // Ends a node, by its place in processes(), at once and without a word to it.
  void kill_node(std::size_t node);
  // Throws std::runtime_error with the last lines of its log where a node has ended.
  void check_running();

 private:
  void write_configuration(unsigned node, const std::string& members) const;
  void start_node(unsigned node, const std::string& program, const std::string& runtime,
                  bool profile);
  void stop();

  std::filesystem::path folder_;
  std::vector<std::string> clients_;
  std::vector<pid_t> processes_;  // of node 1, 2, …; 0 once ended
};

}  // namespace bench
