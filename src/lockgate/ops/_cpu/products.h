// The two matrix products of a recurrent network on panels, and moving rows in and out of panels.
//
// A panel holds W features of many rows side by side, [panel][row][lane][W]; a lane is a copy of
// the features (one for each gate where each gate has its own mask). Weights lie as
// [panel][k][gate][W]: W output units of all gates, for each input feature k. A feature is a word
// (`words.h`): where these are pairs of bfloat16 there are half as many.
#pragma once

#include "words.h"

namespace lockgate::LOCKGATE_ISA {

#define LOCKGATE_INLINE inline __attribute__((always_inline))
// for a lambda: an array it works on can be registers only where it is inlined
#define LOCKGATE_HERE __attribute__((always_inline))

constexpr int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}
constexpr int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}
constexpr int64_t panels_of(int64_t features) {
    return (features + W - 1) / W;
}
constexpr int64_t width_of(int64_t panel, int64_t features) {
    return smaller(W, features - panel * W);
}

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

// ---- sums[row][panel][sum] = rows times weights ----
//
// A Product says how the gates of the weights meet an operand: gate g multiplies lane(g) and is
// added to sum(g). It has: panels (worked on side by side), gates, lanes, one_lane, sums. Products
// that are added to the same sums, as those with x and h, run as one.

// Each feature that a tile works on fetches this many lines of the weights that come next, of each
// panel: large weights lie in the third-level cache, which answers too late when they are needed.
constexpr int lines_ahead(int gates) {
    return gates > 1 && V == W ? 2 : 1;
}

// One product's part of the sums: `features` columns of the operand and of the weights.
struct Factor {
    const float* operand;
    int64_t operand_panel, operand_row;
    const float* weights;
    int64_t weights_panel, weights_feature, features;

    const float* ahead = nullptr;  // weights that come next, fetched meanwhile

    Factor piece(int64_t first, int64_t count) const {  // first is a multiple of W
        Factor f = *this;
        f.operand += first / W * operand_panel;
        f.weights += first * weights_feature;
        f.features = count;
        f.ahead = f.weights + count * weights_feature;
        return f;
    }
    // What a tile of rows takes; the first tiles share out what is fetched ahead.
    Factor tile(int64_t index, int64_t row) const {
        Factor f = *this;
        f.operand += row * operand_row;
        const int64_t gates = weights_feature / V, lines = lines_ahead(static_cast<int>(gates));
        f.ahead += smaller(index, (gates + lines - 1) / lines - 1) * features * lines * W;
        return f;
    }
};

template <class Product, int Rows>
LOCKGATE_INLINE void accumulate(vec (&sum)[Rows][Product::panels][Product::sums], Factor f) {
    constexpr int P = Product::panels, G = Product::gates, L = Product::lanes;
    // adds what the gates [First, First + Count) give, which read one lane; what needs fewer
    // registers is held, the weights or the values, and the other streams past
    auto add_gates = [&](auto First, auto Count, const float* a, const float* w) LOCKGATE_HERE {
        a += Product::lane(First) * W;
        if constexpr (P * Count <= Rows) {
            vec weight[P][Count];
            repeat<P>([&](auto p) LOCKGATE_HERE {
                repeat<Count>([&](auto g) LOCKGATE_HERE {
                    weight[p][g] = load_weights(w + p * f.weights_panel + (First + g) * V);
                    // else it is loaded again for each row: loads are what such a product waits for
                    if constexpr (P > 1 && G > 1) hold(weight[p][g]);
                });
            });
            repeat<Rows>([&](auto r) LOCKGATE_HERE {
                vec value = fill_word(a + r * L * W);
                repeat<P>([&](auto p) LOCKGATE_HERE {
                    repeat<Count>([&](auto g) LOCKGATE_HERE {
                        vec& total = sum[r][p][Product::sum(First + g)];
                        total = multiply_add(total, weight[p][g], value);
                    });
                });
            });
        } else {
            vec value[Rows];
            repeat<Rows>([&](auto r) LOCKGATE_HERE { value[r] = fill_word(a + r * L * W); });
            repeat<P>([&](auto p) LOCKGATE_HERE {
                repeat<Count>([&](auto g) LOCKGATE_HERE {
                    vec weight = load_weights(w + p * f.weights_panel + (First + g) * V);
                    repeat<Rows>([&](auto r) LOCKGATE_HERE {
                        vec& total = sum[r][p][Product::sum(First + g)];
                        total = multiply_add(total, weight, value[r]);
                    });
                });
            });
        }
    };
    auto add_feature = [&](const float* a, const float* w) LOCKGATE_HERE {
        if constexpr (Product::one_lane) {
            add_gates(Number<0>{}, Number<G>{}, a, w);
        } else {
            repeat<G>([&](auto g) LOCKGATE_HERE { add_gates(g, Number<1>{}, a, w); });
        }
    };
    for (; f.features >= W; f.features -= W) {
        // the first feature of a panel touches a line for each row and lane: fetched while the
        // panel before is worked on, they do not come all at once
        const float* next = f.operand + f.operand_panel;
#pragma GCC unroll 4
        for (int k = 0; k < W; ++k) {
            constexpr int lines = (Rows * L + W - 1) / W;
            repeat<lines>([&](auto line)
                              LOCKGATE_HERE { __builtin_prefetch(next + (k * lines + line) * W); });
            repeat<P>([&](auto p) LOCKGATE_HERE {
                repeat<lines_ahead(G)>([&](auto line) LOCKGATE_HERE {
                    __builtin_prefetch(f.ahead + p * f.weights_panel + line * W, 0, 2);
                });
            });
            f.ahead += lines_ahead(G) * W;
            add_feature(f.operand + k, f.weights);
            f.weights += G * V;
        }
        f.operand += f.operand_panel;
    }
    for (int64_t k = 0; k < f.features; ++k) {
        add_feature(f.operand + k, f.weights);
        f.weights += G * V;
    }
}

// start: what the sums of each row begin with, [panel][sum][W]; null: add to what is there.
template <int Rows, class First, class... Others, class... Factors>
__attribute__((noinline)) void sum_tile(const float* start, float* sums, const Factor& first,
                                        const Factors&... others) {
    constexpr int P = First::panels, S = First::sums;
    vec sum[Rows][P][S];
    repeat<Rows>([&](auto r) LOCKGATE_HERE {
        repeat<P>([&](auto p) LOCKGATE_HERE {
            repeat<S>([&](auto s) LOCKGATE_HERE {
                sum[r][p][s] = start == nullptr ? vec{} : load(start + (p * S + s) * W);
            });
        });
    });
    accumulate<First, Rows>(sum, first);
    (accumulate<Others, Rows>(sum, others), ...);
    repeat<Rows>([&](auto r) LOCKGATE_HERE {
        repeat<P>([&](auto p) LOCKGATE_HERE {
            repeat<S>([&](auto s) LOCKGATE_HERE {
                float* place = sums + ((r * P + p) * S + s) * W;
                store(place, start == nullptr ? load(place) + sum[r][p][s] : sum[r][p][s]);
            });
        });
    });
}

template <int Rows, class First, class... Others, class... Factors>
LOCKGATE_INLINE void sum_tile_of(int rows, const float* start, float* sums,
                                 const Factors&... factors) {
    if (rows == Rows) return sum_tile<Rows, First, Others...>(start, sums, factors...);
    if constexpr (Rows > 1) sum_tile_of<Rows - 1, First, Others...>(rows, start, sums, factors...);
}

template <class First, class... Others, class... Factors>
void sum_rows(int64_t rows, const float* start, float* sums, const Factors&... factors) {
    constexpr int most = smaller(LOCKGATE_ACCUMULATORS / (First::panels * First::sums), 8);
    const int64_t tiles = (rows + most - 1) / most;
    int64_t row = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) {  // tiles of nearly equal size
        const int64_t end = rows * (tile + 1) / tiles;
        sum_tile_of<most, First, Others...>(static_cast<int>(end - row), start,
                                            sums + row * First::panels * First::sums * W,
                                            factors.tile(tile, row)...);
        row = end;
    }
}

// How many features of a product fit the first-level cache with their weights: all rows pass over
// such a piece before the next comes. Sums of pieces also round less than one long sum.
template <class Product>
constexpr int64_t piece_of() {
    return larger(1, 4096 / (Product::panels * Product::gates * V * W)) * W;  // 16 kB of weights
}

template <class Product>
void product(int64_t rows, const float* start, float* sums, const Factor& factor) {
    constexpr int64_t piece = piece_of<Product>();
    for (int64_t first = 0; first == 0 || first < factor.features; first += piece)
        sum_rows<Product>(rows, first == 0 ? start : nullptr, sums,
                          factor.piece(first, smaller(piece, factor.features - first)));
}

// The sum of two products; the features of x and the first of h make up one piece.
template <class X, class H>
void product_of_two(int64_t rows, const float* start, float* sums, const Factor& x,
                    const Factor& h) {
    constexpr int64_t piece = piece_of<X>();
    int64_t done = 0;
    for (; done + piece < x.features; done += piece)
        sum_rows<X>(rows, done == 0 ? start : nullptr, sums, x.piece(done, piece));
    const int64_t rest = x.features - done;
    int64_t first = smaller(h.features, larger(piece - (rest + W - 1) / W * W, W));
    sum_rows<X, H>(rows, done == 0 ? start : nullptr, sums, x.piece(done, rest), h.piece(0, first));
    for (; first < h.features; first += piece)
        sum_rows<H>(rows, nullptr, sums, h.piece(first, smaller(piece, h.features - first)));
}

// ---- gradient[feature][gate] += sum over rows of delta times operand ----
//
// Rows are those of words: `pair_rows` makes them. An Outer has: gates, deltas and delta(g) (which
// of a row's deltas gate g takes), lanes and lane(g).

template <class Outer, int Features>
__attribute__((noinline)) void outer_tile(const float* delta, const float* operand, int64_t rows,
                                          float* gradient) {
    constexpr int G = Outer::gates, D = Outer::deltas, L = Outer::lanes;
    vec sum[Features][G];
    repeat<Features>(
        [&](auto k) LOCKGATE_HERE { repeat<G>([&](auto g) LOCKGATE_HERE { sum[k][g] = vec{}; }); });
#pragma GCC unroll 2
    for (int64_t row = 0; row < rows; ++row) {
        repeat<G>([&](auto g) LOCKGATE_HERE {
            vec d = load(delta + Outer::delta(g) * W);
            repeat<Features>([&](auto k) LOCKGATE_HERE {
                sum[k][g] = multiply_add(sum[k][g], d, fill_word(operand + Outer::lane(g) * W + k));
            });
        });
        delta += D * W;
        operand += L * W;
    }
    repeat<Features>([&](auto k) LOCKGATE_HERE {
        repeat<G>([&](auto g) LOCKGATE_HERE {
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

// One panel of deltas against one panel of the operand, `width` features of it; gradient is
// [feature][gate][W].
template <class Outer>
void outer(const float* delta, const float* operand, int64_t rows, int64_t width, float* gradient) {
    constexpr int64_t block = 48;  // rows whose deltas and operands stay in the first-level cache
    const int64_t tiles = (width + Outer::features - 1) / Outer::features;
    // the gradient of the next panel, which lies behind this one's
    for (int64_t line = width * Outer::gates; line < 2 * width * Outer::gates; ++line)
        __builtin_prefetch(gradient + line * W, 1, 2);
    for (int64_t row = 0; row < rows; row += block) {
        int64_t k = 0;
        for (int64_t tile = 0; tile < tiles; ++tile) {
            const int64_t end = width * (tile + 1) / tiles;
            outer_tile_of<Outer>(static_cast<int>(end - k), delta + row * Outer::deltas * W,
                                 operand + row * Outer::lanes * W + k, smaller(block, rows - row),
                                 gradient + k * Outer::gates * W);
            k = end;
        }
    }
}

// ---- rows and weights to panels and back ----

// Turns a block of W x W around: halves are exchanged across the diagonal, then halves of halves.
LOCKGATE_INLINE void transpose(vec (&block)[W]) {
    auto exchange = [&](auto half) LOCKGATE_HERE {
        ivec low, high;  // of two rows side by side: which lanes make up the upper and the lower
        repeat<W>([&](auto lane) LOCKGATE_HERE {
            low[lane.value] = lane & half ? W + lane - half : lane;
            high[lane.value] = lane & half ? W + lane : lane + half;
        });
        repeat<W>([&](auto row) LOCKGATE_HERE {
            if constexpr ((row & half) == 0) {
                const vec upper = block[row], lower = block[row + half];
                block[row] = pick(upper, lower, low);
                block[row + half] = pick(upper, lower, high);
            }
        });
    };
    if constexpr (W >= 16) exchange(Number<8>{});
    if constexpr (W >= 8) exchange(Number<4>{});
    exchange(Number<2>{});
    exchange(Number<1>{});
}

// To lanes: word k of `rows` rows side by side, for each of `words`; words_of(row, first) gives W
// words of a row, place_of(k) says where they go. Beyond `rows` they are 0.
template <class Words, class F>
LOCKGATE_INLINE void transpose_into_lanes(int64_t rows, int64_t words, Words words_of, F place_of) {
    for (int64_t first = 0; first < words; first += W) {
        vec block[W];
        repeat<W>([&](auto r) LOCKGATE_HERE { block[r] = r < rows ? words_of(r, first) : vec{}; });
        transpose(block);
        repeat<W>([&](auto k) LOCKGATE_HERE {
            if (first + k < words) store_weights(place_of(first + k), block[k]);
        });
    }
}

// Weights (gates * units, features) to [panel of units][word][gate][V], for panels [begin, end);
// scale: of each row where they are scaled, [panel][gate][W].
inline void pack_by_units(const float* weights, int gates, int64_t units, int64_t features,
                          int64_t begin, int64_t end, const float* scale, float* packed) {
    const int64_t words = words_of(features);
    for (int64_t panel = begin; panel < end; ++panel)
        for (int g = 0; g < gates; ++g)
            transpose_into_lanes(
                width_of(panel, units), words,
                [&](int64_t unit, int64_t first) LOCKGATE_HERE {
                    const vec row = load_words(
                        weights + (g * units + panel * W + unit) * features + first * pair,
                        features - first * pair);
                    return scaled ? row / fill(scale[(panel * gates + g) * W + unit]) : row;
                },
                [&](int64_t k)
                    LOCKGATE_HERE { return packed + ((panel * words + k) * gates + g) * V; });
}

// Weights (gates * units, features) to [panel of features][word of units][gate][W], for panels
// [begin, end); lanes_of(gate, unit, panel) gives a panel of features of one unit.
template <class F>
LOCKGATE_INLINE void pack_by_features(int gates, int64_t units, int64_t begin, int64_t end,
                                      float* packed, F lanes_of) {
    const int64_t words = words_of(units);
    for (int64_t panel = begin; panel < end; ++panel)
        for (int64_t word = 0; word < words; ++word)
            for (int g = 0; g < gates; ++g)
                store(packed + ((panel * words + word) * gates + g) * W,
                      words_of_lanes([&](int i) LOCKGATE_HERE {
                          const int64_t unit = word * pair + i;
                          return unit < units ? lanes_of(g, unit, panel) : vec{};
                      }));
}

// Gradients [panel of units][feature][gate][W] of `copies` threads to (gates * units, features);
// place_of(panel, gate, feature) is where those of the first thread are, or null: 0.
template <class F>
LOCKGATE_INLINE void unpack_by_units(int64_t copies, int64_t copy_size, int gates, int64_t units,
                                     int64_t features, int64_t begin, int64_t end, float* gradient,
                                     F place_of) {
    for (int64_t panel = begin; panel < end; ++panel)
        for (int g = 0; g < gates; ++g)
            for (int64_t first = 0; first < features; first += W) {
                const int64_t count = smaller(W, features - first);
                vec block[W] = {};
                repeat<W>([&](auto k) LOCKGATE_HERE {
                    const float* place = k < count ? place_of(panel, g, first + k) : nullptr;
                    if (place == nullptr) return;
                    block[k] = load(place);
                    for (int64_t copy = 1; copy < copies; ++copy)
                        block[k] += load(place + copy * copy_size);
                });
                transpose(block);
                float* row = gradient + (g * units + panel * W) * features + first;
                repeat<W>([&](auto unit) LOCKGATE_HERE {
                    if (unit < width_of(panel, units))
                        store_part(row + unit * features, block[unit], count);
                });
            }
}

}  // namespace lockgate::LOCKGATE_ISA
