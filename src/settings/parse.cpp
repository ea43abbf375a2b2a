// The only file of the project that knows toml++.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "settings/document.h"
#include "settings/keys.h"

namespace settings {
namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr std::size_t kMaxDotsInLine = 64;

Place place_of(const toml::source_region& region) {
  if (region.begin.line == 0) return {};
  return {region.begin.line, region.begin.column};
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

bool is_table_name(std::string_view name) {
  return std::ranges::find(keys(), name, &Key::table) != keys().end();
}

// Without doubles, in the order of the description.
std::vector<std::string_view> table_names() {
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    if (names.empty() || names.back() != key.table) names.push_back(key.table);
  }
  return names;
}

std::vector<std::string_view> key_names(std::string_view table, bool required_only = false) {
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    if (key.table == table && (key.required() || !required_only)) names.push_back(key.name);
  }
  return names;
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  return list;
}

// The table of a key that stands in the wrong one, empty where no table has such a key.
std::string_view home_of(std::string_view name) {
  const auto found = std::ranges::find(keys(), name, &Key::name);
  return found == keys().end() ? std::string_view() : found->table;
}

std::string unknown_table(std::string_view name) {
  const std::string shown = excerpt(name);
  const std::string_view home = home_of(name);
  if (!home.empty()) return fmt::format("the key '{}' belongs to {}", shown, header_of(home));
  const auto names = table_names();
  const std::string_view meant = nearest(name, names);
  if (!meant.empty()) {
    return fmt::format("unknown table '{}'; did you mean {}?", shown, header_of(meant));
  }
  std::string headers;
  for (const std::string_view table : names) {
    headers += (headers.empty() ? "" : ", ") + header_of(table);
  }
  return fmt::format("unknown table '{}'; known are {}", shown, headers);
}

std::string unknown_key(std::string_view table, std::string_view name) {
  const std::string shown = excerpt(name);
  const std::string header = header_of(table);
  const auto names = key_names(table);
  const std::string_view meant = nearest(name, names);
  if (!meant.empty()) {
    return fmt::format("unknown key '{}' in {}; did you mean '{}'?", shown, header, meant);
  }
  const std::string_view home = home_of(name);
  if (!home.empty()) {
    return fmt::format("unknown key '{}' in {}; it belongs to {}", shown, header, header_of(home));
  }
  return fmt::format("unknown key '{}' in {}; known are {}", shown, header, listed(names));
}

// Fills a document from a parsed file. A misspelt key is told before the key that is missing for
// it, so unknown keys come first.
class Reader {
 public:
  Reader(const std::string& file, const toml::table& root) : root_(root) { document_.file = file; }

  Document read() {
    refuse_unknown_keys();
    for (const std::string_view table : table_names()) {
      table == kMemberTable ? read_members() : read_table(table);
    }
    return std::move(document_);
  }

 private:
  struct Unknown {
    Place place;
    std::string sentence;
  };

  void note_unknown(const toml::key& name, std::string sentence) {
    const Place place = place_of(name.source());
    if (!unknown_ || place < unknown_->place) unknown_ = Unknown{place, std::move(sentence)};
  }

  void find_unknown_keys(std::string_view table, const toml::table& content) {
    for (const auto& [name, value] : content) {
      if (find_key(table, name.str()) == nullptr) {
        note_unknown(name, unknown_key(table, name.str()));
      }
    }
  }

  // The first one in the file, although toml++ goes through a table by name.
  void refuse_unknown_keys() {
    for (const auto& [name, value] : root_) {
      if (!is_table_name(name.str())) {
        note_unknown(name, unknown_table(name.str()));
      } else if (const auto* table = value.as_table()) {
        find_unknown_keys(name.str(), *table);
      } else if (const auto* array = value.as_array()) {
        for (const auto& element : *array) {
          const auto* inner = element.as_table();
          if (inner != nullptr) find_unknown_keys(name.str(), *inner);
        }
      }
    }
    if (unknown_) fail(document_.file, unknown_->place, unknown_->sentence);
  }

  [[noreturn]] void missing_table(std::string_view table) {
    fail(document_.file, Place{},
         fmt::format("missing table {}; it needs {}", header_of(table),
                     listed(key_names(table, true))));
  }

  [[noreturn]] void wrong_shape(std::string_view table, const toml::node& node) {
    fail(document_.file, place_of(node.source()),
         fmt::format("{} is {}, but must be {}; write {}", table, type_name(node),
                     table == kMemberTable ? "an array of tables" : "a table", header_of(table)));
  }

  void read_table(std::string_view table) {
    static const toml::table empty;
    const toml::node* const node = root_.get(table);
    if (node == nullptr && !key_names(table, true).empty()) missing_table(table);
    if (node != nullptr && !node->is_table()) wrong_shape(table, *node);
    read_keys(table, node == nullptr ? empty : *node->as_table(), 0);
  }

  void read_members() {
    const toml::node* const node = root_.get(kMemberTable);
    if (node == nullptr) missing_table(kMemberTable);
    const toml::array* const array = node->as_array();
    if (array == nullptr) wrong_shape(kMemberTable, *node);
    if (array->empty()) missing_table(kMemberTable);
    for (const auto& element : *array) {
      if (!element.is_table()) wrong_shape(kMemberTable, element);
      document_.settings.members.emplace_back();
      read_keys(kMemberTable, *element.as_table(), document_.settings.members.size() - 1);
    }
  }

  void read_keys(std::string_view table, const toml::table& content, std::size_t member) {
    for (const Key& key : keys()) {
      if (key.table != table) continue;
      const toml::node* const node = content.get(key.name);
      if (node != nullptr) {
        document_.places[{key.table, key.name, member}] = place_of(node->source());
        std::visit([&](const auto& kind) { read_value(key, kind, *node); }, key.kind);
      } else if (key.required()) {
        fail(document_.file, place_of(content.source()),
             fmt::format("missing key '{}' in {}; it must be {}", key.name, header_of(table),
                         key.domain()));
      } else {
        take_default(key);
      }
    }
  }

  void take_default(const Key& key) {
    if (const auto* integer = std::get_if<Integer>(&key.kind)) {
      integer->field(document_.settings) = *integer->fallback;
    } else if (const auto* choice = std::get_if<Choice>(&key.kind)) {
      choice->store(document_.settings, choice->fallback);
    }
  }

  [[noreturn]] void wrong_type(const Key& key, std::string_view wanted, const toml::node& node) {
    fail(document_.file, place_of(node.source()),
         fmt::format("{}.{} is {}, but must be {}: {}", key.table, key.name, type_name(node),
                     wanted, key.domain()));
  }

  void read_value(const Key& key, const Integer& kind, const toml::node& node) {
    const auto* const integer = node.as_integer();
    if (integer == nullptr) wrong_type(key, "an integer", node);
    const std::int64_t value = integer->get();
    const bool fits = value >= 0 && static_cast<std::uint64_t>(value) >= kind.minimum &&
                      static_cast<std::uint64_t>(value) <= kind.maximum;
    if (!fits) {
      const std::string shown = value < 0 ? std::to_string(value)
                                          : quantity(static_cast<std::uint64_t>(value), kind.unit);
      fail(document_.file, place_of(node.source()),
           fmt::format("{}.{} is {}; it must be {}", key.table, key.name, shown, key.domain()));
    }
    kind.field(document_.settings) = static_cast<std::uint64_t>(value);
  }

  void read_value(const Key& key, const Text& kind, const toml::node& node) {
    const auto* const text = node.as_string();
    if (text == nullptr) wrong_type(key, "a string", node);
    const std::string objection = kind.objection(text->get());
    if (!objection.empty()) {
      fail(document_.file, place_of(node.source()),
           fmt::format("{}.{} is '{}', but {}; it must be {}", key.table, key.name,
                       excerpt(text->get()), objection, key.domain()));
    }
    kind.store(document_.settings, text->get());
  }

  void read_value(const Key& key, const TextList& kind, const toml::node& node) {
    const auto* const array = node.as_array();
    if (array == nullptr) wrong_type(key, "an array", node);
    if (array->size() > kind.most) {
      fail(document_.file, place_of(node.source()),
           fmt::format("{}.{} has {} elements; it must be {}", key.table, key.name, array->size(),
                       key.domain()));
    }
    for (const auto& element : *array) {
      const auto* const text = element.as_string();
      const std::string objection = text == nullptr ? fmt::format("it is {}", type_name(element))
                                                    : kind.objection(text->get());
      if (!objection.empty()) {
        const std::string shown =
            text == nullptr ? "an element" : fmt::format("'{}'", excerpt(text->get()));
        fail(document_.file, place_of(element.source()),
             fmt::format("{}.{} has {}, but {}; each must be {}", key.table, key.name, shown,
                         objection, kind.form));
      }
      kind.field(document_.settings).push_back(text->get());
    }
  }

  void read_value(const Key& key, const Choice& kind, const toml::node& node) {
    const auto* const text = node.as_string();
    if (text == nullptr) wrong_type(key, "a string", node);
    const auto word = std::ranges::find(kind.words, std::string_view(text->get()));
    if (word == kind.words.end()) {
      fail(document_.file, place_of(node.source()),
           fmt::format("{}.{} is '{}'; it must be {}", key.table, key.name, excerpt(text->get()),
                       key.domain()));
    }
    kind.store(document_.settings, static_cast<std::size_t>(word - kind.words.begin()));
  }

  const toml::table& root_;
  Document document_;
  std::optional<Unknown> unknown_;
};

// toml++ nests one table for every dot of a dotted key, without a limit, and some ten thousand
// exhaust the stack. Dots next to each other are a row in a comment, and no TOML key.
void refuse_dotted_depth(std::string_view text, const std::string& file) {
  Place place;
  std::size_t dots = 0;
  char before = '\n';
  for (const char c : text) {
    if (c == '\n') {
      ++place.line;
      dots = 0;
    }
    if (c == '.' && before != '.' && ++dots > kMaxDotsInLine) {
      fail(file, place,
           fmt::format("more than {} dots in one line; no setting needs a line like that",
                       kMaxDotsInLine));
    }
    before = c;
  }
}

toml::table parse_toml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    std::string reason(error.description());
    constexpr std::string_view kPrefix = "Error while ";
    if (reason.starts_with(kPrefix)) reason = "error while " + reason.substr(kPrefix.size());
    fail(file, place_of(error.source()), fmt::format("not valid TOML: {}", reason));
  }
}

}  // namespace

Settings parse(std::string_view text, const std::string& name) {
  if (text.size() > kMaxFileBytes) {
    fail(name, fmt::format("is larger than {} KiB; a settings file is not", kMaxFileBytes / 1024));
  }
  refuse_dotted_depth(text, name);
  const toml::table root = parse_toml(text, name);
  Document document = Reader(name, root).read();
  check_together(document);
  std::ranges::sort(document.settings.members, {}, &Member::id);
  return std::move(document.settings);
}

}  // namespace settings
