// How a call is shared out to threads, and how rows of the caller become operands.
//
// Threads take slices of the batch and walk through all time steps without waiting for each other.
// Where the batch has fewer rows than there are threads, they take panels of the hidden units
// instead, of one slice that is the whole batch, and meet at a barrier after each step.
#pragma once

#include "kept.h"
#include "threads.h"

namespace lockgate::LOCKGATE_ISA {

struct Range {
    int64_t begin, end;
    int64_t size() const { return end - begin; }
};

inline Range part_of(int64_t size, int64_t part, int64_t parts) {
    return {size * part / parts, size * (part + 1) / parts};
}

// A slice has so few rows that the operand of its recurrent product stays in the second-level
// cache.
inline int64_t most_rows(int64_t features, int64_t lanes) {
    return larger(16, smaller(64, 98304 / (features * lanes)));
}

struct Split {
    bool units;      // by hidden units, and not by rows of the batch
    int64_t lanes;   // threads that can work side by side
    int64_t slices;  // of the batch
    int64_t rows;    // of the largest slice
    int64_t areas;   // copies of the working memory

    Split(const Call& c, int gates, int64_t lanes_of_h) {
        const int64_t step = c.B * gates * c.H * (c.I + c.P);
        const int64_t panels = panels_of(c.H);
        units = c.B < c.threads && step >= (1 << 17) && panels >= 2;
        // a small call is over before a second thread has come
        lanes = step * c.T < (1 << 18) ? 1 : smaller(c.threads, units ? panels : larger(c.B, 1));
        const int64_t most = lanes * most_rows(c.P, lanes_of_h);
        slices = units ? 1 : larger(1, smaller(c.B, lanes * ((c.B + most - 1) / most)));
        rows = (c.B + slices - 1) / slices;
        areas = units ? 1 : lanes;
    }
};

// The features of x and of h that take part in products.
struct KeptFeatures {
    Kept x, h;
    void fill() const {
        x.fill();
        h.fill();
    }
};

// What one thread does of a step: rows of the batch, panels of hidden units, of h (which is of the
// units, or projected) and of inputs, and of those features of h and x that are kept.
struct Share {
    Range rows, units, outputs, inputs, kept_outputs, kept_inputs;
    Barrier* barrier;
    void meet() const {
        if (barrier != nullptr) barrier->wait();
    }
};

// Calls f(area, lane, share) for every share, on as many threads as there are lanes.
template <class F>
void share_out(const Call& c, const KeptFeatures& kept, const Split& split, F f) {
    auto share = [&](Range rows, int64_t part, int64_t parts, Barrier* barrier) {
        return Share{rows,
                     part_of(panels_of(c.H), part, parts),
                     part_of(panels_of(c.P), part, parts),
                     part_of(panels_of(c.I), part, parts),
                     part_of(panels_of(kept.h.features), part, parts),
                     part_of(panels_of(kept.x.features), part, parts),
                     barrier};
    };
    if (split.units) {
        team(split.lanes, [&](int64_t member, int64_t members, Barrier& barrier) {
            f(0, member, share({0, c.B}, member, members, &barrier));
        });
        return;
    }
    parallel(split.lanes, [&](int64_t lane) {
        for (int64_t slice = lane; slice < split.slices; slice += split.lanes)
            f(lane, lane, share(part_of(c.B, slice, split.slices), 0, 1, nullptr));
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

// The lanes of one panel of one row: the value times each mask. Pair: features in a word, as in all
// that writes operands; `pair`, or 1 where rows are to be paired (`pair_rows`).
template <int Pair, int Lanes>
LOCKGATE_INLINE void put_lanes(float* operand, vec value, const Mask& mask, int64_t t, int64_t b,
                               int64_t panel, int64_t width) {
    repeat<Lanes>([&](auto lane) LOCKGATE_HERE {
        put<Pair>(operand + lane * W,
                  mask.data == nullptr ? value : value * mask_at(mask, t, lane, b, panel, width));
    });
}

// Kept features to an operand, [panel][row][lane][W], each times its mask; value_of(b, panel) gives
// a panel of all features.
template <int Pair, int Lanes, class F>
LOCKGATE_INLINE void gather_lanes(const Kept& kept, Range rows, Range panels, float* operand,
                                  int64_t operand_panel, F value_of) {
    for (int64_t panel = panels.begin; panel < panels.end; ++panel)
        for (int64_t lane = 0; lane < Lanes; ++lane) {
            const vec scale = kept.scale(lane, panel);
            float* place = operand + place_in<Pair>(panel, operand_panel) + lane * W;
            for (int64_t b = rows.begin; b < rows.end; ++b, place += Lanes * W)
                put<Pair>(place,
                          scale * kept.gather(lane, panel, [&](int64_t source) LOCKGATE_HERE {
                              return value_of(b, source);
                          }));
        }
}

// Rows of the caller to an operand, [panel][row][lane][W]; row_of(b) may be null: zeros.
template <int Pair, int Lanes, class F>
LOCKGATE_INLINE void pack_rows(const Mask& mask, const Kept& kept, int64_t t, Range rows,
                               Range panels, Range kept_panels, int64_t features, float* operand,
                               int64_t operand_panel, F row_of) {
    auto value_of = [&](int64_t b, int64_t panel) LOCKGATE_HERE {
        const float* row = row_of(b);
        return row == nullptr ? vec{} : load_part(row + panel * W, width_of(panel, features));
    };
    if (kept.some())
        return gather_lanes<Pair, Lanes>(kept, rows, kept_panels, operand, operand_panel, value_of);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t width = width_of(panel, features);
        float* place = operand + place_in<Pair>(panel, operand_panel);
        for (int64_t b = rows.begin; b < rows.end; ++b, place += Lanes * W)
            put_lanes<Pair, Lanes>(place, value_of(b, panel), mask, t, b, panel, width);
    }
}

}  // namespace lockgate::LOCKGATE_ISA
