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

template <class Cell, bool Gated, bool OfX>
struct ToWeights {
    static constexpr int gates = Cell::gates, deltas = Cell::sums, lanes = Gated ? gates : 1;
    static constexpr int features = smaller(LOCKGATE_ACCUMULATORS / gates, W);
    static constexpr int delta(int g) { return OfX ? Cell::x_sum(g) : Cell::h_sum(g); }
    static constexpr int lane(int g) { return Gated ? g : 0; }
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
    if constexpr (Cell::gates > 1) {
        if (mask.gated) return f(Number<1>{});
    }
    f(Number<0>{});
}

template <class Cell>
KeptFeatures kept_features(const Call& c, Arena& arena) {
    const int64_t units = Cell::gates * c.H;
    return {Kept(c.mask_x, lanes_of<Cell>(c.mask_x), c.I, units, arena),
            Kept(c.mask_h, lanes_of<Cell>(c.mask_h), c.H, units, arena)};
}
inline KeptFeatures all_features(const Call& c) {
    return {Kept(c.I), Kept(c.H)};
}

template <class Cell>
struct Packed {
    const KeptFeatures& kept;
    float *w_ih, *w_hh, *bias;

    Packed(const Call& c, const KeptFeatures& features, Arena& arena) : kept(features) {
        const int64_t panels = panels_of(c.H);
        w_ih = arena.take(panels * kept.x.features * Cell::gates * W);
        w_hh = arena.take(panels * kept.h.features * Cell::gates * W);
        bias = arena.take(panels * Cell::sums * W);
    }

    void fill_panels(const Call& c, Range panels) const {
        pack(kept.x, c.w_ih, c.H, c.I, panels, w_ih);
        pack(kept.h, c.w_hh, c.H, c.H, panels, w_hh);
        for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
            vec sum[Cell::sums] = {};
            if (c.b_ih != nullptr)
                for (int g = 0; g < Cell::gates; ++g) {
                    const int64_t first = g * c.H + panel * W, width = width_of(panel, c.H);
                    sum[Cell::x_sum(g)] += load_part(c.b_ih + first, width);
                    sum[Cell::h_sum(g)] += load_part(c.b_hh + first, width);
                }
            for (int s = 0; s < Cell::sums; ++s) store(bias + (panel * Cell::sums + s) * W, sum[s]);
        }
    }

    void fill_all(const Call& c, int64_t lanes) const {
        const int64_t panels = panels_of(c.H), parts = smaller(lanes, panels);
        parallel(parts, [&](int64_t part) { fill_panels(c, part_of(panels, part, parts)); });
    }

  private:
    static void pack(const Kept& kept, const float* weights, int64_t units, int64_t features,
                     Range panels, float* packed) {
        if (!kept.some())
            return pack_by_units(weights, Cell::gates, units, features, panels.begin, panels.end,
                                 packed);
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int g = 0; g < Cell::gates; ++g) {
                const int64_t lane = kept.lane_of(g);
                auto at = [&](int64_t k) LOCKGATE_HERE {
                    return packed + ((panel * kept.features + k) * Cell::gates + g) * W;
                };
                transpose_into_lanes(weights + (g * units + panel * W) * features, features,
                                     width_of(panel, units), features,
                                     [&](int64_t k) LOCKGATE_HERE {
                                         const int64_t position = kept.position(lane, k);
                                         return position < 0 ? nullptr : at(position);
                                     });
                for (int64_t k = kept.count(lane); k < kept.features; ++k) store(at(k), vec{});
            }
    }
};

// The same weights for the way back: a panel of features, and for each unit all gates.
template <class Cell>
struct PackedBack {
    const KeptFeatures& kept;
    float *w_ih, *w_hh;

    PackedBack(const Call& c, const KeptFeatures& features, Arena& arena) : kept(features) {
        const int64_t inputs = c.d_x == nullptr ? 0 : panels_of(kept.x.features);
        w_ih = arena.take(inputs * c.H * Cell::gates * W);
        w_hh = arena.take(panels_of(kept.h.features) * c.H * Cell::gates * W);
    }

    void fill_all(const Call& c, int64_t lanes) const {
        parallel(lanes, [&](int64_t lane) {
            const Range inputs = part_of(panels_of(kept.x.features), lane, lanes),
                        units = part_of(panels_of(kept.h.features), lane, lanes);
            if (c.d_x != nullptr) pack(kept.x, c.w_ih, c.H, c.I, inputs, w_ih);
            pack(kept.h, c.w_hh, c.H, c.H, units, w_hh);
        });
    }

  private:
    static void pack(const Kept& kept, const float* weights, int64_t units, int64_t features,
                     Range panels, float* packed) {
        if (!kept.some())
            return pack_by_features(weights, Cell::gates, units, features, panels.begin, panels.end,
                                    packed);
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int64_t unit = 0; unit < units; ++unit)
                for (int g = 0; g < Cell::gates; ++g) {
                    const float* row = weights + (g * units + unit) * features;
                    store(packed + ((panel * units + unit) * Cell::gates + g) * W,
                          kept.gather(kept.lane_of(g), panel, [&](int64_t source) LOCKGATE_HERE {
                              return load_part(row + source * W, width_of(source, features));
                          }));
                }
    }
};

}  // namespace lockgate::LOCKGATE_ISA
