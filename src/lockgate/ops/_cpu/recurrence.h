// A recurrent layer over time on panels, forward and backward, for any cell.
//
// A Cell has: gates; sums, what its pointwise part reads (LSTM: one for each gate; GRU keeps the two
// halves of its third gate apart, so four); x_sum(g) and h_sum(g), to which sum gate g of the
// products with x and h is added; saved, the values the backward needs beside the output; has_c;
// and the pointwise functions forward and backward. A delta is the gradient of a sum.
//
// Threads take slices of the batch and walk through all time steps without waiting for each other.
// Where the batch has fewer rows than there are threads, they take panels of the hidden units
// instead, of one slice that is the whole batch, and meet at a barrier after each step.
#pragma once

#include "call.h"
#include "products.h"
#include "threads.h"

namespace lockgate::LOCKGATE_ISA {

// ---- how a call is shared out ----

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

constexpr int64_t most_rows = 64;  // of a slice: their state and operands stay in the second-level cache

struct Split {
    bool units;      // by hidden units, and not by rows of the batch
    int64_t lanes;   // threads that can work side by side
    int64_t slices;  // of the batch
    int64_t rows;    // of the largest slice
    int64_t areas;   // copies of the working memory

    Split(const Call& c, int gates) {
        const int64_t step = c.B * gates * c.H * (c.I + c.H);
        const int64_t panels = panels_of(c.H);
        units = c.B < c.threads && step >= (1 << 17) && panels >= 2;
        // a small call is over before a second thread has come
        lanes = step * c.T < (1 << 18) ? 1 : smaller(c.threads, units ? panels : larger(c.B, 1));
        slices = units ? 1 : smaller(larger(c.B, 1), lanes * ((c.B + lanes * most_rows - 1) / (lanes * most_rows)));
        slices = larger(slices, 1);
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
            f(0, member, Share{{0, c.B}, part_of(units.end, member, members), part_of(inputs.end, member, members), &barrier});
        });
        return;
    }
    parallel(split.lanes, [&](int64_t lane) {
        for (int64_t slice = lane; slice < split.slices; slice += split.lanes)
            f(lane, lane, Share{part_of(c.B, slice, split.slices), units, inputs, nullptr});
    });
}

inline int64_t time_of(const Call& c, int64_t step) { return c.reverse ? c.T - 1 - step : step; }

inline bool is_valid(const Call& c, int64_t t, int64_t b) {
    return c.valid == nullptr || c.valid[t * c.valid_time + b * c.valid_batch] != 0;
}

inline vec mask_at(const Mask& mask, int64_t t, int64_t lane, int64_t b, int64_t panel, int64_t width) {
    return load_part(mask.data + t * mask.time + lane * mask.gate + b * mask.batch + panel * W, width);
}

// The lanes of one panel of one row: the value times each mask.
template <int Lanes>
LOCKGATE_INLINE void put_lanes(float* operand, vec value, const Mask& mask, int64_t t, int64_t b, int64_t panel, int64_t width) {
    repeat<Lanes>([&](auto lane) {
        store(operand + lane * W, mask.data == nullptr ? value : value * mask_at(mask, t, lane, b, panel, width));
    });
}

// Rows of the caller to an operand, [panel][row][lane][W]; row_of(b) may be null: zeros.
template <int Lanes, class F>
LOCKGATE_INLINE void pack_rows(const Mask& mask, int64_t t, Range rows, Range panels, int64_t features, float* operand,
                               int64_t operand_panel, F row_of) {
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        const int64_t width = width_of(panel, features);
        float* place = operand + panel * operand_panel;
        for (int64_t b = rows.begin; b < rows.end; ++b, place += Lanes * W) {
            const float* row = row_of(b);
            put_lanes<Lanes>(place, row == nullptr ? vec{} : load_part(row + panel * W, width), mask, t, b, panel, width);
        }
    }
}

// ---- the products of a cell ----

template <class Cell, bool Gated, int Panels, bool OfX>
struct ToSums {
    static constexpr int panels = Panels, gates = Cell::gates, lanes = Gated ? gates : 1;
    static constexpr int outs = gates, sums = Cell::sums;
    static constexpr bool one_lane = lanes == 1;
    static constexpr int rows = smaller(LOCKGATE_ACCUMULATORS / (panels * outs), 8);
    static constexpr int lane(int g) { return Gated ? g : 0; }
    static constexpr int out(int g) { return g; }
    static constexpr int sum(int o) { return OfX ? Cell::x_sum(o) : Cell::h_sum(o); }
};

// Deltas to the gradient of x or h: with a mask for each gate they are kept apart until masked.
template <class Cell, bool Gated, int Panels, bool OfX>
struct FromDeltas {
    static constexpr int panels = Panels, gates = Cell::gates, lanes = Cell::sums;
    static constexpr int outs = Gated ? gates : 1, sums = outs;
    static constexpr bool one_lane = gates == 1;
    static constexpr int rows = smaller(LOCKGATE_ACCUMULATORS / (panels * outs), 8);
    static constexpr int lane(int g) { return OfX ? Cell::x_sum(g) : Cell::h_sum(g); }
    static constexpr int out(int g) { return Gated ? g : 0; }
    static constexpr int sum(int o) { return o; }
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
    if constexpr (Most >= 4)
        for (; panel + 4 <= panels.end; panel += 4) f(Number<4>{}, panel);
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

// ---- weights in panels ----

template <class Cell>
struct Packed {
    float *w_ih, *w_hh, *bias;

    Packed(const Call& c, Arena& arena) {
        const int64_t panels = panels_of(c.H);
        w_ih = arena.take(panels * c.I * Cell::gates * W);
        w_hh = arena.take(panels * c.H * Cell::gates * W);
        bias = arena.take(panels * Cell::sums * W);
    }

    void fill_panels(const Call& c, Range panels) const {
        pack_by_units(c.w_ih, Cell::gates, c.H, c.I, panels.begin, panels.end, w_ih);
        pack_by_units(c.w_hh, Cell::gates, c.H, c.H, panels.begin, panels.end, w_hh);
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
};

// The same weights for the way back: a panel of features, and for each unit all gates.
template <class Cell>
struct PackedBack {
    float *w_ih, *w_hh;

    PackedBack(const Call& c, Arena& arena) {
        w_ih = arena.take(c.d_x == nullptr ? 0 : panels_of(c.I) * c.H * Cell::gates * W);
        w_hh = arena.take(panels_of(c.H) * c.H * Cell::gates * W);
    }

    void fill_all(const Call& c, int64_t lanes) const {
        parallel(lanes, [&](int64_t lane) {
            const Range inputs = part_of(panels_of(c.I), lane, lanes), units = part_of(panels_of(c.H), lane, lanes);
            if (c.d_x != nullptr) pack_by_features(c.w_ih, Cell::gates, c.H, c.I, inputs.begin, inputs.end, w_ih);
            pack_by_features(c.w_hh, Cell::gates, c.H, c.H, units.begin, units.end, w_hh);
        });
    }
};

// ---- forward ----

// What the pointwise part of a cell reads and writes, for W units of one row.
template <class Cell>
struct Pointwise {
    vec sum[Cell::sums];  // forward reads them; backward writes their gradients here
    vec saved[Cell::saved > 0 ? Cell::saved : 1];
    vec h_before, c_before, h, c, d_h, d_c;
};

// Places of what is saved for the backward, [step][panel][row][value][width of the panel].
struct SavedPlaces {
    float* data;
    int64_t first_step, first_row, rows, values, units;

    static int64_t step_size(int64_t rows, int64_t values, int64_t units) { return (rows * values * units + 15) / 16 * 16; }
    float* at(int64_t step, int64_t panel, int64_t row) const {
        return data + (step - first_step) * step_size(rows, values, units) + panel * W * rows * values +
               (row - first_row) * values * width_of(panel, units);
    }
};

template <class Cell>
struct ForwardMemory {
    float *x[2], *h_seen[2];  // operands of even and of odd steps: [panel][row][lane][W]
    float *h, *c;             // [panel][row][W]
    int64_t x_panel, h_seen_panel, h_panel;

    ForwardMemory(const Call& call, const Split& split, Arena& arena) {
        h_panel = split.rows * W;
        x_panel = h_panel * lanes_of<Cell>(call.mask_x);
        h_seen_panel = h_panel * lanes_of<Cell>(call.mask_h);
        const int64_t inputs = panels_of(call.I), units = panels_of(call.H);
        x[0] = arena.take(inputs * x_panel);
        h_seen[0] = arena.take(units * h_seen_panel);
        // where threads share the operands, one may still read them while another writes the next
        x[1] = split.units ? arena.take(inputs * x_panel) : x[0];
        h_seen[1] = split.units ? arena.take(units * h_seen_panel) : h_seen[0];
        h = arena.take(units * h_panel);
        c = arena.take(Cell::has_c ? units * h_panel : 0);
    }
};

template <class Cell>
class Forward {
  public:
    static constexpr int most_panels = Cell::gates == 1 ? 2 : 1;
    static int64_t sums_size(const Split& split) { return split.rows * most_panels * Cell::sums * W; }

    Forward(const Call& call, const Packed<Cell>& weights, const ForwardMemory<Cell>& memory, float* sums, const Share& share)
        : call_(call), weights_(weights), memory_(memory), sums_(sums), share_(share) {}

    // h_of(b) is the row of h before the first step, c_rows (B, H) is c.
    template <class H>
    void start(int64_t step, H h_of, const float* c_rows) {
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t width = width_of(panel, call_.H);
            store(memory_.h + at, load_part(h_of(b) + panel * W, width));
            if constexpr (Cell::has_c) store(memory_.c + at, load_part(c_rows + b * call_.H + panel * W, width));
        });
        prepare(step);
    }

    // One step; with_next: the operands of the next step are prepared as well.
    void advance(int64_t step, const SavedPlaces* saved, bool write_output, bool with_next) {
        const int64_t rows = share_.rows.size(), buffer = step & 1;
        for_groups<most_panels>(share_.units, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            for (int64_t r = 0; r < rows; ++r)
                repeat<P * Cell::sums>([&](auto s) {
                    store(sums_ + (r * P * Cell::sums + s) * W, load(weights_.bias + (panel * Cell::sums + s) * W));
                });
            with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                product<ToSums<Cell, decltype(is_gated)::value, P, true>>(
                    memory_.x[buffer], memory_.x_panel, rows, weights_.w_ih + panel * call_.I * Cell::gates * W,
                    call_.I * Cell::gates * W, call_.I, sums_);
            });
            with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
                product<ToSums<Cell, decltype(is_gated)::value, P, false>>(
                    memory_.h_seen[buffer], memory_.h_seen_panel, rows, weights_.w_hh + panel * call_.H * Cell::gates * W,
                    call_.H * Cell::gates * W, call_.H, sums_);
            });
            repeat<P>([&](auto p) { finish(step, panel + p, sums_ + p * Cell::sums * W, P * Cell::sums * W, saved, write_output); });
        });
        if (with_next) prepare(step + 1);
    }

    void store_last() {
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t width = width_of(panel, call_.H), place = b * call_.H + panel * W;
            store_part(call_.last_h + place, load(memory_.h + at), width);
            if constexpr (Cell::has_c) store_part(call_.last_c + place, load(memory_.c + at), width);
        });
    }

    void store_c(float* rows) {
        if constexpr (Cell::has_c)
            each([&](int64_t panel, int64_t b, int64_t at) {
                store_part(rows + b * call_.H + panel * W, load(memory_.c + at), width_of(panel, call_.H));
            });
    }

  private:
    template <class F>
    LOCKGATE_INLINE void each(F f) {
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel)
            for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
                f(panel, b, panel * memory_.h_panel + (b - share_.rows.begin) * W);
    }

    // Writes the operands of a step: x and h, each times its masks.
    void prepare(int64_t step) {
        const int64_t t = time_of(call_, step), buffer = step & 1;
        with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
            pack_rows<is_gated ? Cell::gates : 1>(
                call_.mask_x, t, share_.rows, share_.inputs, call_.I, memory_.x[buffer], memory_.x_panel,
                [&](int64_t b) { return is_valid(call_, t, b) ? call_.x + t * call_.x_time + b * call_.x_batch : nullptr; });
        });
        with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
            constexpr int lanes = is_gated ? Cell::gates : 1;
            each([&](int64_t panel, int64_t b, int64_t at) {
                put_lanes<lanes>(memory_.h_seen[buffer] + at * lanes, load(memory_.h + at), call_.mask_h, t, b, panel,
                                 width_of(panel, call_.H));
            });
        });
        share_.meet();
    }

    void finish(int64_t step, int64_t panel, const float* sums, int64_t sums_row, const SavedPlaces* saved, bool write_output) {
        const int64_t t = time_of(call_, step), width = width_of(panel, call_.H);
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b, sums += sums_row) {
            const int64_t at = panel * memory_.h_panel + (b - share_.rows.begin) * W;
            float* output = call_.output + (t * call_.B + b) * call_.H + panel * W;
            float* kept = saved == nullptr ? nullptr : saved->at(step, panel, b);
            Pointwise<Cell> v;
            if (!is_valid(call_, t, b)) {
                if (write_output) store_part(output, vec{}, width);
                if (kept != nullptr) {
                    repeat<Cell::saved>([&](auto i) { store_part(kept + i * width, vec{}, width); });
                    // the step after this one reads its c from here
                    if constexpr (Cell::has_c) store_part(kept + Cell::saved_c * width, load(memory_.c + at), width);
                }
                continue;
            }
            repeat<Cell::sums>([&](auto s) { v.sum[s] = load(sums + s * W); });
            v.h_before = load(memory_.h + at);
            if constexpr (Cell::has_c) v.c_before = load(memory_.c + at);
            Cell::forward(v, call_);
            store(memory_.h + at, v.h);
            if constexpr (Cell::has_c) store(memory_.c + at, v.c);
            if (write_output) store_part(output, v.h, width);
            if (kept != nullptr) repeat<Cell::saved>([&](auto i) { store_part(kept + i * width, v.saved[i], width); });
        }
    }

    const Call& call_;
    const Packed<Cell>& weights_;
    const ForwardMemory<Cell>& memory_;
    float* sums_;
    const Share& share_;
};

template <class Cell>
struct ForwardLayout {
    Split split;
    Arena arena;
    Packed<Cell> weights;
    float *memory, *sums;
    int64_t memory_size, sums_size;

    // packed: weights in panels from before, or null
    ForwardLayout(const Call& c, const float* packed, float* workspace)
        : split(c, Cell::gates), arena(workspace), weights(packed_weights(c, packed, arena)) {
        Arena count(nullptr);
        ForwardMemory<Cell>(c, split, count);
        memory_size = count.used();
        memory = arena.take(memory_size * split.areas);
        sums_size = Forward<Cell>::sums_size(split);
        sums = arena.take(sums_size * split.lanes);
    }

  private:
    static Packed<Cell> packed_weights(const Call& c, const float* packed, Arena& arena) {
        Arena given(const_cast<float*>(packed));
        return Packed<Cell>(c, packed == nullptr ? arena : given);
    }
};

template <class Cell>
void forward(const Call& c, const float* packed, float* workspace) {
    const ForwardLayout<Cell> layout(c, packed, workspace);
    if (packed == nullptr) layout.weights.fill_all(c, layout.split.lanes);
    const SavedPlaces all{c.saved, 0, 0, c.B, Cell::saved, c.H};
    const SavedPlaces* saved = c.saved != nullptr && c.every == 0 && Cell::saved > 0 ? &all : nullptr;
    share_out(c, layout.split, [&](int64_t area, int64_t lane, const Share& share) {
        Arena arena(layout.memory + area * layout.memory_size);
        const ForwardMemory<Cell> memory(c, layout.split, arena);
        Forward<Cell> run(c, layout.weights, memory, layout.sums + lane * layout.sums_size, share);
        run.start(0, [&](int64_t b) { return c.h0 + b * c.H; }, c.c0);
        for (int64_t step = 0; step < c.T; ++step) {
            if (c.saved != nullptr && c.every > 0 && step > 0 && step % c.every == 0)
                run.store_c(c.saved + (step / c.every - 1) * c.B * c.H);
            run.advance(step, saved, true, step + 1 < c.T);
        }
        run.store_last();
    });
}

// ---- backward ----

constexpr int64_t chunk_rows = 128;  // rows (of several steps) whose deltas wait for the weights' gradients

template <class Cell>
struct BackwardMemory {
    int64_t steps, rows;       // of a chunk
    float *delta;              // [panel][row of the chunk][sum][W]
    float *x, *h_seen;         // operands, as in the forward
    float *d_h, *d_c;          // [panel][row][W]
    float *stretch;            // what the forward saves when it is run again
    int64_t delta_panel, x_panel, h_seen_panel, d_panel;
    float *again;              // the forward's own memory

    BackwardMemory(const Call& c, const Split& split, Arena& arena) {
        const int64_t inputs = panels_of(c.I), units = panels_of(c.H);
        steps = larger(1, smaller(chunk_rows / larger(split.rows, 1), c.T));
        rows = steps * split.rows;
        delta_panel = rows * Cell::sums * W;
        x_panel = rows * lanes_of<Cell>(c.mask_x) * W;
        h_seen_panel = rows * lanes_of<Cell>(c.mask_h) * W;
        d_panel = split.rows * W;
        delta = arena.take(units * delta_panel);
        x = arena.take(inputs * x_panel);
        h_seen = arena.take(units * h_seen_panel);
        d_h = arena.take(units * d_panel);
        d_c = arena.take(Cell::has_c ? units * d_panel : 0);
        stretch = again = nullptr;
        if (c.every > 0 && Cell::saved > 0) {
            stretch = arena.take(c.every * SavedPlaces::step_size(split.rows, Cell::saved, c.H));
            Arena count(nullptr);
            ForwardMemory<Cell>(c, split, count);
            again = arena.take(count.used());
        }
    }
};

// Gradients of the weights as the threads add them up, laid out as Packed; one copy for each area.
template <class Cell>
struct Gradients {
    float *w_ih, *w_hh, *bias;
    int64_t size;

    Gradients(const Call& c, int64_t copies, Arena& arena) {
        Arena one(nullptr);
        Packed<Cell>(c, one);
        size = one.used();
        Arena first(arena.take(size * copies));
        const Packed<Cell> places(c, first);
        w_ih = places.w_ih, w_hh = places.w_hh, bias = places.bias;
    }
};

template <class Cell>
class Backward {
  public:
    static constexpr int most_panels = 4;
    static int64_t sums_size(const Call& c, const Split& split) {
        const int64_t rows = larger(split.rows, larger(1, smaller(chunk_rows / larger(split.rows, 1), c.T)) * split.rows);
        return rows * larger(most_panels, Cell::gates) * W;
    }

    Backward(const Call& call, const PackedBack<Cell>& weights, const BackwardMemory<Cell>& memory, const Gradients<Cell>& gradients,
             int64_t area, const int32_t* previous, float* sums, const Share& share)
        : call_(call), weights_(weights), memory_(memory), gradients_(gradients), offset_(area * gradients.size),
          previous_(previous), sums_(sums), share_(share) {}

    void start() {
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t width = width_of(panel, call_.H), place = b * call_.H + panel * W;
            store(memory_.d_h + at, call_.d_last_h == nullptr ? vec{} : load_part(call_.d_last_h + place, width));
            if constexpr (Cell::has_c)
                store(memory_.d_c + at, call_.d_last_c == nullptr ? vec{} : load_part(call_.d_last_c + place, width));
        });
    }

    // Steps [begin, end) from the last to the first; c_rows is c before step `begin_of_saved`.
    void chunk(Range steps, const SavedPlaces& saved, const float* c_rows) {
        for (int64_t step = steps.begin; step < steps.end; ++step) prepare(step, (step - steps.begin) * share_.rows.size());
        for (int64_t step = steps.end - 1; step >= steps.begin; --step) {
            const int64_t row = (step - steps.begin) * share_.rows.size();
            for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) point(step, row, panel, saved, c_rows);
            share_.meet();
            if (step > 0 || call_.d_h0 != nullptr) to_h(step, row);
        }
        if (call_.d_x != nullptr) to_x(steps);
        to_weights(steps.size() * share_.rows.size());
        share_.meet();
    }

    void store_first() {
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t width = width_of(panel, call_.H), place = b * call_.H + panel * W;
            if (call_.d_h0 != nullptr) store_part(call_.d_h0 + place, load(memory_.d_h + at), width);
            if constexpr (Cell::has_c)
                if (call_.d_c0 != nullptr) store_part(call_.d_c0 + place, load(memory_.d_c + at), width);
        });
    }

    // The row of h before a step: it went out at the last valid step before it.
    const float* h_before(int64_t step, int64_t b) const {
        const int64_t last = previous_ == nullptr ? step - 1 : previous_[step * call_.B + b];
        return last < 0 ? call_.h0 + b * call_.H : call_.output + (time_of(call_, last) * call_.B + b) * call_.H;
    }

  private:
    template <class F>
    LOCKGATE_INLINE void each(F f) {
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel)
            for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
                f(panel, b, panel * memory_.d_panel + (b - share_.rows.begin) * W);
    }

    void prepare(int64_t step, int64_t row) {
        const int64_t t = time_of(call_, step);
        if (call_.d_w_ih != nullptr)
            with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                constexpr int lanes = is_gated ? Cell::gates : 1;
                pack_rows<lanes>(call_.mask_x, t, share_.rows, share_.inputs, call_.I, memory_.x + row * lanes * W, memory_.x_panel,
                    [&](int64_t b) { return is_valid(call_, t, b) ? call_.x + t * call_.x_time + b * call_.x_batch : nullptr; });
            });
        if (call_.d_w_hh != nullptr)
            with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
                constexpr int lanes = is_gated ? Cell::gates : 1;
                pack_rows<lanes>(call_.mask_h, t, share_.rows, share_.units, call_.H, memory_.h_seen + row * lanes * W,
                    memory_.h_seen_panel, [&](int64_t b) { return h_before(step, b); });
            });
    }

    void point(int64_t step, int64_t row, int64_t panel, const SavedPlaces& saved, const float* c_rows) {
        const int64_t t = time_of(call_, step), width = width_of(panel, call_.H);
        float* delta = memory_.delta + panel * memory_.delta_panel + row * Cell::sums * W;
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b, delta += Cell::sums * W) {
            if (!is_valid(call_, t, b)) {
                repeat<Cell::sums>([&](auto s) { store(delta + s * W, vec{}); });
                continue;
            }
            const int64_t at = panel * memory_.d_panel + (b - share_.rows.begin) * W;
            Pointwise<Cell> v;
            v.d_h = load(memory_.d_h + at);
            if (call_.d_output != nullptr)
                v.d_h += load_part(call_.d_output + t * call_.d_output_time + b * call_.d_output_batch + panel * W, width);
            if constexpr (Cell::saved > 0) {
                const float* kept = saved.at(step, panel, b);
                repeat<Cell::saved>([&](auto i) { v.saved[i] = load_part(kept + i * width, width); });
            }
            if constexpr (Cell::has_c) {
                v.d_c = load(memory_.d_c + at);
                v.c_before = step == saved.first_step
                                 ? load_part(c_rows + b * call_.H + panel * W, width)
                                 : load_part(saved.at(step - 1, panel, b) + Cell::saved_c * width, width);
            }
            if constexpr (Cell::reads_h_before) v.h_before = load_part(h_before(step, b) + panel * W, width);
            if constexpr (Cell::reads_h) v.h = load_part(call_.output + (t * call_.B + b) * call_.H + panel * W, width);
            Cell::backward(v, call_);
            store(memory_.d_h + at, v.d_h);
            if constexpr (Cell::has_c) store(memory_.d_c + at, v.d_c);
            repeat<Cell::sums>([&](auto s) { store(delta + s * W, v.sum[s]); });
        }
    }

    // Multiplies deltas with the weights of a group of panels, and calls give(row, p, gradient).
    template <bool OfX, bool Gated, int P, class F>
    LOCKGATE_INLINE void back(const float* delta, int64_t rows, const float* weights, int64_t panel, F give) {
        using Product = FromDeltas<Cell, Gated, P, OfX>;
        constexpr int row_sums = P * Product::sums;
        const int64_t weights_panel = call_.H * Cell::gates * W;
        for (int64_t i = 0; i < rows * row_sums; ++i) store(sums_ + i * W, vec{});
        product<Product>(delta, memory_.delta_panel, rows, weights + panel * weights_panel, weights_panel, call_.H, sums_);
        for (int64_t r = 0; r < rows; ++r)
            repeat<P>([&](auto p) { give(r, p, sums_ + (r * P + p) * Product::sums * W); });
    }

    template <int Sums>
    static LOCKGATE_INLINE vec masked(const float* sums, const Mask& mask, int64_t t, int64_t b, int64_t panel, int64_t width) {
        vec total = {};
        repeat<Sums>([&](auto s) {
            const vec sum = load(sums + s * W);
            total += mask.data == nullptr ? sum : sum * mask_at(mask, t, s, b, panel, width);
        });
        return total;
    }

    void to_h(int64_t step, int64_t row) {
        const int64_t t = time_of(call_, step);
        with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
            constexpr int most = is_gated ? 1 : most_panels;
            for_groups<most>(share_.units, [&](auto group, int64_t panel) {
                constexpr int P = decltype(group)::value;
                back<false, is_gated, P>(memory_.delta + row * Cell::sums * W, share_.rows.size(), weights_.w_hh, panel,
                    [&](int64_t r, int64_t p, const float* sums) {
                        const int64_t b = share_.rows.begin + r;
                        float* place = memory_.d_h + (panel + p) * memory_.d_panel + r * W;
                        store(place, load(place) + masked<is_gated ? Cell::gates : 1>(sums, call_.mask_h, t, b, panel + p, width_of(panel + p, call_.H)));
                    });
            });
        });
    }

    void to_x(Range steps) {
        const int64_t rows = share_.rows.size();
        with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
            constexpr int most = is_gated ? 1 : most_panels;
            for_groups<most>(share_.inputs, [&](auto group, int64_t panel) {
                constexpr int P = decltype(group)::value;
                back<true, is_gated, P>(memory_.delta, steps.size() * rows, weights_.w_ih, panel,
                    [&](int64_t r, int64_t p, const float* sums) {
                        const int64_t t = time_of(call_, steps.begin + r / rows), b = share_.rows.begin + r % rows;
                        const int64_t width = width_of(panel + p, call_.I);
                        store_part(call_.d_x + (t * call_.B + b) * call_.I + (panel + p) * W,
                                   masked<is_gated ? Cell::gates : 1>(sums, call_.mask_x, t, b, panel + p, width), width);
                    });
            });
        });
    }

    void to_weights(int64_t rows) {
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const float* delta = memory_.delta + panel * memory_.delta_panel;
            if (call_.d_w_ih != nullptr)
                with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                    outer<ToWeights<Cell, is_gated, true>>(delta, memory_.x, memory_.x_panel, rows, call_.I,
                        gradients_.w_ih + offset_ + panel * call_.I * Cell::gates * W);
                });
            if (call_.d_w_hh != nullptr)
                with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
                    outer<ToWeights<Cell, is_gated, false>>(delta, memory_.h_seen, memory_.h_seen_panel, rows, call_.H,
                        gradients_.w_hh + offset_ + panel * call_.H * Cell::gates * W);
                });
            vec sum[Cell::sums] = {};
            for (int64_t r = 0; r < rows; ++r)
                repeat<Cell::sums>([&](auto s) { sum[s] += load(delta + (r * Cell::sums + s) * W); });
            float* bias = gradients_.bias + offset_ + panel * Cell::sums * W;
            repeat<Cell::sums>([&](auto s) { store(bias + s * W, load(bias + s * W) + sum[s]); });
        }
    }

    const Call& call_;
    const PackedBack<Cell>& weights_;
    const BackwardMemory<Cell>& memory_;
    const Gradients<Cell>& gradients_;
    int64_t offset_;
    const int32_t* previous_;
    float* sums_;
    const Share& share_;
};

template <class Cell>
struct BackwardLayout {
    static bool reruns(const Call& c) { return c.every > 0 && Cell::saved > 0; }

    Split split;
    Arena arena;
    PackedBack<Cell> weights;
    Gradients<Cell> gradients;
    float *forward_weights, *memory, *sums, *forward_sums;
    int32_t* previous;
    int64_t memory_size, sums_size, forward_sums_size;

    BackwardLayout(const Call& c, float* workspace)
        : split(c, Cell::gates), arena(workspace), weights(c, arena), gradients(c, split.areas, arena) {
        Arena packed(nullptr), count(nullptr);
        Packed<Cell>(c, packed);
        forward_weights = arena.take(reruns(c) ? packed.used() : 0);
        BackwardMemory<Cell>(c, split, count);
        memory_size = count.used();
        memory = arena.take(memory_size * split.areas);
        sums_size = Backward<Cell>::sums_size(c, split);
        sums = arena.take(sums_size * split.lanes);
        forward_sums_size = reruns(c) ? Forward<Cell>::sums_size(split) : 0;
        forward_sums = arena.take(forward_sums_size * split.lanes);
        previous = reinterpret_cast<int32_t*>(arena.take(c.valid == nullptr ? 0 : c.T * c.B));
    }
};

// previous[step][b]: the last valid step before `step`, or -1.
inline void find_previous(const Call& c, int32_t* previous) {
    for (int64_t b = 0; b < c.B; ++b) previous[b] = -1;
    for (int64_t step = 1; step < c.T; ++step)
        for (int64_t b = 0; b < c.B; ++b)
            previous[step * c.B + b] = is_valid(c, time_of(c, step - 1), b) ? static_cast<int32_t>(step - 1) : previous[(step - 1) * c.B + b];
}

template <class Cell>
void store_gradients(const Call& c, const BackwardLayout<Cell>& layout) {
    const auto& gradients = layout.gradients;
    const int64_t copies = layout.split.areas, panels = panels_of(c.H), parts = smaller(layout.split.lanes, panels);
    parallel(parts, [&](int64_t part) {
        const Range own = part_of(panels, part, parts);
        if (c.d_w_ih != nullptr) unpack_by_units(gradients.w_ih, copies, gradients.size, Cell::gates, c.H, c.I, own.begin, own.end, c.d_w_ih);
        if (c.d_w_hh != nullptr) unpack_by_units(gradients.w_hh, copies, gradients.size, Cell::gates, c.H, c.H, own.begin, own.end, c.d_w_hh);
        for (int64_t panel = own.begin; panel < own.end; ++panel)
            for (int g = 0; g < Cell::gates; ++g) {
                vec of_x = {}, of_h = {};
                for (int64_t copy = 0; copy < copies; ++copy) {
                    const float* bias = gradients.bias + copy * gradients.size + panel * Cell::sums * W;
                    of_x += load(bias + Cell::x_sum(g) * W);
                    of_h += load(bias + Cell::h_sum(g) * W);
                }
                const int64_t first = g * c.H + panel * W, width = width_of(panel, c.H);
                if (c.d_b_ih != nullptr) store_part(c.d_b_ih + first, of_x, width);
                if (c.d_b_hh != nullptr) store_part(c.d_b_hh + first, of_h, width);
            }
    });
}

template <class Cell>
void backward(const Call& c, float* workspace) {
    const BackwardLayout<Cell> layout(c, workspace);
    const Split& split = layout.split;
    const bool reruns = BackwardLayout<Cell>::reruns(c);
    layout.weights.fill_all(c, split.lanes);
    parallel(split.areas, [&](int64_t area) {
        std::memset(layout.gradients.w_ih + area * layout.gradients.size, 0, layout.gradients.size * sizeof(float));
    });
    Arena packed(layout.forward_weights);
    const Packed<Cell> forward_weights(c, packed);
    if (reruns) forward_weights.fill_all(c, split.lanes);
    if (c.valid != nullptr) find_previous(c, layout.previous);

    share_out(c, split, [&](int64_t area, int64_t lane, const Share& share) {
        Arena arena(layout.memory + area * layout.memory_size);
        const BackwardMemory<Cell> memory(c, split, arena);
        Backward<Cell> run(c, layout.weights, memory, layout.gradients, area, c.valid == nullptr ? nullptr : layout.previous,
                           layout.sums + lane * layout.sums_size, share);
        run.start();
        const int64_t stretch = reruns ? c.every : larger(c.T, 1);
        for (int64_t begin = (c.T - 1) / stretch * stretch; begin >= 0; begin -= stretch) {
            const int64_t end = smaller(begin + stretch, c.T);
            const float* c_rows = begin == 0 ? c.c0 : c.saved + (begin / stretch - 1) * c.B * c.H;
            SavedPlaces saved{c.saved, 0, 0, c.B, Cell::saved, c.H};
            if (reruns) {
                saved = {memory.stretch, begin, share.rows.begin, share.rows.size(), Cell::saved, c.H};
                Arena inner(memory.again);
                const ForwardMemory<Cell> forward_memory(c, split, inner);
                Forward<Cell> again(c, forward_weights, forward_memory, layout.forward_sums + lane * layout.forward_sums_size, share);
                again.start(begin, [&](int64_t b) { return run.h_before(begin, b); }, c_rows);
                for (int64_t step = begin; step < end; ++step) again.advance(step, &saved, false, step + 1 < end);
            }
            for (int64_t last = end; last > begin; last -= memory.steps)
                run.chunk({larger(begin, last - memory.steps), last}, saved, c_rows);
        }
        run.store_first();
    });
    store_gradients(c, layout);
}

// ---- the face ----

template <class Cell>
Kernel kernel() {
    return {
        [](const Call& c) { Arena arena(nullptr); Packed<Cell>(c, arena); return arena.used(); },
        [](const Call& c, float* packed) { Arena arena(packed); Packed<Cell>(c, arena).fill_all(c, 1); },
        [](const Call& c, bool packed) { return ForwardLayout<Cell>(c, packed ? c.x : nullptr, nullptr).arena.used(); },
        forward<Cell>,
        [](const Call& c) { return BackwardLayout<Cell>(c, nullptr).arena.used(); },
        backward<Cell>,
    };
}

}  // namespace lockgate::LOCKGATE_ISA
