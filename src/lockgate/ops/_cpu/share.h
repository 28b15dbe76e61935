// How a call is shared out to threads, and how rows of the caller become operands.
//
// Threads take slices of the batch and walk through all time steps without waiting for each other.
// Where the batch has fewer rows than there are threads, they take panels of the hidden units
// instead, of one slice that is the whole batch, and meet at a barrier after each step.
#pragma once

#include "call.h"
#include "products.h"
#include "threads.h"

namespace lockgate::LOCKGATE_ISA {

// Hands out parts of one block, each on a cache line of its own; of a null block it only counts.
class Arena {
  public:
    explicit Arena(float* block) : block_(block) {}
    float* take(int64_t floats) {
        float* part = block_ == nullptr ? nullptr : block_ + used_;
        used_ += (floats + 15) / 16 * 16;
        return part;
    }
    int64_t used() const { return used_; }

  private:
    float* block_;
    int64_t used_ = 0;
};

struct Range {
    int64_t begin, end;
    int64_t size() const { return end - begin; }
};

inline Range part_of(int64_t size, int64_t part, int64_t parts) {
    return {size * part / parts, size * (part + 1) / parts};
}

// A slice has so few rows that the operand of its recurrent product stays in the second-level
// cache.
inline int64_t most_rows(int64_t units, int64_t lanes) {
    return larger(16, smaller(64, 98304 / (units * lanes)));
}

struct Split {
    bool units;      // by hidden units, and not by rows of the batch
    int64_t lanes;   // threads that can work side by side
    int64_t slices;  // of the batch
    int64_t rows;    // of the largest slice
    int64_t areas;   // copies of the working memory

    Split(const Call& c, int gates, int64_t lanes_of_h) {
        const int64_t step = c.B * gates * c.H * ((c.w_ih == nullptr ? 0 : c.I) + c.H);
        const int64_t panels = panels_of(c.H);
        units = c.B < c.threads && step >= (1 << 17) && panels >= 2;
        // a small call is over before a second thread has come
        lanes = step * c.T < (1 << 18) ? 1 : smaller(c.threads, units ? panels : larger(c.B, 1));
        const int64_t most = lanes * most_rows(c.H, lanes_of_h);
        slices = units ? 1 : larger(1, smaller(c.B, lanes * ((c.B + most - 1) / most)));
        rows = (c.B + slices - 1) / slices;
        areas = units ? 1 : lanes;
    }
};

// What one thread does of a step: rows of the batch, panels of hidden units and of inputs.
struct Share {
    Range rows, units, inputs;
    Barrier* barrier;
    void meet() const {
        if (barrier != nullptr) barrier->wait();
    }
};

// Calls f(area, lane, share) for every share, on as many threads as there are lanes.
template <class F>
void share_out(const Call& c, const Split& split, F f) {
    const Range units{0, panels_of(c.H)}, inputs{0, panels_of(c.I)};
    if (split.units) {
        team(split.lanes, [&](int64_t member, int64_t members, Barrier& barrier) {
            f(0, member,
              Share{{0, c.B},
                    part_of(units.end, member, members),
                    part_of(inputs.end, member, members),
                    &barrier});
        });
        return;
    }
    parallel(split.lanes, [&](int64_t lane) {
        for (int64_t slice = lane; slice < split.slices; slice += split.lanes)
            f(lane, lane, Share{part_of(c.B, slice, split.slices), units, inputs, nullptr});
    });
}

inline int64_t time_of(const Call& c, int64_t step) {
    return c.reverse ? c.T - 1 - step : step;
}

inline bool is_valid(const Call& c, int64_t t, int64_t b) {
    return c.valid == nullptr || c.valid[t * c.valid_time + b * c.valid_batch] != 0;
}

inline vec mask_at(const Mask& mask, int64_t t, int64_t lane, int64_t b, int64_t panel,
                   int64_t width) {
    return load_part(mask.data + t * mask.time + lane * mask.gate + b * mask.batch + panel * W,
                     width);
}

// The lanes of one panel of one row: the value times each mask.
template <int Lanes>
LOCKGATE_INLINE void put_lanes(float* operand, vec value, const Mask& mask, int64_t t, int64_t b,
                               int64_t panel, int64_t width) {
    repeat<Lanes>([&](auto lane) LOCKGATE_HERE {
        store(operand + lane * W,
              mask.data == nullptr ? value : value * mask_at(mask, t, lane, b, panel, width));
    });
}

// Rows of the caller to an operand, [panel][row][lane][W]; row_of(b) may be null: zeros.
template <int Lanes, class F>
LOCKGATE_INLINE void pack_rows(const Mask& mask, int64_t t, Range rows, Range panels,
                               int64_t features, float* operand, int64_t operand_panel, F row_of) {
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t width = width_of(panel, features);
        float* place = operand + panel * operand_panel;
        for (int64_t b = rows.begin; b < rows.end; ++b, place += Lanes * W) {
            const float* row = row_of(b);
            put_lanes<Lanes>(place, row == nullptr ? vec{} : load_part(row + panel * W, width),
                             mask, t, b, panel, width);
        }
    }
}

}  // namespace lockgate::LOCKGATE_ISA
