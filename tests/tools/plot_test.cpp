#include "bench/plot.h"

#include <catch2/catch.hpp>

namespace {

using bench::Plot;
using bench::to_svg;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++times;
  }
  return times;
}

TEST_CASE("plot_has_a_line_a_legend_and_a_dot_for_each_point") {
  Plot plot{"Title <1>", "load", "ms", false, true, {}};
  plot.lines = {{"50 %", {{100, 1}, {200, 2}}}, {"99 %", {{100, 5}, {200, 90}}}};
  const std::string svg = to_svg(plot);
  REQUIRE(count(svg, "<polyline") == 2);
  REQUIRE(count(svg, "<circle") == 4);
  REQUIRE(svg.find("Title &lt;1&gt;") != std::string::npos);
  REQUIRE(svg.find(">99 %<") != std::string::npos);
  // From 1 to 100 milliseconds, by powers of ten.
  for (const char* tick : {">1<", ">10<", ">100<"}) REQUIRE(svg.find(tick) != std::string::npos);
}

TEST_CASE("plot_leaves_out_what_a_logarithmic_axis_cannot_show") {
  Plot plot{"", "", "", true, true, {{"", {{0, 1}, {10, 0}, {10, 10}}}}};
  REQUIRE(count(to_svg(plot), "<circle") == 1);
}

TEST_CASE("plot_of_nothing_or_of_one_point_is_an_image") {
  Plot plot{"", "", "", false, false, {}};
  REQUIRE(to_svg(plot).find("</svg>") != std::string::npos);
  for (const bool logarithmic : {false, true}) {
    Plot single{"", "", "", logarithmic, logarithmic, {{"", {{5, 5}}}}};
    const std::string svg = to_svg(single);
    REQUIRE(svg.find("nan") == std::string::npos);
    REQUIRE(svg.find("inf") == std::string::npos);
    REQUIRE(count(svg, "<circle") == 1);
  }
}

}  // namespace
