// Layer norm: a step's values of a row are normalised over all units, which lie in many panels.
#pragma once

#include "weights.h"

namespace lockgate::LOCKGATE_ISA {

inline bool normed(const Call& c) {
    return c.ln_hh != nullptr;
}

// Values of a row beside those of its units that the backward needs.
enum RowValue { scale_of_h, scale_of_x, mean_of_c, scale_of_c, row_values };

// 1 for each unit of a panel, 0 for what fills it up.
inline vec inside(int64_t width) {
    float part[W] = {};
    store_part(part, fill(1.0f), width);
    return load(part);
}

// Sums over the units of a row: each panel enters its part, then all meet, then any may read. A
// slot that has been read may be entered again only after one more meeting.
class RowSums {
  public:
    static constexpr int64_t slots = 6;
    static int64_t size(int64_t panels, int64_t rows) { return slots * panels * rows * W; }

    RowSums(float* data, int64_t panels, int64_t rows)
        : data_(data), panels_(panels), rows_(rows) {}

    void enter(int64_t slot, int64_t panel, int64_t row, vec part) const {
        store(data_ + ((slot * panels_ + panel) * rows_ + row) * W, part);
    }
    float total(int64_t slot, int64_t row) const {
        vec sum = {};
        for (int64_t panel = 0; panel < panels_; ++panel)
            sum += load(data_ + ((slot * panels_ + panel) * rows_ + row) * W);
        float lanes[W];
        store(lanes, sum);
        for (int half = W / 2; half > 0; half /= 2)
            for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
        return lanes[0];
    }

  private:
    float* data_;
    int64_t panels_, rows_;
};

}  // namespace lockgate::LOCKGATE_ISA
