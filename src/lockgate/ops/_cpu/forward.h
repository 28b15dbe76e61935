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
    // With layer norm each step goes on with the products as they are before the gain, those of h
    // and those of x, [panel][row][gate][width], and what there is of each row, [row][RowValue].
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
    return {data, step, row, rows, Cell::saved, c.H, normed(c) ? 2 * Cell::gates : 0};
}

// How many steps of x are multiplied at once: weights that do not fit the second-level cache are
// better read once for many rows; small ones are better added to the same sums as those of h.
inline int64_t steps_of_x(const Call& c, int64_t features, int gates, int64_t rows) {
    const bool large = features * c.H * gates >= (1 << 17);
    return large ? larger(1, smaller(128 / larger(rows, 1), c.T)) : 1;
}

template <class Cell>
struct ForwardMemory {
    int64_t steps;            // of x at once
    float *x[2], *h_seen[2];  // operands of even and of odd steps: [panel of words][row][lane][W]
    float *h, *c;             // [panel][row][W]
    float* made;              // what is projected to h, [panel of words][row][W]
    bool keeps_sums;          // of all panels, until the pointwise part can read them
    float* kept_sums;         // [panel][row of the steps][sum][W]; with layer norm those of x alone
    float* h_sums;            // and those of h, [panel][row][sum][W]
    float* reset_h;           // [panel of words][row][W], what the product of the last gate reads
    float *row_sums, *new_c;  // of layer norm: RowSums; [panel][row][W]
    int64_t x_panel, h_seen_panel, h_panel;

    ForwardMemory(const Call& call, const KeptFeatures& kept, const Split& split, Arena& arena) {
        steps = steps_of_x(call, kept.x.features, Cell::gates, split.rows);
        h_panel = split.rows * W;
        x_panel = steps * h_panel * lanes_of<Cell>(call.mask_x);
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
        h_sums = arena.take(normed(call) ? units * split.rows * Cell::sums * W : 0);
        reset_h = arena.take(resets ? panels_of(words_of(call.H)) * h_panel : 0);
        row_sums = arena.take(normed(call) ? RowSums::size(units, split.rows) : 0);
        new_c = arena.take(call.ln_c != nullptr ? units * h_panel : 0);
    }
};

template <class Cell>
class Forward {
  public:
    // Panels side by side: with a mask for each gate a value is read for one gate alone, and two
    // panels share that.
    static constexpr int most_panels = 2;
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
        if ((memory_.steps > 1 || normed(call_)) && at == 0)
            project(step, smaller(memory_.steps, steps_.end - step) * rows);
        in_groups([&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            float* sums =
                memory_.keeps_sums ? kept_sums(panel) + at * rows * P * Cell::sums * W : sums_;
            with_gated<Cell>(call_.mask_h, [&](auto h_gated) {
                using OfH = ToSums<Cell, h_gated, P, false>;
                const Factor h = factor(memory_.h_seen[step & 1], memory_.h_seen_panel, h_gated,
                                        weights_.w_hh, panel, weights_.kept.h.features);
                static const float zeros[P * Cell::sums * W] = {};
                if (normed(call_)) return product<OfH>(rows, zeros, h_sums(panel), h);
                if (memory_.steps > 1) return product<OfH>(rows, nullptr, sums, h);
                with_gated<Cell>(call_.mask_x, [&](auto x_gated) {
                    if constexpr (x_gated || h_gated || P == 1 || Cell::gates == 1)
                        product_of_two<ToSums<Cell, x_gated, P, true>, OfH>(
                            rows, bias(panel), sums,
                            factor(memory_.x[step & 1], memory_.x_panel, x_gated, weights_.w_ih,
                                   panel, weights_.kept.x.features),
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
        if (normed(call_)) advance_normed(step, at * rows, saved, write_output);
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
    float* h_sums(int64_t panel) const {
        return memory_.h_sums + panel * memory_.h_panel * Cell::sums;
    }
    float* kept_sums(int64_t panel) const {
        return memory_.kept_sums + panel * memory_.steps * memory_.h_panel * Cell::sums;
    }

    // The rest of a step whose last gate waits for the reset gate; `row` is its first kept row.
    void advance_last_gate(int64_t step, int64_t row, const SavedPlaces* saved, bool write_output) {
        constexpr int last = Cell::h_sum(Cell::gates - 1);
        const int64_t rows = share_.rows.size(), t = time_of(call_, step);
        each([&](int64_t panel, int64_t b, int64_t at) {
            const int64_t r = b - share_.rows.begin;
            const float* sums = x_rows(panel, row).at(r);
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
                const Rows sums = x_rows(panel + p, row);
                const vec shift = load(bias(panel + p) + last * W);
                for (int64_t r = 0; r < rows; ++r)
                    store(sums.at(r) + last * W, load(sums_ + (r * P + p) * W) + shift);
                finish(step, panel + p, sums.first, sums.stride, saved, write_output);
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

    int64_t grouped() const {
        return Cell::gates == 1 || gated<Cell>(call_.mask_x) || gated<Cell>(call_.mask_h) ? 2 : 1;
    }
    template <class F>
    LOCKGATE_INLINE void in_groups(F f) const {
        if constexpr (Cell::gates == 1 || !scaled)
            if (grouped() == 2) return for_groups<2>(share_.units, f);
        if constexpr (Cell::gates > 1) for_groups<1>(share_.units, f);
    }

    // The sums of several steps, as far as x gives them; with layer norm the bias comes after it.
    void project(int64_t step, int64_t rows) {
        in_groups([&](auto group, int64_t panel) {
            with_gated<Cell>(call_.mask_x, [&](auto x_gated) {
                constexpr int P = decltype(group)::value;
                static const float zeros[P * Cell::sums * W] = {};
                product<ToSums<Cell, x_gated, P, true>>(
                    rows, normed(call_) ? zeros : bias(panel), kept_sums(panel),
                    factor(memory_.x[step & 1], memory_.x_panel, x_gated, weights_.w_ih, panel,
                           weights_.kept.x.features));
            });
        });
    }

    // Writes the operands of a step, x (or that of all steps that are multiplied at once) and h,
    // each times its masks.
    void prepare(int64_t step) {
        const int64_t rows = share_.rows.size();
        if ((step - steps_.begin) % memory_.steps == 0)
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

    // Where the sums of one panel are: they lie side by side with those of its group.
    struct Rows {
        float* first;
        int64_t stride;
        float* at(int64_t row) const { return first + row * stride; }
    };
    Rows in_group(int64_t panel, const float* sums, int64_t panel_size, int64_t first_row) const {
        const int64_t first = panel - (panel - share_.units.begin) % grouped(),
                      P = smaller(grouped(), share_.units.end - first), stride = P * Cell::sums * W;
        return {const_cast<float*>(sums) + first * panel_size + first_row * stride +
                    (panel - first) * Cell::sums * W,
                stride};
    }
    Rows x_rows(int64_t panel, int64_t first_row) const {
        return in_group(panel, memory_.kept_sums, memory_.steps * memory_.h_panel * Cell::sums,
                        first_row);
    }
    Rows h_rows(int64_t panel) const {
        return in_group(panel, memory_.h_sums, memory_.h_panel * Cell::sums, 0);
    }
    // Means and scales of a row, as `measure` has left them.
    struct Measured {
        float mean, scale;
        LOCKGATE_INLINE vec normal(vec value) const { return (value - mean) * scale; }
    };
    Measured* measured(int64_t row) const { return reinterpret_cast<Measured*>(sums_) + row * 2; }

    // The means of Many rows of each sample, N values of each unit, and the reciprocals of their
    // deviations: value(of, n, panel, r) gives W values of the row `of` of sample r. Of two passes,
    // for what the squares of large numbers leave of a small deviation is rounding.
    template <int Many, int N, class F>
    void measure(F value) {
        const RowSums sums(memory_.row_sums, panels_of(call_.H), share_.rows.size());
        const float count = static_cast<float>(N * call_.H);
        const int64_t rows = share_.rows.size();
        auto add_up = [&](int64_t slot, auto term) LOCKGATE_HERE {
            for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
                const vec units = inside(width_of(panel, call_.H));
                for (int64_t r = 0; r < rows; ++r)
                    repeat<Many>([&](auto of) LOCKGATE_HERE {
                        vec total = {};
                        repeat<N>([&](auto n) LOCKGATE_HERE {
                            total += term(of, r, value(of, n, panel, r));
                        });
                        sums.enter(slot + of, panel, r, total * units);
                    });
            }
            share_.meet();
        };
        add_up(0, [&](auto, int64_t, vec v) LOCKGATE_HERE { return v; });
        for (int64_t r = 0; r < rows; ++r)
            for (int of = 0; of < Many; ++of) measured(r)[of].mean = sums.total(of, r) / count;
        add_up(Many, [&](auto of, int64_t r, vec v) LOCKGATE_HERE {
            const vec distance = v - measured(r)[of].mean;
            return distance * distance;
        });
        for (int64_t r = 0; r < rows; ++r)
            for (int of = 0; of < Many; ++of)
                measured(r)[of].scale =
                    1.0f / __builtin_sqrtf(sums.total(Many + of, r) / count + 1e-5f);
    }

    // The rest of a step whose products are normalised; `row` is its first row of those of x.
    void advance_normed(int64_t step, int64_t row, const SavedPlaces* saved, bool write_output) {
        normalise_products(step, row, saved);
        if constexpr (Cell::has_c)
            if (call_.ln_c != nullptr) return advance_normed_c(step, saved, write_output);
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const Rows sums = h_rows(panel);
            finish(step, panel, sums.first, sums.stride, saved, write_output);
        }
    }

    void normalise_products(int64_t step, int64_t row, const SavedPlaces* saved) {
        const int64_t t = time_of(call_, step);
        measure<2, Cell::gates>([&](auto of, auto g, int64_t panel, int64_t r) LOCKGATE_HERE {
            if constexpr (of == 0) return load(h_rows(panel).at(r) + Cell::h_sum(g) * W);
            return load(x_rows(panel, row).at(r) + Cell::x_sum(g) * W);
        });
        each([&](int64_t panel, int64_t b, int64_t) {
            if (!is_valid(call_, t, b)) return;
            const int64_t width = width_of(panel, call_.H), r = b - share_.rows.begin;
            const Measured of_h = measured(r)[0], of_x = measured(r)[1];
            const float* x = x_rows(panel, row).at(r);
            float* h = h_rows(panel).at(r);
            float* kept = saved == nullptr ? nullptr : saved->normed_at(step, panel, b);
            vec sum[Cell::sums];
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { sum[s] = load(bias(panel) + s * W); });
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
                const int64_t first = g * call_.H + panel * W;
                const vec normal_h = of_h.normal(load(h + Cell::h_sum(g) * W)),
                          normal_x = of_x.normal(load(x + Cell::x_sum(g) * W));
                sum[Cell::h_sum(g)] += normal_h * load_part(call_.ln_hh + first, width);
                sum[Cell::x_sum(g)] += normal_x * load_part(call_.ln_ih + first, width);
                if (kept == nullptr) return;
                store_part(kept + g * width, normal_h, width);
                store_part(kept + (Cell::gates + g) * width, normal_x, width);
            });
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { store(h + s * W, sum[s]); });
            if (saved != nullptr && panel == 0) {
                float* of_row = saved->row_at(step, b);
                of_row[scale_of_h] = of_h.scale, of_row[scale_of_x] = of_x.scale;
            }
        });
    }

    // The pointwise part in two, for the output reads a c that is normalised over all units.
    void advance_normed_c(int64_t step, const SavedPlaces* saved, bool write_output) {
        const int64_t t = time_of(call_, step);
        each([&](int64_t panel, int64_t b, int64_t at) {
            float* place = h_rows(panel).at(b - share_.rows.begin);
            Pointwise<Cell> v;
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { v.sum[s] = load(place + s * W); });
            v.c_before = load(memory_.c + at);
            Cell::forward_c(v, call_);
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE { store(place + g * W, v.saved[g]); });
            store(memory_.new_c + at, v.c);
        });
        measure<1, 1>([&](auto, auto, int64_t panel, int64_t r) LOCKGATE_HERE {
            return load(memory_.new_c + panel * memory_.h_panel + r * W);
        });
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const Rows sums = h_rows(panel);
            const int64_t width = width_of(panel, call_.H);
            const vec gain = load_part(call_.ln_c + panel * W, width),
                      shift = load_part(call_.ln_c_bias + panel * W, width);
            finish(step, panel, sums.first, sums.stride, saved, write_output,
                   [&](Pointwise<Cell>& v, int64_t b, int64_t at) LOCKGATE_HERE {
                       repeat<Cell::gates>([&](auto g) LOCKGATE_HERE { v.saved[g] = v.sum[g]; });
                       v.c = load(memory_.new_c + at);
                       const Measured& of_c = *measured(b - share_.rows.begin);
                       Cell::forward_h(v, call_, of_c.normal(v.c) * gain + shift);
                   });
        }
        if (saved == nullptr || share_.units.begin > 0) return;
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
            if (is_valid(call_, t, b)) {
                const Measured& of_c = *measured(b - share_.rows.begin);
                float* of_row = saved->row_at(step, b);
                of_row[mean_of_c] = of_c.mean, of_row[scale_of_c] = of_c.scale;
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

    // is_packed: weights are in panels from before, at `packed`; of a null workspace nothing is
    // read
    ForwardLayout(const Call& c, bool is_packed, const float* packed, float* workspace)
        : split(c, Cell::gates, lanes_of<Cell>(c.mask_h)),
          arena(workspace),
          kept(is_packed ? all_features(c) : kept_features<Cell>(c, arena)),
          weights(packed_weights(c, kept, is_packed, packed, arena)) {
        Arena count(nullptr);
        ForwardMemory<Cell>(c, kept, split, count);
        memory_size = count.used();
        memory = arena.take(memory_size * split.areas);
        sums_size = Forward<Cell>::sums_size(split);
        sums = arena.take(sums_size * split.lanes);
    }

  private:
    static Packed<Cell> packed_weights(const Call& c, const KeptFeatures& kept, bool is_packed,
                                       const float* packed, Arena& arena) {
        Arena given(const_cast<float*>(packed));
        return Packed<Cell>(c, kept, is_packed ? given : arena);
    }
};

template <class Cell>
void forward(const Call& c, const float* packed, float* workspace) {
    const ForwardLayout<Cell> layout(c, packed != nullptr, packed, workspace);
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
