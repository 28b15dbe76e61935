// The features of an operand that take part in its products.
//
// What a mask drops for all rows at all steps needs no arithmetic: the kept features are brought
// side by side, in operands and in weights, and the products run over these alone. Where each gate
// has a mask, each lane has features of its own, and zeros behind them up to the longest.
#pragma once

#include "arena.h"
#include "call.h"
#include "products.h"

namespace lockgate::LOCKGATE_ISA {

class Kept {
  public:
    int64_t features;  // that a product runs over: those that are kept, or all

    // units: rows of the weights of all gates
    Kept(const Mask& mask, int64_t lanes, int64_t all, int64_t units, Arena& arena)
        : features(all), mask_(mask), lanes_(lanes), all_(all) {
        if (mask.data == nullptr || mask.time != 0 || mask.batch != 0 || units * all < least)
            return;
        int64_t most = 0;
        for (int64_t lane = 0; lane < lanes; ++lane) {
            int64_t kept = 0;
            for (int64_t k = 0; k < all; ++k) kept += value(lane, k) != 0.0f;
            most = larger(most, kept);
        }
        some_ = panels_of(most) < panels_of(all);
        if (!some_) return;
        features = most;
        const int64_t wide = panels_of(all), narrow = panels_of(most), pieces = wide + narrow;
        auto take = [&](int64_t size) {
            return reinterpret_cast<int32_t*>(arena.take(lanes * size));
        };
        scale_ = arena.take(lanes * narrow * W);
        position_ = take(wide * W);
        first_ = take(wide);
        spread_ = take(wide * W);
        count_ = take(1);
        begin_ = take(narrow + 1);
        source_ = take(pieces);
        order_ = take(pieces * W);
    }
    explicit Kept(int64_t all) : features(all), all_(all) {}

    // Whether some features are left out; only then the functions below may be called.
    bool some() const { return some_; }

    int64_t lane_of(int gate) const { return lanes_ > 1 ? gate : 0; }
    // Where a feature lies among those kept, or -1.
    int64_t position(int64_t lane, int64_t feature) const {
        return position_[lane * panels_of(all_) * W + feature];
    }
    // Features of a lane; zeros follow.
    int64_t count(int64_t lane) const { return count_[lane]; }

    // A panel of kept features; value_of(panel) gives all those of a panel.
    template <class F>
    LOCKGATE_INLINE vec gather(int64_t lane, int64_t panel, F value_of) const {
        const int32_t* begin = begin_ + lane * (panels_of(features) + 1) + panel;
        vec values = {};
        for (int64_t piece = begin[0]; piece < begin[1]; ++piece)
            values = pick(values, value_of(source_[piece]), load_order(order_ + piece * W));
        return values;
    }
    // What the mask multiplies a panel of kept features with.
    vec scale(int64_t lane, int64_t panel) const {
        return load(scale_ + (lane * panels_of(features) + panel) * W);
    }
    // The way back: a panel of all features times the mask, 0 where they are dropped;
    // value_of(panel) gives a panel of kept ones.
    template <class F>
    LOCKGATE_INLINE vec spread(int64_t lane, int64_t panel, F value_of) const {
        const int64_t at = lane * panels_of(all_) + panel, first = first_[at];
        if (first < 0) return vec{};
        const vec mask =
            load_part(mask_.data + lane * mask_.gate + panel * W, width_of(panel, all_));
        const vec values =
            pick(value_of(first), value_of(smaller(first + 1, panels_of(features) - 1)),
                 load_order(spread_ + at * W));
        return mask == 0.0f ? vec{} : values * mask;
    }

    void fill() const {
        if (!some_) return;
        int32_t pieces = 0;
        for (int64_t lane = 0; lane < lanes_; ++lane) pieces = fill(lane, pieces);
    }

  private:
    // Smaller weights are multiplied before their features are sorted.
    static constexpr int64_t least = 1 << 14;

    float value(int64_t lane, int64_t feature) const {
        return mask_.data[lane * mask_.gate + feature];
    }
    static ivec load_order(const int32_t* place) {
        ivec order;
        std::memcpy(&order, place, sizeof order);
        return order;
    }

    int32_t fill(int64_t lane, int32_t pieces) const {
        const int64_t wide = panels_of(all_), narrow = panels_of(features);
        int32_t *position = position_ + lane * wide * W, *first = first_ + lane * wide,
                *spread = spread_ + lane * wide * W, *begin = begin_ + lane * (narrow + 1);
        float* scale = scale_ + lane * narrow * W;
        int64_t kept = 0, began = 0;  // features, panels of them
        for (int64_t panel = 0; panel < wide; ++panel) {
            first[panel] = -1;
            for (int64_t k = panel * W; k < (panel + 1) * W; ++k) {
                position[k] = -1;
                spread[k] = 0;
                if (k >= all_ || value(lane, k) == 0.0f) continue;
                if (first[panel] < 0) first[panel] = static_cast<int32_t>(kept / W);
                if (kept % W == 0) begin[began++] = pieces;
                if (kept % W == 0 || source_[pieces - 1] != panel) {
                    source_[pieces] = static_cast<int32_t>(panel);
                    for (int i = 0; i < W; ++i) order_[pieces * W + i] = i;
                    ++pieces;
                }
                order_[(pieces - 1) * W + kept % W] = static_cast<int32_t>(W + k % W);
                spread[k] = static_cast<int32_t>(kept - first[panel] * W);
                position[k] = static_cast<int32_t>(kept);
                scale[kept++] = value(lane, k);
            }
        }
        count_[lane] = static_cast<int32_t>(kept);
        while (began <= narrow) begin[began++] = pieces;
        for (; kept < narrow * W; ++kept) scale[kept] = 0.0f;
        return pieces;
    }

    Mask mask_;
    int64_t lanes_ = 1, all_;
    bool some_ = false;
    float* scale_ = nullptr;        // [lane][kept feature]
    int32_t *position_ = nullptr,   // [lane][feature]
        *first_ = nullptr,          // [lane][panel]: panel of the first feature that is kept, or -1
            *spread_ = nullptr,     // [lane][panel][W]: places from the beginning of that panel
                *count_ = nullptr,  // [lane]
                    *begin_ =
                        nullptr,  // [lane][panel of kept features]: its first piece, and the end
                        *source_ = nullptr,     // [piece]: a panel from which features come
                            *order_ = nullptr;  // [piece][W]: and which of its features go where
};

}  // namespace lockgate::LOCKGATE_ISA
