// Plot: lines over two axes, as an SVG image. Pure.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Point {
  double x;
  double y;
};

struct Line {
  std::string name;
  std::vector<Point> points;
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool logarithmic_x = false;
  bool logarithmic_y = false;
  std::vector<Line> lines;  // at most five are told apart
};

// A whole file. Points that an axis cannot show, as 0 on a logarithmic one, are left out.
[[nodiscard]] std::string to_svg(const Plot& plot);

}  // namespace bench
