#include "bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bench {
namespace {

constexpr double kWidth = 760, kHeight = 460;
constexpr double kLeft = 80, kRight = 130, kTop = 50, kBottom = 60;
constexpr std::array<const char*, 5> kColours = {"#1b6ca8", "#d1495b", "#2a9d8f", "#8d5a97",
                                                 "#c98a1b"};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char character : text) {
    switch (character) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += character;
    }
  }
  return result;
}

// 1, 2 or 5 times a power of ten, so that about six fit.
double step_of(double span) {
  const double raw = span / 6;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string tick_text(double value) {
  if (value >= 1e6) return fmt::format("{:g} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:g} k", value / 1e3);
  return fmt::format("{:g}", value);
}

// One axis: where its values lie between `begin` and `end`, in the image's own units.
class Axis {
 public:
  Axis(bool logarithmic, double begin, double end)
      : logarithmic_(logarithmic), begin_(begin), end_(end) {}

  void include(double value) {
    low_ = seen_ ? std::min(low_, value) : value;
    high_ = seen_ ? std::max(high_, value) : value;
    seen_ = true;
  }

  [[nodiscard]] bool shows(double value) const {
    return std::isfinite(value) && (!logarithmic_ || value > 0);
  }

  // Widens the range to whole ticks; after the last include().
  void settle() {
    if (!seen_) low_ = high_ = 1;
    if (logarithmic_) {
      low_ = std::pow(10, std::floor(std::log10(low_)));
      high_ = std::pow(10, std::ceil(std::log10(high_)));
      if (high_ <= low_) high_ = low_ * 10;
      for (double tick = low_; tick <= high_ * 1.001; tick *= 10) ticks_.push_back(tick);
      return;
    }
    low_ = std::min(low_, 0.0);
    const double step = step_of(high_ > low_ ? high_ - low_ : 1);
    high_ = low_ + step * std::max(1.0, std::ceil((high_ - low_) / step));
    for (double tick = low_; tick <= high_ + step / 2; tick += step) ticks_.push_back(tick);
  }

  [[nodiscard]] double place(double value) const {
    const double share = logarithmic_ ? std::log(value / low_) / std::log(high_ / low_)
                                      : (value - low_) / (high_ - low_);
    return begin_ + share * (end_ - begin_);
  }

  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }

 private:
  bool logarithmic_;
  double begin_;
  double end_;
  bool seen_ = false;
  double low_ = 0;
  double high_ = 0;
  std::vector<double> ticks_;
};

std::string text(double x, double y, const char* anchor, const std::string& words,
                 const std::string& more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, escaped(words));
}

std::string straight(double x1, double y1, double x2, double y2, const char* colour) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
      y2, colour);
}

std::string draw_grid(const Axis& x, const Axis& y) {
  std::string svg;
  for (const double tick : x.ticks()) {
    svg += straight(x.place(tick), kTop, x.place(tick), kHeight - kBottom, "#dddddd");
    svg += text(x.place(tick), kHeight - kBottom + 18, "middle", tick_text(tick));
  }
  for (const double tick : y.ticks()) {
    svg += straight(kLeft, y.place(tick), kWidth - kRight, y.place(tick), "#dddddd");
    svg += text(kLeft - 8, y.place(tick) + 4, "end", tick_text(tick));
  }
  return svg;
}

std::string draw_line(const Line& line, const char* colour, const Axis& x, const Axis& y) {
  std::string path;
  std::string dots;
  for (const Point& point : line.points) {
    if (!x.shows(point.x) || !y.shows(point.y)) continue;
    path += fmt::format("{:.1f},{:.1f} ", x.place(point.x), y.place(point.y));
    dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n",
                        x.place(point.x), y.place(point.y), colour);
  }
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                     path, colour) +
         dots;
}

}  // namespace

std::string to_svg(const Plot& plot) {
  Axis x(plot.logarithmic_x, kLeft, kWidth - kRight);
  Axis y(plot.logarithmic_y, kHeight - kBottom, kTop);
  for (const Line& line : plot.lines) {
    for (const Point& point : line.points) {
      if (!x.shows(point.x) || !y.shows(point.y)) continue;
      x.include(point.x);
      y.include(point.y);
    }
  }
  x.settle();
  y.settle();
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"0 0 "
      "{0:g} {1:g}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"white\"/>\n",
      kWidth, kHeight);
  svg += text(kLeft, 28, "start", plot.title, " font-size=\"15\"");
  svg += draw_grid(x, y);
  svg += text((kLeft + kWidth - kRight) / 2, kHeight - 16, "middle", plot.x_label);
  const double middle = (kTop + kHeight - kBottom) / 2;
  svg += text(20, middle, "middle", plot.y_label,
              fmt::format(" transform=\"rotate(-90 20 {:g})\"", middle));
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    svg += draw_line(plot.lines[i], colour, x, y);
    const double legend = kTop + 12 + 20 * static_cast<double>(i);
    svg += straight(kWidth - kRight + 15, legend - 4, kWidth - kRight + 40, legend - 4, colour);
    svg += text(kWidth - kRight + 46, legend, "start", plot.lines[i].name);
  }
  return svg + "</svg>\n";
}

}  // namespace bench
