// The two matrix products of a recurrent network on panels, and moving rows in and out of panels.
//
// A panel holds W features of many rows side by side, [panel][row][lane][W]; a lane is a copy of
// the features (one for each gate where each gate has its own mask). Weights lie as
// [panel][k][gate][W]: W output units of all gates, for each input feature k.
#pragma once

#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

#define LOCKGATE_INLINE inline __attribute__((always_inline))

constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t panels_of(int64_t features) { return (features + W - 1) / W; }
constexpr int64_t width_of(int64_t panel, int64_t features) { return smaller(W, features - panel * W); }

template <int N>
struct Number {
    static constexpr int value = N;
    constexpr operator int() const { return N; }
};

// Calls f(Number<0>{}) ... f(Number<N - 1>{}): a loop whose index is a constant, so that arrays
// indexed by it live in registers.
template <int N, class F>
LOCKGATE_INLINE void repeat(F&& f) {
    if constexpr (N > 0) {
        repeat<N - 1>(f);
        f(Number<N - 1>{});
    }
}

// ---- sums[row][panel][sum] += rows times weights ----
//
// A Product says how gates meet: for gate g of the weights, lane(g) of the operand is multiplied
// and the register out(g) collects; register o is added to sum(o) of the row's sums. It has: panels
// (worked on side by side), rows (of a tile), gates, lanes, one_lane, outs, sums.

template <class Product, int Rows>
__attribute__((noinline)) void product_tile(
    const float* operand, int64_t operand_panel, const float* weights, int64_t weights_panel,
    int64_t features, float* sums) {
    constexpr int P = Product::panels, G = Product::gates, L = Product::lanes, O = Product::outs;
    vec sum[Rows][P][O];
    repeat<Rows>([&](auto r) { repeat<P>([&](auto p) { repeat<O>([&](auto o) { sum[r][p][o] = vec{}; }); }); });

    // adds what the gates [First, First + Count) give, which read one lane; what needs fewer registers
    // is held, the weights or the values, and the other streams past
    auto add_gates = [&](auto First, auto Count, const float* a, const float* w) __attribute__((always_inline)) {
        a += Product::lane(First) * W;
        if constexpr (P * Count <= Rows) {
            vec weight[P][Count];
            repeat<P>([&](auto p) { repeat<Count>([&](auto g) { weight[p][g] = load(w + p * weights_panel + (First + g) * W); }); });
            repeat<Rows>([&](auto r) {
                vec value = fill(a[r * L * W]);
                repeat<P>([&](auto p) { repeat<Count>([&](auto g) { sum[r][p][Product::out(First + g)] += weight[p][g] * value; }); });
            });
        } else {
            vec value[Rows];
            repeat<Rows>([&](auto r) { value[r] = fill(a[r * L * W]); });
            repeat<P>([&](auto p) {
                repeat<Count>([&](auto g) {
                    vec weight = load(w + p * weights_panel + (First + g) * W);
                    repeat<Rows>([&](auto r) { sum[r][p][Product::out(First + g)] += weight * value[r]; });
                });
            });
        }
    };
    auto add_feature = [&](const float* a, const float* w) __attribute__((always_inline)) {
        if constexpr (Product::one_lane) {
            add_gates(Number<0>{}, Number<G>{}, a, w);
        } else {
            repeat<G>([&](auto g) { add_gates(g, Number<1>{}, a, w); });
        }
    };
    for (; features >= W; features -= W) {
#pragma GCC unroll 4
        for (int k = 0; k < W; ++k) {
            add_feature(operand + k, weights);
            weights += G * W;
        }
        operand += operand_panel;
    }
    for (int64_t k = 0; k < features; ++k) {
        add_feature(operand + k, weights);
        weights += G * W;
    }
    repeat<Rows>([&](auto r) {
        repeat<P>([&](auto p) {
            repeat<O>([&](auto o) {
                float* place = sums + ((r * P + p) * Product::sums + Product::sum(o)) * W;
                store(place, load(place) + sum[r][p][o]);
            });
        });
    });
}

template <class Product, int Rows = 1, class... Args>
LOCKGATE_INLINE void product_tile_of(int rows, Args... args) {
    if (rows == Rows) return product_tile<Product, Rows>(args...);
    if constexpr (Rows < Product::rows) product_tile_of<Product, Rows + 1>(rows, args...);
}

// All rows against Product::panels panels of the weights. The features are cut into pieces whose
// weights stay in the first-level cache while all rows pass over them; a piece is summed by itself,
// which also keeps the rounding errors of a long sum small.
template <class Product>
void product(const float* operand, int64_t operand_panel, int64_t rows, const float* weights,
             int64_t weights_panel, int64_t features, float* sums) {
    constexpr int64_t feature_floats = Product::panels * Product::gates * W;
    constexpr int64_t piece = larger(1, 4096 / (feature_floats * W)) * W;  // 16 kB of weights
    const int64_t tiles = (rows + Product::rows - 1) / Product::rows;
    for (int64_t first = 0; first < features; first += piece) {
        const int64_t count = smaller(piece, features - first);
        int64_t row = 0;
        for (int64_t tile = 0; tile < tiles; ++tile) {  // tiles of nearly equal size
            const int64_t end = rows * (tile + 1) / tiles;
            product_tile_of<Product>(
                static_cast<int>(end - row), operand + first / W * operand_panel + row * Product::lanes * W,
                operand_panel, weights + first * Product::gates * W, weights_panel, count,
                sums + row * Product::panels * Product::sums * W);
            row = end;
        }
    }
}

// ---- gradient[feature][gate] += sum over rows of delta times operand ----
//
// An Outer has: gates, deltas and delta(g) (which of a row's deltas gate g takes), lanes and lane(g).

template <class Outer, int Features>
__attribute__((noinline)) void outer_tile(const float* delta, const float* operand, int64_t rows, float* gradient) {
    constexpr int G = Outer::gates, D = Outer::deltas, L = Outer::lanes;
    vec sum[Features][G];
    repeat<Features>([&](auto k) { repeat<G>([&](auto g) { sum[k][g] = vec{}; }); });
#pragma GCC unroll 2
    for (int64_t row = 0; row < rows; ++row) {
        repeat<G>([&](auto g) {
            vec d = load(delta + Outer::delta(g) * W);
            repeat<Features>([&](auto k) { sum[k][g] += d * operand[Outer::lane(g) * W + k]; });
        });
        delta += D * W;
        operand += L * W;
    }
    repeat<Features>([&](auto k) {
        repeat<G>([&](auto g) {
            float* place = gradient + (k * G + g) * W;
            store(place, load(place) + sum[k][g]);
        });
    });
}

template <class Outer, int Features = 1, class... Args>
LOCKGATE_INLINE void outer_tile_of(int features, Args... args) {
    if (features == Features) return outer_tile<Outer, Features>(args...);
    if constexpr (Features < Outer::features) outer_tile_of<Outer, Features + 1>(features, args...);
}

// One panel of deltas against all features: gradient is [k][gate][W] of that panel.
template <class Outer>
void outer(const float* delta, const float* operand, int64_t operand_panel, int64_t rows,
           int64_t features, float* gradient) {
    constexpr int64_t block = 48;  // rows whose deltas and operands stay in the first-level cache
    for (int64_t panel = 0; panel * W < features; ++panel) {
        const int64_t width = width_of(panel, features);
        const int64_t tiles = (width + Outer::features - 1) / Outer::features;
        for (int64_t row = 0; row < rows; row += block) {
            int64_t k = 0;
            for (int64_t tile = 0; tile < tiles; ++tile) {
                const int64_t end = width * (tile + 1) / tiles;
                outer_tile_of<Outer>(
                    static_cast<int>(end - k), delta + row * Outer::deltas * W,
                    operand + panel * operand_panel + row * Outer::lanes * W + k,
                    smaller(block, rows - row), gradient + (panel * W + k) * Outer::gates * W);
                k = end;
            }
        }
    }
}

// ---- rows and weights to panels and back ----

// dst[c][r] = src[r][c]; beyond `rows` dst is filled with 0 up to W.
inline void transpose_into_lanes(const float* src, int64_t src_row, int64_t rows, int64_t columns,
                                 float* dst, int64_t dst_row) {
    for (int64_t c = 0; c < columns; ++c) {
        float part[W];
        for (int r = 0; r < W; ++r) part[r] = r < rows ? src[r * src_row + c] : 0.0f;
        store(dst + c * dst_row, load(part));
    }
}

// Weights (gates * units, features) to [panel of units][feature][gate][W], for panels [begin, end).
inline void pack_by_units(const float* weights, int gates, int64_t units, int64_t features,
                          int64_t begin, int64_t end, float* packed) {
    for (int64_t panel = begin; panel < end; ++panel)
        for (int g = 0; g < gates; ++g)
            transpose_into_lanes(weights + (g * units + panel * W) * features, features,
                                 width_of(panel, units), features,
                                 packed + (panel * features * gates + g) * W, gates * W);
}

// Weights (gates * units, features) to [panel of features][unit][gate][W], for panels [begin, end).
inline void pack_by_features(const float* weights, int gates, int64_t units, int64_t features,
                             int64_t begin, int64_t end, float* packed) {
    for (int64_t panel = begin; panel < end; ++panel)
        for (int64_t unit = 0; unit < units; ++unit)
            for (int g = 0; g < gates; ++g)
                store(packed + ((panel * units + unit) * gates + g) * W,
                      load_part(weights + (g * units + unit) * features + panel * W, width_of(panel, features)));
}

// Gradients [panel of units][feature][gate][W] of `copies` threads to (gates * units, features).
inline void unpack_by_units(const float* packed, int64_t copies, int64_t copy_size, int gates,
                            int64_t units, int64_t features, int64_t begin, int64_t end, float* gradient) {
    for (int64_t panel = begin; panel < end; ++panel)
        for (int g = 0; g < gates; ++g)
            for (int64_t first = 0; first < features; first += W) {
                const int64_t count = smaller(W, features - first);
                float block[W][W];
                for (int64_t k = 0; k < count; ++k) {
                    const float* place = packed + ((panel * features + first + k) * gates + g) * W;
                    vec sum = load(place);
                    for (int64_t copy = 1; copy < copies; ++copy) sum += load(place + copy * copy_size);
                    store(block[k], sum);
                }
                for (int64_t unit = 0; unit < width_of(panel, units); ++unit) {
                    float* row = gradient + (g * units + panel * W + unit) * features + first;
                    for (int64_t k = 0; k < count; ++k) row[k] = block[k][unit];
                }
            }
}

}  // namespace lockgate::LOCKGATE_ISA
