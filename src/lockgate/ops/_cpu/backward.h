// A cell back through time: the gradients of everything that went in.
#pragma once

#include "forward.h"

namespace lockgate::LOCKGATE_ISA {

constexpr int64_t chunk_rows =
    128;  // rows (of several steps) whose deltas wait for the weights' gradients

template <class Cell>
struct BackwardMemory {
    int64_t steps, rows;             // of a chunk
    float* delta;                    // [panel][row of the chunk][sum][W]
    float* delta_words;              // the same as an operand
    float *delta_x, *delta_x_words;  // of the sums of x alone, where these are normalised apart
    float *x, *h_seen;  // as in the forward, but of floats: it is rows that are paired here
    float *d_h, *d_c;   // [panel][row][W]
    // Where h is projected: the gradient of what becomes h, as d_h; that of h, the same as an
    // operand, and what becomes h, [panel][row of the chunk][W].
    float *d_made, *d_projected, *d_projected_words, *made;
    float* stretch;  // what the forward saves when it is run again
    int64_t delta_panel, x_panel, h_seen_panel, d_panel, projected_panel;
    float* again;            // the forward's own memory
    float *back_x, *back_h;  // gradients of kept features, [panel][row][sum][W]
    float* row_sums;         // of layer norm

    BackwardMemory(const Call& c, const KeptFeatures& kept, const Split& split, Arena& arena) {
        const int64_t units = panels_of(c.H), inputs = panels_of(kept.x.features),
                      seen = panels_of(kept.h.features);
        steps = larger(1, smaller(chunk_rows / larger(split.rows, 1), c.T));
        rows = steps * split.rows;
        delta_panel = rows * Cell::sums * W;
        x_panel = rows * lanes_of<Cell>(c.mask_x) * W;
        h_seen_panel = rows * lanes_of<Cell>(c.mask_h) * W;
        d_panel = split.rows * W;
        delta = arena.take(units * delta_panel);
        const int64_t words = panels_of(words_of(c.H)) * delta_panel;
        delta_words = pair == 1 ? delta : arena.take(words);
        delta_x = normed(c) ? arena.take(units * delta_panel) : delta;
        delta_x_words = !normed(c) ? delta_words : pair == 1 ? delta_x : arena.take(words);
        x = arena.take(inputs * x_panel);
        h_seen = arena.take(seen * h_seen_panel);
        d_h = arena.take(panels_of(c.P) * d_panel);
        const bool projected = projects<Cell>(c);
        projected_panel = rows * W;
        d_made = arena.take(projected ? units * d_panel : 0);
        made = arena.take(projected ? units * projected_panel : 0);
        d_projected = arena.take(projected ? panels_of(c.P) * projected_panel : 0);
        d_projected_words = pair == 1 || !projected
                                ? d_projected
                                : arena.take(panels_of(words_of(c.P)) * projected_panel);
        d_c = arena.take(Cell::has_c ? units * d_panel : 0);
        back_x = arena.take(kept.x.some() ? inputs * x_panel : 0);
        back_h = arena.take(kept.h.some() ? seen * d_panel * lanes_of<Cell>(c.mask_h) : 0);
        row_sums = arena.take(normed(c) ? RowSums::size(units, split.rows) : 0);
        stretch = again = nullptr;
        if (c.every > 0 && Cell::saves(c)) {
            stretch =
                arena.take(c.every * saved_places<Cell>(c, nullptr, 0, 0, split.rows).step_size());
            Arena count(nullptr);
            ForwardMemory<Cell>(c, kept, split, count);
            again = arena.take(count.used());
        }
    }
};

// Gradients of the weights as the threads add them up, [panel of units][feature][gate][W]; one copy
// for each area.
template <class Cell>
struct Gradients {
    float *w_ih, *w_hh, *bias;
    float* w_hr;                  // [panel of h][unit][W]
    float *ln_ih, *ln_hh, *ln_c;  // [panel][gate][W]; of gain and bias [panel][2][W]
    int64_t size;

    Gradients(const Call& c, const KeptFeatures& kept, int64_t copies, Arena& arena) {
        Arena one(nullptr);
        each_part(c, kept, [&](float*&, int64_t floats) { one.take(floats); });
        size = one.used();
        Arena first(arena.take(size * copies));
        each_part(c, kept, [&](float*& part, int64_t floats) { part = first.take(floats); });
    }

    void clear(const Call& c, const KeptFeatures& kept, int64_t copy) const {
        Gradients parts = *this;
        parts.each_part(c, kept, [&](float*& part, int64_t floats) {
            std::memset(part + copy * size, 0, floats * sizeof(float));
        });
    }

  private:
    template <class F>
    void each_part(const Call& c, const KeptFeatures& kept, F f) {
        const int64_t panels = panels_of(c.H), row = Cell::gates * W;
        f(w_ih, panels * kept.x.features * row);
        f(w_hh, panels * kept.h.features * row);
        f(bias, panels * Cell::sums * W);
        f(w_hr, projects<Cell>(c) ? panels_of(c.P) * c.H * W : 0);
        f(ln_ih, normed(c) ? panels * row : 0);
        f(ln_hh, normed(c) ? panels * row : 0);
        f(ln_c, normed(c) ? panels * 2 * W : 0);
    }
};

template <class Cell>
class Backward {
  public:
    static constexpr int most_panels = 2;
    static int64_t sums_size(const Call& c, const Split& split) {
        const int64_t rows = larger(
            split.rows, larger(1, smaller(chunk_rows / larger(split.rows, 1), c.T)) * split.rows);
        return rows * most_panels * Cell::gates * W;
    }

    Backward(const Call& call, const PackedBack<Cell>& weights, const BackwardMemory<Cell>& memory,
             const Gradients<Cell>& gradients, int64_t area, const int32_t* previous, float* sums,
             const Share& share)
        : call_(call),
          weights_(weights),
          memory_(memory),
          gradients_(gradients),
          offset_(area * gradients.size),
          previous_(previous),
          sums_(sums),
          share_(share) {}

    void start() {
        start(share_.outputs, call_.d_last_h, call_.P, memory_.d_h);
        if constexpr (Cell::has_c) start(share_.units, call_.d_last_c, call_.H, memory_.d_c);
    }

    // Steps [begin, end) from the last to the first; c_rows is c before step `begin_of_saved`.
    void chunk(Range steps, const SavedPlaces& saved, const float* c_rows) {
        for (int64_t step = steps.begin; step < steps.end; ++step)
            prepare(step, (step - steps.begin) * share_.rows.size());
        for (int64_t step = steps.end - 1; step >= steps.begin; --step) {
            const int64_t row = (step - steps.begin) * share_.rows.size();
            if constexpr (Cell::has_c)
                if (projects<Cell>(call_)) to_made(step, row);
            if (normed(call_))
                point_normed(step, row, saved, c_rows);
            else
                for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel)
                    point(step, row, panel, saved, c_rows);
            to_words(row);
            share_.meet();
            if constexpr (Cell::may_reset)
                if (resets_first<Cell>(call_)) {
                    to_reset(step, row, saved);
                    share_.meet();
                }
            if (step > 0 || call_.d_h0 != nullptr) to_h(step, row);
        }
        if (call_.d_x != nullptr) to_x(steps);
        to_weights(steps.size() * share_.rows.size());
        share_.meet();
    }

    // The deltas of a step as an operand.
    void to_words(int64_t row) const {
        if constexpr (pair == 1) return;
        each([&](int64_t panel, int64_t b, int64_t) {
            const int64_t at = (row + b - share_.rows.begin) * Cell::sums * W,
                          from = panel * memory_.delta_panel + at,
                          to = place_in<pair>(panel, memory_.delta_panel) + at;
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE {
                put<pair>(memory_.delta_words + to + s * W, load(memory_.delta + from + s * W));
                if (normed(call_))
                    put<pair>(memory_.delta_x_words + to + s * W,
                              load(memory_.delta_x + from + s * W));
            });
        });
    }

    void store_first() {
        store_first(share_.outputs, memory_.d_h, call_.P, call_.d_h0);
        if constexpr (Cell::has_c) store_first(share_.units, memory_.d_c, call_.H, call_.d_c0);
    }

    // The row of h before a step: it went out at the last valid step before it.
    const float* h_before(int64_t step, int64_t b) const {
        const int64_t last = previous_ == nullptr ? step - 1 : previous_[step * call_.B + b];
        return last < 0 ? call_.h0 + b * call_.P
                        : call_.output + (time_of(call_, last) * call_.B + b) * call_.P;
    }

  private:
    void start(Range panels, const float* d_last, int64_t features, float* d) const {
        each_of(panels, [&](int64_t panel, int64_t b, int64_t at) {
            store(d + at, d_last == nullptr ? vec{}
                                            : load_part(d_last + b * features + panel * W,
                                                        width_of(panel, features)));
        });
    }
    void store_first(Range panels, const float* d, int64_t features, float* d_first) const {
        if (d_first == nullptr) return;
        each_of(panels, [&](int64_t panel, int64_t b, int64_t at) {
            store_part(d_first + b * features + panel * W, load(d + at), width_of(panel, features));
        });
    }

    template <class F>
    LOCKGATE_INLINE void each(F f) const {
        each_of(share_.units, f);
    }
    template <class F>
    LOCKGATE_INLINE void each_of(Range panels, F f) const {
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b)
                f(panel, b, panel * memory_.d_panel + (b - share_.rows.begin) * W);
    }

    void prepare(int64_t step, int64_t row) {
        const int64_t t = time_of(call_, step);
        if (call_.d_w_ih != nullptr)
            with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                constexpr int lanes = is_gated ? Cell::gates : 1;
                pack_rows<1, lanes>(call_.mask_x, weights_.kept.x, t, share_.rows, share_.inputs,
                                    share_.kept_inputs, call_.I, memory_.x + row * lanes * W,
                                    memory_.x_panel, [&](int64_t b) {
                                        return is_valid(call_, t, b)
                                                   ? call_.x + t * call_.x_time + b * call_.x_batch
                                                   : nullptr;
                                    });
            });
        if (call_.d_w_hh != nullptr)
            with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
                constexpr int lanes = is_gated ? Cell::gates : 1;
                pack_rows<1, lanes>(call_.mask_h, weights_.kept.h, t, share_.rows, share_.outputs,
                                    share_.kept_outputs, call_.P, memory_.h_seen + row * lanes * W,
                                    memory_.h_seen_panel,
                                    [&](int64_t b) { return h_before(step, b); });
            });
    }

    // What of the gradients passes the cell by.
    struct Past {
        vec h, c;
    };

    // From the gradient of h to that of what it is projected from; what zoneout and padding let
    // pass stays in d_h.
    void to_made(int64_t step, int64_t row) const {
        const int64_t t = time_of(call_, step), rows = share_.rows.size();
        each_of(share_.outputs, [&](int64_t panel, int64_t b, int64_t at) {
            const int64_t width = width_of(panel, call_.P), r = row + b - share_.rows.begin;
            vec d = {};
            if (is_valid(call_, t, b)) {
                d = d_of_h(t, b, panel, at, width);
                const vec past = past_h(t, b, panel, width, d);
                store(memory_.d_h + at, past);
            }
            store(memory_.d_projected + panel * memory_.projected_panel + r * W, d);
            if constexpr (pair > 1)
                put<pair>(memory_.d_projected_words +
                              place_in<pair>(panel, memory_.projected_panel) + r * W,
                          d);
        });
        share_.meet();
        for_groups<most_panels>(share_.units, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            static const float zeros[P * W] = {};
            const int64_t words = words_of(call_.P), weights_panel = words * W;
            product<OfOneGate<P>>(rows, zeros, sums_,
                                  {memory_.d_projected_words + row * W, memory_.projected_panel, W,
                                   weights_.w_hr + panel * weights_panel, weights_panel, W, words});
            for (int64_t r = 0; r < rows; ++r)
                repeat<P>([&](auto p) LOCKGATE_HERE {
                    store(memory_.d_made + (panel + p) * memory_.d_panel + r * W,
                          load(sums_ + (r * P + p) * W));
                });
        });
    }

    // The gradient of W features of h, and (back in `d`) what of it passes the step by.
    LOCKGATE_INLINE vec d_of_h(int64_t t, int64_t b, int64_t panel, int64_t at,
                               int64_t width) const {
        const vec d = load(memory_.d_h + at);
        if (call_.d_output == nullptr) return d;
        return d + load_part(call_.d_output + t * call_.d_output_time + b * call_.d_output_batch +
                                 panel * W,
                             width);
    }
    LOCKGATE_INLINE vec past_h(int64_t t, int64_t b, int64_t panel, int64_t width, vec& d) const {
        if (call_.zoneout_h.data == nullptr) return vec{};
        const vec z = mask_at(call_.zoneout_h, t, 0, b, panel, width), past = z * d;
        d = (1.0f - z) * d;
        return past;
    }

    // Reads what the pointwise part needs of a row that is valid.
    LOCKGATE_INLINE Past gather(Pointwise<Cell>& v, int64_t step, int64_t b, int64_t panel,
                                const SavedPlaces& saved, const float* c_rows) const {
        const int64_t t = time_of(call_, step), width = width_of(panel, call_.H);
        const int64_t at = panel * memory_.d_panel + (b - share_.rows.begin) * W;
        const bool projected = projects<Cell>(call_);
        v.d_h = projected ? load(memory_.d_made + at) : d_of_h(t, b, panel, at, width);
        const bool saves = Cell::saves(call_);
        if (saves) {
            const float* kept = saved.at(step, panel, b);
            repeat<Cell::saved>(
                [&](auto i) LOCKGATE_HERE { v.saved[i] = load_part(kept + i * width, width); });
        }
        if constexpr (Cell::has_c) {
            v.d_c = load(memory_.d_c + at);
            v.c_before =
                step == saved.first_step
                    ? load_part(c_rows + b * call_.H + panel * W, width)
                    : load_part(saved.at(step - 1, panel, b) + Cell::saved_c * width, width);
        }
        if constexpr (Cell::reads_h_before)
            v.h_before = load_part(h_before(step, b) + panel * W, width);
        if constexpr (Cell::reads_h)
            v.h = saves ? v.saved[0]
                        : load_part(call_.output + (t * call_.B + b) * call_.H + panel * W, width);
        Past past = {};
        if (!projected) past.h = past_h(t, b, panel, width, v.d_h);
        if constexpr (Cell::has_c)
            if (call_.zoneout_c.data != nullptr) {
                const vec z = mask_at(call_.zoneout_c, t, 0, b, panel, width);
                past.c = z * v.d_c, v.d_c = (1.0f - z) * v.d_c;
            }
        return past;
    }

    void point(int64_t step, int64_t row, int64_t panel, const SavedPlaces& saved,
               const float* c_rows) {
        point(step, row, panel, saved, c_rows,
              [&](Pointwise<Cell>& v, int64_t) LOCKGATE_HERE { Cell::backward(v, call_); });
    }

    // compute(v, b) gives the deltas, and the gradients of the state before.
    template <class F>
    LOCKGATE_INLINE void point(int64_t step, int64_t row, int64_t panel, const SavedPlaces& saved,
                               const float* c_rows, F compute) {
        const int64_t t = time_of(call_, step);
        float* delta = memory_.delta + panel * memory_.delta_panel + row * Cell::sums * W;
        const bool projected = projects<Cell>(call_);
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b, delta += Cell::sums * W) {
            if (!is_valid(call_, t, b)) {
                repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { store(delta + s * W, vec{}); });
                if (projected) store(made_at(panel, row, b), vec{});
                continue;
            }
            const int64_t at = panel * memory_.d_panel + (b - share_.rows.begin) * W;
            Pointwise<Cell> v;
            const Past past = gather(v, step, b, panel, saved, c_rows);
            if constexpr (Cell::has_c)
                if (projected) {
                    Cell::forward_h(v, call_, seen_of_c(v, step, b, panel, saved));
                    store(made_at(panel, row, b), v.h);
                }
            compute(v, b);
            if (!projected) store(memory_.d_h + at, v.d_h + past.h);
            if constexpr (Cell::has_c) store(memory_.d_c + at, v.d_c + past.c);
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { store(delta + s * W, v.sum[s]); });
        }
    }

    // ---- layer norm ----

    RowSums row_sums() const {
        return RowSums(memory_.row_sums, panels_of(call_.H), share_.rows.size());
    }
    // Means of what was entered of a row into so many slots, over `count` values.
    void average(int64_t slot, int64_t slots, int64_t count) {
        for (int64_t r = 0; r < share_.rows.size(); ++r)
            for (int64_t of = 0; of < slots; ++of)
                sums_[r * 4 + of] = row_sums().total(slot + of, r) / static_cast<float>(count);
    }
    const float* averages(int64_t b) const { return sums_ + (b - share_.rows.begin) * 4; }

    // The pointwise part of all panels, back through the normalised products.
    void point_normed(int64_t step, int64_t row, const SavedPlaces& saved, const float* c_rows) {
        const int64_t t = time_of(call_, step);
        if constexpr (Cell::has_c)
            if (call_.ln_c != nullptr) {
                for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel)
                    enter_c(step, panel, saved, c_rows);
                share_.meet();
                average(0, 2, call_.H);
            }
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            point(step, row, panel, saved, c_rows,
                  [&](Pointwise<Cell>& v, int64_t b) LOCKGATE_HERE {
                      if constexpr (Cell::has_c)
                          if (call_.ln_c != nullptr) {
                              back_through_c(v, step, b, panel, saved);
                              return;
                          }
                      Cell::backward(v, call_);
                  });
            enter_products(step, row, panel, saved);
        }
        share_.meet();
        average(2, 4, Cell::gates * call_.H);
        each([&](int64_t panel, int64_t b, int64_t) {
            if (!is_valid(call_, t, b)) return;
            const int64_t width = width_of(panel, call_.H);
            const float *of_row = saved.row_at(step, b), *means = averages(b),
                        *normal = saved.normed_at(step, panel, b);
            auto back = [&](float* place, int of, const float* normal, float scale) LOCKGATE_HERE {
                store(place, scale * (load(place) - means[2 * of] -
                                      means[2 * of + 1] * load_part(normal, width)));
            };
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
                back(delta_at(panel, row, b) + Cell::h_sum(g) * W, 0, normal + g * width,
                     of_row[scale_of_h]);
                back(delta_x_at(panel, row, b) + Cell::x_sum(g) * W, 1,
                     normal + (Cell::gates + g) * width, of_row[scale_of_x]);
            });
        });
    }

    float* delta_at(int64_t panel, int64_t row, int64_t b) const {
        return memory_.delta + panel * memory_.delta_panel +
               (row + b - share_.rows.begin) * Cell::sums * W;
    }

    float* delta_x_at(int64_t panel, int64_t row, int64_t b) const {
        return memory_.delta_x + panel * memory_.delta_panel +
               (row + b - share_.rows.begin) * Cell::sums * W;
    }

    // Of one panel: the gradients of biases and gains, and the parts of the sums over the rows of
    // the gradients of the normalised products.
    void enter_products(int64_t step, int64_t row, int64_t panel, const SavedPlaces& saved) {
        const int64_t t = time_of(call_, step), width = width_of(panel, call_.H);
        float* bias = gradients_.bias + offset_ + panel * Cell::sums * W;
        float* gain_x = gradients_.ln_ih + offset_ + panel * Cell::gates * W;
        float* gain_h = gradients_.ln_hh + offset_ + panel * Cell::gates * W;
        vec d_bias[Cell::sums], d_gain_x[Cell::gates], d_gain_h[Cell::gates];
        repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { d_bias[s] = load(bias + s * W); });
        repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
            d_gain_x[g] = load(gain_x + g * W), d_gain_h[g] = load(gain_h + g * W);
        });
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b) {
            float *delta = delta_at(panel, row, b), *delta_x = delta_x_at(panel, row, b);
            repeat<Cell::sums>([&](auto s)
                                   LOCKGATE_HERE { store(delta_x + s * W, load(delta + s * W)); });
            if (!is_valid(call_, t, b)) continue;
            repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { d_bias[s] += load(delta + s * W); });
            const float* kept = saved.normed_at(step, panel, b);
            vec of_h[2] = {}, of_x[2] = {};
            auto enter = [&](float* place, const float* normal_, const float* gain, vec& d_gain,
                             vec(&of)[2]) LOCKGATE_HERE {
                const vec d_sum = load(place), normal = load_part(normal_, width);
                const vec d = d_sum * load_part(gain, width);
                store(place, d);
                d_gain += d_sum * normal, of[0] += d, of[1] += d * normal;
            };
            repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
                const int64_t first = g * call_.H + panel * W;
                enter(delta + Cell::h_sum(g) * W, kept + g * width, call_.ln_hh + first,
                      d_gain_h[g], of_h);
                enter(delta_x + Cell::x_sum(g) * W, kept + (Cell::gates + g) * width,
                      call_.ln_ih + first, d_gain_x[g], of_x);
            });
            for (int64_t i = 0; i < 2; ++i) {
                row_sums().enter(2 + i, panel, b - share_.rows.begin, of_h[i]);
                row_sums().enter(4 + i, panel, b - share_.rows.begin, of_x[i]);
            }
        }
        repeat<Cell::sums>([&](auto s) LOCKGATE_HERE { store(bias + s * W, d_bias[s]); });
        repeat<Cell::gates>([&](auto g) LOCKGATE_HERE {
            store(gain_x + g * W, d_gain_x[g]), store(gain_h + g * W, d_gain_h[g]);
        });
    }

    float* made_at(int64_t panel, int64_t row, int64_t b) const {
        return memory_.made + panel * memory_.projected_panel + (row + b - share_.rows.begin) * W;
    }
    // What the output reads of c.
    LOCKGATE_INLINE vec seen_of_c(const Pointwise<Cell>& v, int64_t step, int64_t b, int64_t panel,
                                  const SavedPlaces& saved) const {
        if (call_.ln_c == nullptr) return Cell::new_c(v);
        const int64_t width = width_of(panel, call_.H);
        return normal_c(v, step, b, saved) * load_part(call_.ln_c + panel * W, width) +
               load_part(call_.ln_c_bias + panel * W, width);
    }
    LOCKGATE_INLINE vec normal_c(const Pointwise<Cell>& v, int64_t step, int64_t b,
                                 const SavedPlaces& saved) const {
        const float* of_row = saved.row_at(step, b);
        return (Cell::new_c(v) - of_row[mean_of_c]) * of_row[scale_of_c];
    }

    // c as it was normalised, what the output reads of it, and the gradient of both.
    struct OfC {
        vec normal, squashed, d_seen, d_normal;
    };
    LOCKGATE_INLINE OfC of_c(const Pointwise<Cell>& v, int64_t step, int64_t b, int64_t panel,
                             const SavedPlaces& saved) const {
        OfC c;
        c.normal = normal_c(v, step, b, saved);
        c.squashed = activate(call_, seen_of_c(v, step, b, panel, saved));
        c.d_seen = Cell::back_to_seen(v, call_, c.squashed);
        c.d_normal = c.d_seen * load_part(call_.ln_c + panel * W, width_of(panel, call_.H));
        return c;
    }

    // Of one panel: the gradients of gain and bias of c, and the parts of the sums over the row of
    // the gradient of the normalised c.
    void enter_c(int64_t step, int64_t panel, const SavedPlaces& saved, const float* c_rows) {
        const int64_t t = time_of(call_, step);
        float* place = gradients_.ln_c + offset_ + panel * 2 * W;
        vec d_gain = load(place), d_bias = load(place + W);
        for (int64_t b = share_.rows.begin; b < share_.rows.end; ++b) {
            if (!is_valid(call_, t, b)) continue;
            Pointwise<Cell> v;
            gather(v, step, b, panel, saved, c_rows);
            const OfC c = of_c(v, step, b, panel, saved);
            d_gain += c.d_seen * c.normal, d_bias += c.d_seen;
            row_sums().enter(0, panel, b - share_.rows.begin, c.d_normal);
            row_sums().enter(1, panel, b - share_.rows.begin, c.d_normal * c.normal);
        }
        store(place, d_gain), store(place + W, d_bias);
    }

    LOCKGATE_INLINE void back_through_c(Pointwise<Cell>& v, int64_t step, int64_t b, int64_t panel,
                                        const SavedPlaces& saved) const {
        const OfC c = of_c(v, step, b, panel, saved);
        const vec d_c = (c.d_normal - averages(b)[0] - averages(b)[1] * c.normal) *
                        saved.row_at(step, b)[scale_of_c];
        Cell::backward(v, call_, c.squashed, v.d_c + d_c);
    }

    // Multiplies deltas with the weights of a group of panels, and calls give(row, p, gradient).
    template <bool OfX, bool Gated, int P, class F>
    LOCKGATE_INLINE void back(const float* delta, int64_t rows, const float* weights, int64_t panel,
                              F give) {
        using Product = FromDeltas<Cell, Gated, P, OfX>;
        const int64_t words = words_of(call_.H), weights_panel = words * Cell::gates * W;
        static const float zeros[P * Product::sums * W] = {};
        product<Product>(rows, zeros, sums_,
                         {delta, memory_.delta_panel, Cell::sums * W,
                          weights + panel * weights_panel, weights_panel, Cell::gates * W, words});
        for (int64_t r = 0; r < rows; ++r)
            repeat<P>([&](auto p)
                          LOCKGATE_HERE { give(r, p, sums_ + (r * P + p) * Product::sums * W); });
    }

    template <int Sums>
    static LOCKGATE_INLINE vec masked(const float* sums, const Mask& mask, int64_t t, int64_t b,
                                      int64_t panel, int64_t width) {
        vec total = {};
        repeat<Sums>([&](auto s) LOCKGATE_HERE {
            const vec sum = load(sums + s * W);
            total += mask.data == nullptr ? sum : sum * mask_at(mask, t, s, b, panel, width);
        });
        return total;
    }

    // As `back`, to kept features, and from there to all: give(row, panel, gradient).
    template <bool OfX, bool Gated, class F>
    LOCKGATE_INLINE void back_to_kept(const Kept& kept, const float* delta, int64_t rows,
                                      const float* weights, Range kept_panels, Range panels,
                                      float* gradients, F give) {
        constexpr int sums = Gated ? Cell::gates : 1;
        for_groups<most_panels>(kept_panels, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            back<OfX, Gated, P>(
                delta, rows, weights, panel, [&](int64_t r, int64_t p, const float* sum) {
                    float* place = gradients + ((panel + p) * rows + r) * sums * W;
                    repeat<sums>([&](auto s)
                                     LOCKGATE_HERE { store(place + s * W, load(sum + s * W)); });
                });
        });
        share_.meet();
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int64_t r = 0; r < rows; ++r) {
                vec total = {};
                for (int64_t s = 0; s < sums; ++s)
                    total += kept.spread(s, panel, [&](int64_t source) LOCKGATE_HERE {
                        return load(gradients + ((source * rows + r) * sums + s) * W);
                    });
                give(r, panel, total);
            }
    }

    // From the delta of the last gate to the h that its product has read, and to the reset gate.
    void to_reset(int64_t step, int64_t row, const SavedPlaces& saved) {
        const int64_t t = time_of(call_, step);
        for_groups<most_panels>(share_.units, [&](auto group, int64_t panel) {
            constexpr int P = decltype(group)::value;
            static const float zeros[P * W] = {};
            const int64_t words = words_of(call_.H), weights_panel = words * W,
                          rows = share_.rows.size();
            product<FromLastDelta<Cell, P>>(
                rows, zeros, sums_,
                {memory_.delta_words + row * Cell::sums * W, memory_.delta_panel, Cell::sums * W,
                 weights_.w_last + panel * weights_panel, weights_panel, W, words});
            for (int64_t r = 0; r < rows; ++r)
                repeat<P>([&](auto p) LOCKGATE_HERE {
                    reset_back(t, step, share_.rows.begin + r, row + r, panel + p,
                               load(sums_ + (r * P + p) * W), saved);
                });
        });
    }

    // d: the gradient of what the product of the last gate has read, W units of one row.
    LOCKGATE_INLINE void reset_back(int64_t t, int64_t step, int64_t b, int64_t row, int64_t panel,
                                    vec d, const SavedPlaces& saved) {
        constexpr int last = Cell::gates - 1;
        if (!is_valid(call_, t, b)) return;
        const int64_t width = width_of(panel, call_.H);
        const vec reset = load_part(saved.at(step, panel, b) + Cell::reset_saved * width, width);
        vec seen = load_part(h_before(step, b) + panel * W, width), d_h = d * reset;
        if (call_.mask_h.data != nullptr) {
            const vec mask = mask_at(call_.mask_h, t, last, b, panel, width);
            seen *= mask, d_h *= mask;
        }
        const vec delta = Cell::reset_back(reset, d * seen);
        store(memory_.delta + panel * memory_.delta_panel + row * Cell::sums * W, delta);
        if constexpr (pair > 1)
            put<pair>(memory_.delta_words + place_in<pair>(panel, memory_.delta_panel) +
                          row * Cell::sums * W,
                      delta);
        float* place = memory_.d_h + panel * memory_.d_panel + (b - share_.rows.begin) * W;
        store(place, load(place) + d_h);
        if (call_.d_w_hh != nullptr)
            store(memory_.h_seen + panel * memory_.h_seen_panel + (row * Cell::gates + last) * W,
                  seen * reset);
    }

    void to_h(int64_t step, int64_t row) {
        const int64_t t = time_of(call_, step);
        with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
            if (weights_.kept.h.some())
                return back_to_kept<false, is_gated>(
                    weights_.kept.h, memory_.delta_words + row * Cell::sums * W, share_.rows.size(),
                    weights_.w_hh, share_.kept_outputs, share_.outputs, memory_.back_h,
                    [&](int64_t r, int64_t panel, vec gradient) LOCKGATE_HERE {
                        float* place = memory_.d_h + panel * memory_.d_panel + r * W;
                        store(place, load(place) + gradient);
                    });
            for_groups<most_panels>(share_.outputs, [&](auto group, int64_t panel) {
                constexpr int P = decltype(group)::value;
                back<false, is_gated, P>(
                    memory_.delta_words + row * Cell::sums * W, share_.rows.size(), weights_.w_hh,
                    panel, [&](int64_t r, int64_t p, const float* sums) {
                        const int64_t b = share_.rows.begin + r;
                        const int64_t width = width_of(panel + p, call_.P);
                        float* place = memory_.d_h + (panel + p) * memory_.d_panel + r * W;
                        vec d = {};
                        if constexpr (is_gated) {
                            // that of the last gate has come by `to_reset`
                            if (resets_first<Cell>(call_))
                                d = masked<Cell::gates - 1>(sums, call_.mask_h, t, b, panel + p,
                                                            width);
                            else
                                d = masked<Cell::gates>(sums, call_.mask_h, t, b, panel + p, width);
                        } else {
                            d = masked<1>(sums, call_.mask_h, t, b, panel + p, width);
                        }
                        store(place, load(place) + d);
                    });
            });
        });
    }

    void to_x(Range steps) {
        const int64_t rows = share_.rows.size();
        with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
            if (weights_.kept.x.some())
                return back_to_kept<true, is_gated>(
                    weights_.kept.x, memory_.delta_x_words, steps.size() * rows, weights_.w_ih,
                    share_.kept_inputs, share_.inputs, memory_.back_x,
                    [&](int64_t r, int64_t panel, vec gradient) LOCKGATE_HERE {
                        const int64_t t = time_of(call_, steps.begin + r / rows),
                                      b = share_.rows.begin + r % rows;
                        store_part(call_.d_x + (t * call_.B + b) * call_.I + panel * W, gradient,
                                   width_of(panel, call_.I));
                    });
            for_groups<most_panels>(share_.inputs, [&](auto group, int64_t panel) {
                constexpr int P = decltype(group)::value;
                back<true, is_gated, P>(
                    memory_.delta_x_words, steps.size() * rows, weights_.w_ih, panel,
                    [&](int64_t r, int64_t p, const float* sums) {
                        const int64_t t = time_of(call_, steps.begin + r / rows),
                                      b = share_.rows.begin + r % rows;
                        const int64_t width = width_of(panel + p, call_.I);
                        store_part(call_.d_x + (t * call_.B + b) * call_.I + (panel + p) * W,
                                   masked<is_gated ? Cell::gates : 1>(sums, call_.mask_x, t, b,
                                                                      panel + p, width),
                                   width);
                    });
            });
        });
    }

    void to_weights(int64_t rows) {
        if (!normed(call_)) to_bias(rows);  // else it comes after the norm that deltas have passed
        const int64_t paired = pair_all(rows);
        if (call_.d_w_ih != nullptr)
            with_gated<Cell>(call_.mask_x, [&](auto is_gated) {
                to_weights<ToWeights<Cell, is_gated, true>>(
                    share_.units, memory_.delta_x, memory_.delta_panel, memory_.x, memory_.x_panel,
                    paired, weights_.kept.x.features, gradients_.w_ih + offset_);
            });
        if (call_.d_w_hh != nullptr)
            with_gated<Cell>(call_.mask_h, [&](auto is_gated) {
                to_weights<ToWeights<Cell, is_gated, false>>(
                    share_.units, memory_.delta, memory_.delta_panel, memory_.h_seen,
                    memory_.h_seen_panel, paired, weights_.kept.h.features,
                    gradients_.w_hh + offset_);
            });
        if constexpr (Cell::has_c)
            if (call_.d_w_hr != nullptr)
                to_weights<ToProjection>(
                    share_.outputs, memory_.d_projected, memory_.projected_panel, memory_.made,
                    memory_.projected_panel, paired, call_.H, gradients_.w_hr + offset_);
    }

    void to_bias(int64_t rows) {
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const float* delta = memory_.delta + panel * memory_.delta_panel;
            vec sum[Cell::sums] = {};
            for (int64_t r = 0; r < rows; ++r)
                repeat<Cell::sums>([&](auto s) LOCKGATE_HERE {
                    sum[s] += load(delta + (r * Cell::sums + s) * W);
                });
            float* bias = gradients_.bias + offset_ + panel * Cell::sums * W;
            repeat<Cell::sums>(
                [&](auto s) LOCKGATE_HERE { store(bias + s * W, load(bias + s * W) + sum[s]); });
        }
    }

    // Rows of deltas and operands to words of rows; returns how many there are then.
    int64_t pair_all(int64_t rows) {
        if constexpr (pair == 1) return rows;
        for (int64_t panel = share_.units.begin; panel < share_.units.end; ++panel) {
            const int64_t at = panel * memory_.delta_panel;
            pair_rows(memory_.delta + at, rows, Cell::sums * W);
            if (normed(call_)) pair_rows(memory_.delta_x + at, rows, Cell::sums * W);
        }
        auto pair_operand = [&](Range panels, float* operand, int64_t operand_panel,
                                int64_t lanes) {
            for (int64_t panel = panels.begin; panel < panels.end; ++panel)
                pair_rows(operand + panel * operand_panel, rows, lanes * W);
        };
        if (call_.d_w_ih != nullptr)
            pair_operand(weights_.kept.x.some() ? share_.kept_inputs : share_.inputs, memory_.x,
                         memory_.x_panel, lanes_of<Cell>(call_.mask_x));
        if (call_.d_w_hh != nullptr)
            pair_operand(weights_.kept.h.some() ? share_.kept_outputs : share_.outputs,
                         memory_.h_seen, memory_.h_seen_panel, lanes_of<Cell>(call_.mask_h));
        if (projects<Cell>(call_)) {
            pair_operand(share_.outputs, memory_.d_projected, memory_.projected_panel, 1);
            pair_operand(share_.units, memory_.made, memory_.projected_panel, 1);
        }
        share_.meet();
        return words_of(rows);
    }

    template <class Outer>
    void to_weights(Range panels, const float* delta, int64_t delta_panel, const float* operand,
                    int64_t operand_panel, int64_t rows, int64_t features, float* gradient) {
        for (int64_t panel = panels.begin; panel < panels.end; ++panel)
            for (int64_t of = 0; of < panels_of(features); ++of)
                outer<Outer>(delta + panel * delta_panel, operand + of * operand_panel, rows,
                             width_of(of, features),
                             gradient + (panel * features + of * W) * Outer::gates * W);
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
    static bool reruns(const Call& c) { return c.every > 0 && Cell::saves(c); }

    Split split;
    Arena arena;
    KeptFeatures kept;
    PackedBack<Cell> weights;
    Gradients<Cell> gradients;
    float *forward_weights, *memory, *sums, *forward_sums;
    int32_t* previous;
    int64_t memory_size, sums_size, forward_sums_size;

    BackwardLayout(const Call& c, float* workspace)
        : split(c, Cell::gates, lanes_of<Cell>(c.mask_h)),
          arena(workspace),
          kept(kept_features<Cell>(c, arena)),
          weights(c, kept, arena),
          gradients(c, kept, split.areas, arena) {
        Arena packed(nullptr), count(nullptr);
        Packed<Cell>(c, kept, packed);
        forward_weights = arena.take(reruns(c) ? packed.used() : 0);
        BackwardMemory<Cell>(c, kept, split, count);
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
            previous[step * c.B + b] = is_valid(c, time_of(c, step - 1), b)
                                           ? static_cast<int32_t>(step - 1)
                                           : previous[(step - 1) * c.B + b];
}

// Gradients of weights from panels; 0 of the features that are dropped.
template <class Cell>
void store_weights(const Kept& kept, const float* packed, int64_t copies, int64_t copy_size,
                   int64_t units, int64_t features, Range panels, float* gradient) {
    auto at = [&](int64_t panel, int g, int64_t k) LOCKGATE_HERE {
        return packed + ((panel * kept.features + k) * Cell::gates + g) * W;
    };
    if (!kept.some())
        return unpack_by_units(copies, copy_size, Cell::gates, units, features, panels.begin,
                               panels.end, gradient, at);
    unpack_by_units(copies, copy_size, Cell::gates, units, features, panels.begin, panels.end,
                    gradient, [&](int64_t panel, int g, int64_t k) LOCKGATE_HERE {
                        const int64_t position = kept.position(kept.lane_of(g), k);
                        return position < 0 ? nullptr : at(panel, g, position);
                    });
}

inline vec sum_copies(const float* place, int64_t copies, int64_t size) {
    vec sum = {};
    for (int64_t copy = 0; copy < copies; ++copy) sum += load(place + copy * size);
    return sum;
}

template <class Cell>
void store_gradients(const Call& c, const BackwardLayout<Cell>& layout) {
    const auto& gradients = layout.gradients;
    const int64_t copies = layout.split.areas, panels = panels_of(c.H),
                  parts = smaller(layout.split.lanes, panels);
    parallel(parts, [&](int64_t part) {
        const Range own = part_of(panels, part, parts);
        if (c.d_w_ih != nullptr)
            store_weights<Cell>(layout.kept.x, gradients.w_ih, copies, gradients.size, c.H, c.I,
                                own, c.d_w_ih);
        if (c.d_w_hh != nullptr)
            store_weights<Cell>(layout.kept.h, gradients.w_hh, copies, gradients.size, c.H, c.P,
                                own, c.d_w_hh);
        if (projects<Cell>(c) && c.d_w_hr != nullptr) {
            const Range outputs = part_of(panels_of(c.P), part, parts);
            unpack_by_units(copies, gradients.size, 1, c.P, c.H, outputs.begin, outputs.end,
                            c.d_w_hr, [&](int64_t panel, int, int64_t k) LOCKGATE_HERE {
                                return gradients.w_hr + (panel * c.H + k) * W;
                            });
        }
        for (int64_t panel = own.begin; panel < own.end; ++panel)
            for (int g = 0; g < Cell::gates; ++g) {
                vec of_x = {}, of_h = {};
                for (int64_t copy = 0; copy < copies; ++copy) {
                    const float* bias =
                        gradients.bias + copy * gradients.size + panel * Cell::sums * W;
                    of_x += load(bias + Cell::x_sum(g) * W);
                    of_h += load(bias + Cell::h_sum(g) * W);
                }
                const int64_t first = g * c.H + panel * W, width = width_of(panel, c.H);
                if (c.d_b_ih != nullptr) store_part(c.d_b_ih + first, of_x, width);
                const int64_t of_gate = (panel * Cell::gates + g) * W;
                if (c.d_ln_ih != nullptr)
                    store_part(c.d_ln_ih + first,
                               sum_copies(gradients.ln_ih + of_gate, copies, gradients.size),
                               width);
                if (c.d_ln_hh != nullptr)
                    store_part(c.d_ln_hh + first,
                               sum_copies(gradients.ln_hh + of_gate, copies, gradients.size),
                               width);
                if (c.d_b_hh != nullptr) store_part(c.d_b_hh + first, of_h, width);
            }
        for (int64_t panel = own.begin; panel < own.end; ++panel) {
            const float* of_c = gradients.ln_c + panel * 2 * W;
            const int64_t width = width_of(panel, c.H);
            if (c.d_ln_c != nullptr)
                store_part(c.d_ln_c + panel * W, sum_copies(of_c, copies, gradients.size), width);
            if (c.d_ln_c_bias != nullptr)
                store_part(c.d_ln_c_bias + panel * W, sum_copies(of_c + W, copies, gradients.size),
                           width);
        }
    });
}

template <class Cell>
void backward(const Call& c, float* workspace) {
    const BackwardLayout<Cell> layout(c, workspace);
    const Split& split = layout.split;
    const bool reruns = BackwardLayout<Cell>::reruns(c);
    layout.kept.fill();
    layout.weights.fill_all(c, split.lanes);
    parallel(split.areas, [&](int64_t area) { layout.gradients.clear(c, layout.kept, area); });
    Arena packed(reruns ? layout.forward_weights : nullptr);
    const Packed<Cell> forward_weights(c, layout.kept, packed);
    if (reruns) forward_weights.fill_all(c, split.lanes);
    if (c.valid != nullptr) find_previous(c, layout.previous);

    share_out(c, layout.kept, split, [&](int64_t area, int64_t lane, const Share& share) {
        Arena arena(layout.memory + area * layout.memory_size);
        const BackwardMemory<Cell> memory(c, layout.kept, split, arena);
        Backward<Cell> run(c, layout.weights, memory, layout.gradients, area,
                           c.valid == nullptr ? nullptr : layout.previous,
                           layout.sums + lane * layout.sums_size, share);
        run.start();
        const int64_t stretch = reruns ? c.every : larger(c.T, 1);
        for (int64_t begin = (c.T - 1) / stretch * stretch; begin >= 0; begin -= stretch) {
            const int64_t end = smaller(begin + stretch, c.T);
            const float* c_rows = begin == 0 ? c.c0 : c.saved + (begin / stretch - 1) * c.B * c.H;
            SavedPlaces saved = saved_places<Cell>(c, c.saved, 0, 0, c.B);
            if (reruns) {
                saved = saved_places<Cell>(c, memory.stretch, begin, share.rows.begin,
                                           share.rows.size());
                Arena inner(memory.again);
                const ForwardMemory<Cell> forward_memory(c, layout.kept, split, inner);
                Forward<Cell> again(c, forward_weights, forward_memory,
                                    layout.forward_sums + lane * layout.forward_sums_size, share);
                again.start(
                    {begin, end}, [&](int64_t b) { return run.h_before(begin, b); }, c_rows);
                for (int64_t step = begin; step < end; ++step) again.advance(step, &saved, false);
                share.meet();  // one thread saves for all what there is of a whole row
            }
            for (int64_t last = end; last > begin; last -= memory.steps)
                run.chunk({larger(begin, last - memory.steps), last}, saved, c_rows);
        }
        run.store_first();
    });
    store_gradients(c, layout);
}

}  // namespace lockgate::LOCKGATE_ISA
