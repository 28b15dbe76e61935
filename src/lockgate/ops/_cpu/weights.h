// The products of a cell, and its weights in panels for the way there and for the way back.
#pragma once

#include "share.h"

namespace lockgate::LOCKGATE_ISA {

template <class Cell, bool Gated, int Panels, bool OfX>
struct ToSums {
    static constexpr int panels = Panels, gates = Cell::gates, sums = Cell::sums,
                         lanes = Gated ? gates : 1;
    static constexpr bool one_lane = lanes == 1;
    static constexpr int lane(int g) { return Gated ? g : 0; }
    static constexpr int sum(int g) { return OfX ? Cell::x_sum(g) : Cell::h_sum(g); }
};

// Deltas to the gradient of x or h: with a mask for each gate they are kept apart until masked.
template <class Cell, bool Gated, int Panels, bool OfX>
struct FromDeltas {
    static constexpr int panels = Panels, gates = Cell::gates, sums = Gated ? gates : 1,
                         lanes = Cell::sums;
    static constexpr bool one_lane = gates == 1;
    static constexpr int lane(int g) { return OfX ? Cell::x_sum(g) : Cell::h_sum(g); }
    static constexpr int sum(int g) { return Gated ? g : 0; }
};

// From the gradient of a projected h and what was projected.
struct ToProjection {
    static constexpr int gates = 1, deltas = 1, lanes = 1;
    static constexpr int features = smaller(LOCKGATE_ACCUMULATORS, W);
    static constexpr int delta(int) { return 0; }
    static constexpr int lane(int) { return 0; }
};

template <class Cell, bool Gated, bool OfX>
struct ToWeights {
    static constexpr int gates = Cell::gates, deltas = Cell::sums, lanes = Gated ? gates : 1;
    static constexpr int features = smaller(LOCKGATE_ACCUMULATORS / gates, W);
    static constexpr int delta(int g) { return OfX ? Cell::x_sum(g) : Cell::h_sum(g); }
    static constexpr int lane(int g) { return Gated ? g : 0; }
};

// A product of one gate: of the last by itself, with an h that the reset gate has acted on, and the
// projection of h, there and back.
template <int Panels>
struct OfOneGate {
    static constexpr int panels = Panels, gates = 1, sums = 1, lanes = 1;
    static constexpr bool one_lane = true;
    static constexpr int lane(int) { return 0; }
    static constexpr int sum(int) { return 0; }
};

// And back from its delta, one of all those of a row.
template <class Cell, int Panels>
struct FromLastDelta {
    static constexpr int panels = Panels, gates = 1, sums = 1, lanes = Cell::sums;
    static constexpr bool one_lane = true;
    static constexpr int lane(int) { return Cell::h_sum(Cell::gates - 1); }
    static constexpr int sum(int) { return 0; }
};

// Calls f(Number<n>{}, panel) for groups of n panels, as large as they come.
template <int Most, class F>
LOCKGATE_INLINE void for_groups(Range panels, F f) {
    int64_t panel = panels.begin;
    if constexpr (Most >= 2)
        for (; panel + 2 <= panels.end; panel += 2) f(Number<2>{}, panel);
    for (; panel < panels.end; ++panel) f(Number<1>{}, panel);
}

template <class Cell>
bool gated(const Mask& mask) {
    return Cell::gates > 1 && mask.gated;
}

template <class Cell>
int64_t lanes_of(const Mask& mask) {
    return gated<Cell>(mask) ? Cell::gates : 1;
}

// Calls f(Number<1>{}) where each gate has a mask of its own, else f(Number<0>{}).
template <class Cell, class F>
LOCKGATE_INLINE void with_gated(const Mask& mask, F f) {
    if constexpr (Cell::gates > 1 && !scaled) {  // a `Stepper` has no such masks
        if (mask.gated) return f(Number<1>{});
    }
    f(Number<0>{});
}

template <class Cell>
bool resets_first(const Call& c) {
    return Cell::may_reset && !c.reset_after;
}

// Only a cell with c has a projection: that of torch's LSTM.
template <class Cell>
bool projects(const Call& c) {
    return Cell::has_c && c.w_hr != nullptr;
}

// The rows of W_hh of the last gate.
template <class Cell>
const float* last_rows(const Call& c) {
    return c.w_hh + (Cell::gates - 1) * c.H * c.H;
}

// Where the last gate waits for the reset gate its product reads all of h.
template <class Cell>
KeptFeatures kept_features(const Call& c, Arena& arena) {
    const int64_t units = Cell::gates * c.H;
    return {Kept(c.mask_x, lanes_of<Cell>(c.mask_x), c.I, units, arena),
            resets_first<Cell>(c) ? Kept(c.P)
                                  : Kept(c.mask_h, lanes_of<Cell>(c.mask_h), c.P, units, arena)};
}
inline KeptFeatures all_features(const Call& c) {
    return {Kept(c.I), Kept(c.P)};
}

// A panel of the kept features of a row of weights, as gate g reads them.
inline vec gather_row(const Kept& kept, int g, int64_t panel, const float* row, int64_t features) {
    return kept.gather(kept.lane_of(g), panel, [&](int64_t source) LOCKGATE_HERE {
        return load_part(row + source * W, width_of(source, features));
    });
}

template <class Cell>
struct Packed {
    const KeptFeatures& kept;
    float *w_ih, *w_hh, *bias;
    float* w_last;  // of the last gate alone, where it waits for the reset gate
    float* w_hr;
    float *row_scale, *scale;  // of weights, [panel][gate][W], and of sums, [panel][sum][W]

    Packed(const Call& c, const KeptFeatures& features, Arena& arena) : kept(features) {
        const int64_t panels = panels_of(c.H);
        const int64_t row = Cell::gates * V;
        w_ih = arena.take(panels * words_of(kept.x.features) * row);
        w_hh = arena.take(panels * words_of(kept.h.features) * row);
        bias = arena.take(panels * Cell::sums * W);
        w_last = arena.take(resets_first<Cell>(c) ? panels * words_of(c.H) * V : 0);
        w_hr = arena.take(projects<Cell>(c) ? panels_of(c.P) * words_of(c.H) * V : 0);
        row_scale = arena.take(scaled ? panels * Cell::gates * W : 0);
        scale = arena.take(scaled ? panels * Cell::sums * W : 0);
    }

    void fill_panels(const Call& c, Range panels) const {
        if constexpr (scaled) fill_scales(c, panels);
        pack(kept.x, c.w_ih, c.H, c.I, panels, w_ih);
        pack(kept.h, c.w_hh, c.H, c.P, panels, w_hh);
        if (resets_first<Cell>(c))
            pack_by_units(last_rows<Cell>(c), 1, c.H, c.H, panels.begin, panels.end, row_scale,
                          w_last);
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
            vec sum[Cell::sums] = {};
            for (int g = 0; g < Cell::gates; ++g) {
                const int64_t first = g * c.H + panel * W, width = width_of(panel, c.H);
                if (c.b_ih != nullptr) sum[Cell::x_sum(g)] += load_part(c.b_ih + first, width);
                if (c.b_hh != nullptr) sum[Cell::h_sum(g)] += load_part(c.b_hh + first, width);
            }
            for (int s = 0; s < Cell::sums; ++s) {
                const int64_t at = (panel * Cell::sums + s) * W;
                store(bias + at, scaled ? sum[s] / load(scale + at) : sum[s]);
            }
        }
    }

    void fill_all(const Call& c, int64_t lanes) const {
        const int64_t panels = panels_of(c.H), parts = smaller(lanes, panels);
        parallel(parts, [&](int64_t part) {
            fill_panels(c, part_of(panels, part, parts));
            if (!projects<Cell>(c)) return;
            const Range own = part_of(panels_of(c.P), part, parts);
            pack_by_units(c.w_hr, 1, c.P, c.H, own.begin, own.end, row_scale, w_hr);
        });
    }

  private:
    void pack(const Kept& kept, const float* weights, int64_t units, int64_t features, Range panels,
              float* packed) const {
        if (!kept.some())
            return pack_by_units(weights, Cell::gates, units, features, panels.begin, panels.end,
                                 row_scale, packed);
        const int64_t words = words_of(kept.features), last = panels_of(kept.features) - 1;
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int g = 0; g < Cell::gates; ++g)
                transpose_into_lanes(
                    width_of(panel, units), words,
                    [&](int64_t unit, int64_t first) LOCKGATE_HERE {
                        const float* row = weights + (g * units + panel * W + unit) * features;
                        float kept_features[pair * W];
                        for (int64_t i = 0; i < pair; ++i) {
                            const int64_t from = first / W * pair + i;
                            store(kept_features + i * W,
                                  from > last ? vec{} : gather_row(kept, g, from, row, features));
                        }
                        return load_words(kept_features, pair * W);
                    },
                    [&](int64_t k) LOCKGATE_HERE {
                        return packed + ((panel * words + k) * Cell::gates + g) * V;
                    });
    }

    // The largest weight of a row, of those of x and of h, is 127 scales.
    void fill_scales(const Call& c, Range panels) const {
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int g = 0; g < Cell::gates; ++g) {
                float scales[W];
                for (int64_t unit = 0; unit < W; ++unit) {
                    const int64_t row = g * c.H + panel * W + unit;
                    const float most =
                        unit < width_of(panel, c.H)
                            ? larger_size(largest(c.w_ih, row, c.I), largest(c.w_hh, row, c.P))
                            : 0.0f;
                    scales[unit] = most > 0.0f ? most / 127.0f : 1.0f;
                }
                store(row_scale + (panel * Cell::gates + g) * W, load(scales));
                store(scale + (panel * Cell::sums + Cell::x_sum(g)) * W, load(scales));
                store(scale + (panel * Cell::sums + Cell::h_sum(g)) * W, load(scales));
            }
    }
    static float larger_size(float a, float b) { return a > b ? a : b; }
    static float largest(const float* weights, int64_t row, int64_t features) {
        float most = 0.0f;
        for (int64_t k = 0; k < features; ++k)
            most = larger_size(most, __builtin_fabsf(weights[row * features + k]));
        return most;
    }
};

// The same weights for the way back: a panel of features, and for each unit all gates.
template <class Cell>
struct PackedBack {
    const KeptFeatures& kept;
    float *w_ih, *w_hh, *w_last, *w_hr;

    PackedBack(const Call& c, const KeptFeatures& features, Arena& arena) : kept(features) {
        const int64_t inputs = c.d_x != nullptr ? panels_of(kept.x.features) : 0;
        const int64_t words = words_of(c.H);
        w_ih = arena.take(inputs * words * Cell::gates * W);
        w_hh = arena.take(panels_of(kept.h.features) * words * Cell::gates * W);
        w_last = arena.take(resets_first<Cell>(c) ? panels_of(c.H) * words * W : 0);
        w_hr = arena.take(projects<Cell>(c) ? panels_of(c.H) * words_of(c.P) * W : 0);
    }

    void fill_all(const Call& c, int64_t lanes) const {
        parallel(lanes, [&](int64_t lane) {
            const Range inputs = part_of(panels_of(kept.x.features), lane, lanes),
                        outputs = part_of(panels_of(kept.h.features), lane, lanes),
                        units = part_of(panels_of(c.H), lane, lanes);
            if (c.d_x != nullptr) pack(kept.x, c.w_ih, Cell::gates, c.H, c.I, inputs, w_ih);
            pack(kept.h, c.w_hh, Cell::gates, c.H, c.P, outputs, w_hh);
            if (resets_first<Cell>(c)) pack(kept.h, last_rows<Cell>(c), 1, c.H, c.H, units, w_last);
            if (projects<Cell>(c)) pack(Kept(c.H), c.w_hr, 1, c.P, c.H, units, w_hr);
        });
    }

  private:
    static void pack(const Kept& kept, const float* weights, int gates, int64_t units,
                     int64_t features, Range panels, float* packed) {
        pack_by_features(gates, units, panels.begin, panels.end, packed,
                         [&](int g, int64_t unit, int64_t panel) LOCKGATE_HERE {
                             const float* row = weights + (g * units + unit) * features;
                             return kept.some()
                                        ? gather_row(kept, g, panel, row, features)
                                        : load_part(row + panel * W, width_of(panel, features));
                         });
    }
};

}  // namespace lockgate::LOCKGATE_ISA
