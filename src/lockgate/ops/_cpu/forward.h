// A cell over time.
#pragma once

#include "activation.h"
#include "norm.h"

namespace lockgate::LOCKGATE_ISA {

// What the pointwise part of a cell reads and writes, for W units of one row.
template <class Cell>
struct Pointwise {
    vec sum[Cell::sums];  // forward reads them; backward writes their gradients here
    vec saved[Cell::saved];
    vec h_before, c_before, h, c, d_h, d_c;
};

// Places of what is saved for the backward, [step][panel][row][value][width of the panel].
struct SavedPlaces {
    float* data;
    int64_t first_step, first_row, rows, values, units;
    // With layer norm each step goes on with the products as they are before the gain,
    // [panel][row][gate][width], and what there is of each row, [row][RowValue].
    int64_t normed_gates = 0;

    int64_t values_size() const { return (rows * values * units + 15) / 16 * 16; }
    int64_t step_size() const {
        const int64_t normed = rows * (normed_gates * units + row_values);
        return values_size() + (normed_gates == 0 ? 0 : (normed + 15) / 16 * 16);
    }
    float* at(int64_t step, int64_t panel, int64_t row) const {
        return data + (step - first_step) * step_size() + panel * W * rows * values +
               (row - first_row) * values * width_of(panel, units);
    }
    float* normed_at(int64_t step, int64_t panel, int64_t row) const {
        return data + (step - first_step) * step_size() + values_size() +
               panel * W * rows * normed_gates +
               (row - first_row) * normed_gates * width_of(panel, units);
    }
    float* row_at(int64_t step, int64_t row) const {
        return data + (step - first_step) * step_size() + values_size() +
               rows * normed_gates * units + (row - first_row) * row_values;
    }
};

template <class Cell>
SavedPlaces saved_places(const Call& c, float* data, int64_t step, int64_t row, int64_t rows) {
    return {data, step, row, rows, Cell::saved, c.H, normed(c) ? Cell::gates : 0};
}

// How many steps of x are multiplied at once: weights that do not fit the second-level cache are
// better read once for many rows; small ones are better added to the same sums as those of h.
inline int64_t steps_of_x(const Call& c, int64_t features, int gates, int64_t rows) {
    const bool large = c.w_ih != nullptr && features * c.H * gates >= (1 << 17);
    return large ? larger(1, smaller(128 / larger(rows, 1), c.T)) : 1;
}

template <class Cell>
struct ForwardMemory {
    int64_t steps;            // of x at once
    float *x[2], *h_seen[2];  // operands of even and of odd steps: [panel of words][row][lane][W]
    float *h, *c;             // [panel][row][W]
    float* made;              // what is projected to h, [panel of words][row][W]
    bool keeps_sums;          // of all panels, until the pointwise part can read them
    float* kept_sums;         // [panel][row of the steps][sum][W]
    float* reset_h;           // [panel of words][row][W], what the product of the last gate reads
    float *row_sums, *new_c;  // of layer norm: RowSums; [panel][row][W]
    int64_t x_panel, h_seen_panel, h_panel;

    ForwardMemory(const Call& call, const KeptFeatures& kept, const Split& split, Arena& arena) {
        steps = steps_of_x(call, kept.x.features, Cell::gates, split.rows);
        h_panel = split.rows * W;
        x_panel = call.w_ih == nullptr ? 0 : steps * h_panel * lanes_of<Cell>(call.mask_x);
        h_seen_panel = h_panel * lanes_of<Cell>(call.mask_h);
        const int64_t units = panels_of(call.H), inputs = panels_of(words_of(kept.x.features)),
                      seen = panels_of(words_of(kept.h.features));
        x[0] = arena.take(inputs * x_panel);
        h_seen[0] = arena.take(seen * h_seen_panel);
        // where threads share the operands, one may still read them while another writes the next
        x[1] = split.units && steps == 1 ? arena.take(inputs * x_panel) : x[0];
        h_seen[1] = split.units ? arena.take(seen * h_seen_panel) : h_seen[0];
        h = arena.take(panels_of(call.P) * h_panel);
        made = arena.take(projects<Cell>(call) ? panels_of(words_of(call.H)) * h_panel : 0);
        c = arena.take(Cell::has_c ? units * h_panel : 0);
        const bool resets = resets_first<Cell>(call);
        keeps_sums = steps > 1 || resets || normed(call);
        kept_sums = arena.take(keeps_sums ? units * steps * split.rows * Cell::sums * W : 0);
        reset_h = arena.take(resets ? panels_of(words_of(call.H)) * h_panel : 0);
        row_sums = arena.take(normed(call) ? RowSums::size(units, split.rows) : 0);
        new_c = arena.take(call.ln_c != nullptr ? units * h_panel : 0);
    }
};

template <class Cell>
class Forward {
  public:
    static constexpr int most_panels = Cell::gates == 1 ? 2 : 1;
    static int64_t sums_size(const Split& split) {
        return split.rows * most_panels * Cell::sums * W;
    }

    Forward(const Call& call, const Packed<Cell>& weights, const ForwardMemory<Cell>& memory,
            float* sums, const Share& share)
        : call_(call), weights_(weights), memory_(memory), sums_(sums), share_(share) {}

    // Steps [steps.begin, steps.end) follow; h_of(b) is the row of h before them, c_rows (B, H) is
    // c.
    template <class H>
    void start(Range steps, H h_of, const float* c_rows) {
        steps_ = steps;
        each_output([&](int64_t panel, int64_t b, int64_t at) {
            store(memory_.h + at, load_part(h_of(b) + panel * W, width_of(panel, call_.P)));
        });
        if constexpr (Cell::has_c)
            each([&](int64_t panel, int64_t b, int64_t at) {
                store(memory_.c + at,
                      load_part(c_rows + b * call_.H + panel * W, width_of(panel, call_.H)));
            });
        prepare(steps.begin);
    }

    void advance(int64_t step, const SavedPlaces* saved, bool write_output) {
        const int64_t rows = share_.rows.size(), at = (step - steps_.begin) % memory_.steps;
        if (memory_.steps > 1 && at == 0) project(smaller(memory_.steps, steps_.end - step) * rows);
        for_groups<most_panels>(share_.units, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            float* sums =
                memory_.keeps_sums ? kept_sums(panel) + at * rows * P * Cell::sums * W : sums_;
            with_gated<Cell>(call_.mask_h, [&](auto h_gated) {
                using OfH = ToSums<Cell, h_gated, P, false>;
                const Factor h = factor(memory_.h_seen[step & 1], memory_.h_seen_panel, h_gated,
                                        weights_.w_hh, panel, weights_.kept.h.features);
                static const float zeros[P * Cell::sums * W] = {};
                if (normed(call_)) return product<OfH>(rows, zeros, sums, h);
                if (memory_.steps > 1) return product<OfH>(rows, nullptr, sums, h);
                with_gated<Cell>(call_.mask_x, [&](auto x_gated) {
                    product_of_two<ToSums<Cell, x_gated, P, true>, OfH>(
                        rows, bias(panel), sums,
                        factor(memory_.x[step & 1], memory_.x_panel, x_gated, weights_.w_ih, panel,
                               weights_.kept.x.features),
                        h);
                });
            });
            if (resets_first<Cell>(call_) || normed(call_)) return;
            repeat<P>([&](auto p) LOCKGATE_HERE {
                finish(step, panel + p, sums + p * Cell::sums * W, P * Cell::sums * W, saved,
                       write_output);
            });
        });
        if constexpr (Cell::may_reset)
            if (resets_first<Cell>(call_)) advance_last_gate(step, at * rows, saved, write_output);
        if (normed(call_)) advance_normed(step, saved, write_output);
        if constexpr (Cell::has_c)
            if (projects<Cell>(call_)) advance_projected(step, write_output);
        if (step + 1 < steps_.end) prepare(step + 1);
    }

    void store_last() {
        each_output([&](int64_t panel, int64_t b, int64_t at) {
            store_part(call_.last_h + b * call_.P + panel * W, load(memory_.h + at),
                       width_of(panel, call_.P));
        });
        store_c(call_.last_c);
    }

    void store_c(float* rows) {
        if constexpr (Cell::has_c)
            each([&](int64_t panel, int64_t b, int64_t at) {
                store_part(rows + b * call_.H + panel * W, load(memory_.c + at),
                           width_of(panel, call_.H));
            });
    }

  private:
    template <class F>
    LOCKGATE_INLINE void each(F f) {
        each_of(share_.units, f);
    }
    template <class F>
    LOCKGATE_INLINE void each_output(F f) {
        each_of(share_.outputs, f);
    }
    template <class F>
    LOCKGATE_INLINE void each_of(Range panels, F f) {
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
                f(panel, b, panel * memory_.h_panel + (b - share_.rows.begin) * W);
    }

    Factor factor(const float* operand, int64_t operand_panel, bool is_gated, const float* weights,
                  int64_t panel, int64_t features) const {
        const int64_t words = words_of(features), weights_panel = words * Cell::gates * V;
        return {operand,
                operand_panel,
                (is_gated ? Cell::gates : 1) * W,
                weights + panel * weights_panel,
                weights_panel,
                Cell::gates * V,
                words};
    }

    const float* bias(int64_t panel) const { return weights_.bias + panel * Cell::sums * W; }
    float* kept_sums(int64_t panel) const {
        return memory_.kept_sums + panel * memory_.steps * memory_.h_panel * Cell::sums;
    }

    // The rest of a step whose last gate waits for the reset gate; `row` is its first kept row.
    void advance_last_gate(int64_t step, int64_t row, const SavedPlaces* saved, bool write_output) {
        constexpr int last = Cell::h_sum(Cell::gates - 1);
        const int64_t rows = share_.rows.size(), t = time_of(call_, step);
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t r = b - share_.rows.begin;
            const float* sums = kept_sums(panel) + (row + r) * Cell::sums * W;
            vec seen = load(memory_.h + at);
            if (call_.mask_h.data != nullptr)
                seen *=
                    mask_at(call_.mask_h, t, Cell::gates - 1, b, panel, width_of(panel, call_.H));
            put<pair>(memory_.reset_h + place_in<pair>(panel, memory_.h_panel) + r * W,
                      Cell::reset(load(sums)) * seen);
        });
        share_.meet();
        for_groups<2>(share_.units, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            static const float zeros[P * W] = {};
            const int64_t words = words_of(call_.H), weights_panel = words * V;
            product<OfOneGate<P>>(
                rows, zeros, sums_,
                {memory_.reset_h, memory_.h_panel, W, weights_.w_last + panel * weights_panel,
                 weights_panel, V, words});
            repeat<P>([&](auto p) LOCKGATE_HERE {
                float* sums = kept_sums(panel + p) + row * Cell::sums * W;
                const vec shift = load(bias(panel + p) + last * W);
                for (int64_t r = 0; r < rows; ++r)
                    store(sums + (r * Cell::sums + last) * W,
                          load(sums_ + (r * P + p) * W) + shift);
                finish(step, panel + p, sums, Cell::sums * W, saved, write_output);
            });
        });
    }

    // The rest of a step whose h is projected.
    void advance_projected(int64_t step, bool write_output) {
        const int64_t rows = share_.rows.size(), t = time_of(call_, step);
        share_.meet();  // a row of W_hr reads units of several threads
        for_groups<2>(share_.outputs, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            static const float zeros[P * W] = {};
            const int64_t words = words_of(call_.H), weights_panel = words * V;
            product<OfOneGate<P>>(rows, zeros, sums_,
                                  {memory_.made, memory_.h_panel, W,
                                   weights_.w_hr + panel * weights_panel, weights_panel, V, words});
            repeat<P>([&](auto p) LOCKGATE_HERE {
                for (int64_t r = 0; r < rows; ++r)
                    finish_output(t, panel + p, r, load(sums_ + (r * P + p) * W), write_output);
            });
        });
    }

    // h: W features of one row as they are before zoneout.
    LOCKGATE_INLINE void finish_output(int64_t t, int64_t panel, int64_t r, vec h,
                                       bool write_output) {
        const int64_t b = share_.rows.begin + r, width = width_of(panel, call_.P);
        float* output = call_.output + (t * call_.B + b) * call_.P + panel * W;
        if (!is_valid(call_, t, b)) {
            if (write_output) store_part(output, vec{}, width);
            return;
        }
        float* place = memory_.h + panel * memory_.h_panel + r * W;
        if (call_.zoneout_h.data != nullptr) {
            const vec z = mask_at(call_.zoneout_h, t, 0, b, panel, width);
            h = z * load(place) + (1.0f - z) * h;
        }
        store(place, h);
        if (write_output) store_part(output, h, width);
    }

    // The sums of several steps, as far as x gives them.
    void project(int64_t rows) {
        for_groups<most_panels>(share_.units, [&](auto group, int64_t panel) {
            with_gated<Cell>(call_.mask_x, [&](auto x_gated) {
                product<ToSums<Cell, x_gated, decltype(group)::value, true>>(
                    rows, bias(panel), kept_sums(panel),
                    factor(memory_.x[0], memory_.x_panel, x_gated, weights_.w_ih, panel,
                           weights_.kept.x.features));
            });
        });
    }

    // Writes the operands of a step, x (or that of all steps that are multiplied at once) and h,
    // each times its masks.
    void prepare(int64_t step) {
        const int64_t rows = share_.rows.size();
        if (call_.w_ih != nullptr && (step - steps_.begin) % memory_.steps == 0)
            for (int64_t s = step; s < smaller(step + memory_.steps, steps_.end); ++s)
                with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                    constexpr int lanes = is_gated ? Cell::gates : 1;
                    const int64_t t = time_of(call_, s);
                    pack_rows<pair, lanes>(call_.mask_x, weights_.kept.x, t, share_.rows,
                                           share_.inputs, share_.kept_inputs, call_.I,
                                           memory_.x[step & 1] + (s - step) * rows * lanes * W,
                                           memory_.x_panel, [&](int64_t b) {
                                               return is_valid(call_, t, b)
                                                          ? call_.x + t * call_.x_time +
                                                                b * call_.x_batch
                                                          : nullptr;
                                           });
                });
        with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
            constexpr int lanes = is_gated ? Cell::gates : 1;
            const int64_t t = time_of(call_, step);
            if (weights_.kept.h.some()) {
                share_.meet();  // a panel of kept features has units of several threads
                return gather_lanes<pair, lanes>(
                    weights_.kept.h, share_.rows, share_.kept_outputs, memory_.h_seen[step & 1],
                    memory_.h_seen_panel, [&](int64_t b, int64_t panel) LOCKGATE_HERE {
                        return load(memory_.h + panel * memory_.h_panel +
                                    (b - share_.rows.begin) * W);
                    });
            }
            each_output([&](int64_t panel, int64_t b, int64_t at) {
                float* operand = memory_.h_seen[step & 1] +
                                 place_in<pair>(panel, memory_.h_seen_panel) +
                                 (b - share_.rows.begin) * lanes * W;
                put_lanes<pair, lanes>(operand, load(memory_.h + at), call_.mask_h, t, b, panel,
                                       width_of(panel, call_.P));
            });
        });
        share_.meet();
    }

    // ---- layer norm ----

    struct Rows {
        float* first;
        int64_t stride;
    };

    // Kept sums of one panel, which may lie side by side with those of another.
    Rows sums_of(int64_t panel) const {
        const int64_t first = panel - (panel - share_.units.begin) % most_panels,
                      P = smaller(most_panels, share_.units.end - first);
        return {kept_sums(first) + (panel - first) * Cell::sums * W, P * Cell::sums * W};
    }
    float* sums_of(int64_t panel, int64_t b) const {
        const Rows rows = sums_of(panel);
        return rows.first + (b - share_.rows.begin) * rows.stride;
    }
    // Mean and scale of a row, as `measure` has left them.
    float* measured(int64_t b) const { return sums_ + (b - share_.rows.begin) * 2; }

    // The mean of each row's values, N of each unit, and the reciprocal of their deviation:
    // value(n, panel, b, at) gives W of them. Of two passes, for what the squares of large numbers
    // leave of a small deviation is rounding.
    template <int N, class F>
    void measure(F value) {
        const RowSums sums(memory_.row_sums, panels_of(call_.H), share_.rows.size());
        const float count = static_cast<float>(N * call_.H);
        each([&](int64_t panel, int64_t b, int64_t at) {
            vec total = {};
            repeat<N>([&](auto n) LOCKGATE_HERE { total += value(n, panel, b, at); });
            sums.enter(0, panel, b - share_.rows.begin, total * inside(width_of(panel, call_.H)));
        });
        share_.meet();
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
            measured(b)[0] = sums.total(0, b - share_.rows.begin) / count;
        each([&](int64_t panel, int64_t b, int64_t at) {
            const vec mean = fill(measured(b)[0]);
            vec total = {};
            repeat<N>([&](auto n) LOCKGATE_HERE {
                const vec distance = value(n, panel, b, at) - mean;
                total += distance * distance;
            });
            sums.enter(1, panel, b - share_.rows.begin, total * inside(width_of(panel, call_.H)));
        });
        share_.meet();
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
            measured(b)[1] =
                1.0f / __builtin_sqrtf(sums.total(1, b - share_.rows.begin) / count + 1e-5f);
    }

    // The rest of a step whose products with h are normalised.
    void advance_normed(int64_t step, const SavedPlaces* saved, bool write_output) {
        normalise_products(step, saved);
        if constexpr (Cell::has_c)
            if (call_.ln_c != nullptr) return advance_normed_c(step, saved, write_output);
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const Rows sums = sums_of(panel);
            finish(step, panel, sums.first, sums.stride, saved, write_output);
        }
    }

    void normalise_products(int64_t step, const SavedPlaces* saved) {
        const int64_t t = time_of(call_, step);
        measure<Cell::gates>([&](auto g, int64_t panel, int64_t b, int64_t) {
            return load(sums_of(panel, b) + Cell::h_sum(g) * W);
        });
        each([&](int64_t panel, int64_t b, int64_t) {
            if (!is_valid(call_, t, b)) return;
            const int64_t width = width_of(panel, call_.H);
            const vec mean = fill(measured(b)[0]), scale = fill(measured(b)[1]);
            const float* x = call_.x + t * call_.x_time + b * call_.x_batch + panel * W;
            float* place = sums_of(panel, b);
            vec sum[Cell::sums];
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { sum[s] = load(place + s * W); });
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
                vec& value = sum[Cell::h_sum(g)];
                value = (value - mean) * scale;
                if (saved != nullptr)
                    store_part(saved->normed_at(step, panel, b) + g * width, value, width);
                value *= load_part(call_.ln_hh + g * call_.H + panel * W, width);
            });
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
                sum[Cell::x_sum(g)] += load_part(x + g * call_.H, width);
            });
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE {
                store(place + s * W, sum[s] + load(bias(panel) + s * W));
            });
            if (saved != nullptr && panel == 0)
                saved->row_at(step, b)[scale_of_products] = measured(b)[1];
        });
    }

    // The pointwise part in two, for the output reads a c that is normalised over all units.
    void advance_normed_c(int64_t step, const SavedPlaces* saved, bool write_output) {
        const int64_t t = time_of(call_, step);
        each([&](int64_t panel, int64_t b, int64_t at) {
            float* place = sums_of(panel, b);
            Pointwise<Cell> v;
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { v.sum[s] = load(place + s * W); });
            v.c_before = load(memory_.c + at);
            Cell::forward_c(v, call_);
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE { store(place + g * W, v.saved[g]); });
            store(memory_.new_c + at, v.c);
        });
        measure<1>([&](auto, int64_t, int64_t, int64_t at) { return load(memory_.new_c + at); });
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const Rows sums = sums_of(panel);
            const int64_t width = width_of(panel, call_.H);
            const vec gain = load_part(call_.ln_c + panel * W, width),
                      shift = load_part(call_.ln_c_bias + panel * W, width);
            finish(step, panel, sums.first, sums.stride, saved, write_output,
                   [&](Pointwise<Cell>& v, int64_t b, int64_t at) LOCKGATE_HERE {
                       repeat<Cell::gates>([&](auto g) LOCKGATE_HERE { v.saved[g] = v.sum[g]; });
                       v.c = load(memory_.new_c + at);
                       const vec normal = (v.c - measured(b)[0]) * measured(b)[1];
                       Cell::forward_h(v, call_, normal * gain + shift);
                   });
        }
        if (saved == nullptr || share_.units.begin > 0) return;
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
            if (is_valid(call_, t, b)) {
                float* of_row = saved->row_at(step, b);
                of_row[mean_of_c] = measured(b)[0], of_row[scale_of_c] = measured(b)[1];
            }
    }

    // ---- the pointwise part ----

    void finish(int64_t step, int64_t panel, const float* sums, int64_t sums_row,
                const SavedPlaces* saved, bool write_output) {
        finish(step, panel, sums, sums_row, saved, write_output,
               [&](Pointwise<Cell>& v, int64_t, int64_t)
                   LOCKGATE_HERE { Cell::forward(v, call_); });
    }

    // compute(v, b, at) gives the new state of sums and of the state before.
    template <class F>
    LOCKGATE_INLINE void finish(int64_t step, int64_t panel, const float* sums, int64_t sums_row,
                                const SavedPlaces* saved, bool write_output, F compute) {
        const int64_t t = time_of(call_, step), width = width_of(panel, call_.H);
        const bool projected = projects<Cell>(call_), writes = write_output && !projected;
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b, sums += sums_row) {
            const int64_t at = panel * memory_.h_panel + (b - share_.rows.begin) * W;
            float* output =
                writes ? call_.output + (t * call_.B + b) * call_.H + panel * W : nullptr;
            float* kept = saved == nullptr ? nullptr : saved->at(step, panel, b);
            Pointwise<Cell> v;
            if (!is_valid(call_, t, b)) {
                if (writes) store_part(output, vec{}, width);
                if (projected) store_made(panel, b, vec{});
                if (kept != nullptr) {
                    repeat<Cell::saved>(
                        [&](auto i) LOCKGATE_HERE { store_part(kept + i * width, vec{}, width); });
                    // the step after this one reads its c from here
                    if constexpr (Cell::has_c)
                        store_part(kept + Cell::saved_c * width, load(memory_.c + at), width);
                }
                continue;
            }
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { v.sum[s] = load(sums + s * W); });
            if constexpr (scaled)
                repeat<Cell::sums>([&](auto s) LOCKGATE_HERE {
                    v.sum[s] *= load(weights_.scale + (panel * Cell::sums + s) * W);
                });
            if (!projected) v.h_before = load(memory_.h + at);
            if constexpr (Cell::has_c) v.c_before = load(memory_.c + at);
            compute(v, b, at);
            if (call_.zoneout_h.data != nullptr && !projected) {
                const vec z = mask_at(call_.zoneout_h, t, 0, b, panel, width);
                v.h = z * v.h_before + (1.0f - z) * v.h;
            }
            if constexpr (Cell::has_c) {
                if (call_.zoneout_c.data != nullptr) {
                    const vec z = mask_at(call_.zoneout_c, t, 0, b, panel, width);
                    v.c = z * v.c_before + (1.0f - z) * v.c;
                }
                v.saved[Cell::saved_c] = v.c;
            }
            if (projected)
                store_made(panel, b, v.h);
            else
                store(memory_.h + at, v.h);
            if constexpr (Cell::has_c) store(memory_.c + at, v.c);
            if (writes) store_part(output, v.h, width);
            if (kept != nullptr)
                repeat<Cell::saved>(
                    [&](auto i) LOCKGATE_HERE { store_part(kept + i * width, v.saved[i], width); });
        }
    }

    LOCKGATE_INLINE void store_made(int64_t panel, int64_t b, vec made) {
        put<pair>(
            memory_.made + place_in<pair>(panel, memory_.h_panel) + (b - share_.rows.begin) * W,
            made);
    }

    const Call& call_;
    const Packed<Cell>& weights_;
    const ForwardMemory<Cell>& memory_;
    float* sums_;
    const Share& share_;
    Range steps_{0, 0};
};

template <class Cell>
struct ForwardLayout {
    Split split;
    Arena arena;
    KeptFeatures kept;
    Packed<Cell> weights;
    float *memory, *sums;
    int64_t memory_size, sums_size;

    // packed: weights in panels from before, or null
    ForwardLayout(const Call& c, const float* packed, float* workspace)
        : split(c, Cell::gates, lanes_of<Cell>(c.mask_h)),
          arena(workspace),
          kept(packed == nullptr ? kept_features<Cell>(c, arena) : all_features(c)),
          weights(packed_weights(c, kept, packed, arena)) {
        Arena count(nullptr);
        ForwardMemory<Cell>(c, kept, split, count);
        memory_size = count.used();
        memory = arena.take(memory_size * split.areas);
        sums_size = Forward<Cell>::sums_size(split);
        sums = arena.take(sums_size * split.lanes);
    }

  private:
    static Packed<Cell> packed_weights(const Call& c, const KeptFeatures& kept, const float* packed,
                                       Arena& arena) {
        Arena given(const_cast<float*>(packed));
        return Packed<Cell>(c, kept, packed == nullptr ? arena : given);
    }
};

template <class Cell>
void forward(const Call& c, const float* packed, float* workspace) {
    const ForwardLayout<Cell> layout(c, packed, workspace);
    layout.kept.fill();
    if (packed == nullptr) layout.weights.fill_all(c, layout.split.lanes);
    const SavedPlaces all = saved_places<Cell>(c, c.saved, 0, 0, c.B);
    const SavedPlaces* saved =
        c.saved != nullptr && c.every == 0 && Cell::saves(c) ? &all : nullptr;
    share_out(c, layout.kept, layout.split, [&](int64_t area, int64_t lane, const Share& share) {
        Arena arena(layout.memory + area * layout.memory_size);
        const ForwardMemory<Cell> memory(c, layout.kept, layout.split, arena);
        Forward<Cell> run(c, layout.weights, memory, layout.sums + lane * layout.sums_size, share);
        run.start({0, c.T}, [&](int64_t b) { return c.h0 + b * c.P; }, c.c0);
        for (int64_t step = 0; step < c.T; ++step) {
            if (c.saved != nullptr && c.every > 0 && step > 0 && step % c.every == 0)
                run.store_c(c.saved + (step / c.every - 1) * c.B * c.H);
            run.advance(step, saved, true);
        }
        run.store_last();
    });
}

}  // namespace lockgate::LOCKGATE_ISA
