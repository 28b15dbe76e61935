// The kernels of the instruction set `generic` beside a plain loop in double: `scripts/neon` runs
// it where there is no Python. Gradients are compared with central differences of that loop.

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "call.h"
#include "workspace.h"

namespace lockgate::generic {
extern const InstructionSet instruction_set;
}

namespace {

using namespace lockgate;
using Numbers = std::vector<double>;

enum class Cell { rnn, relu, lstm, gru };

struct Size {
    int64_t T, B, I, H;
};

struct Variant {
    bool masked, reverse;
    int threads;
};

// What a cell reads: x, h, c, w_ih, w_hh, b_ih, b_hh.
constexpr int inputs = 7;
const char* const names[inputs] = {"x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh"};

int gates_of(Cell cell) {
    return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1;
}

double sigmoid(double a) {
    return 1.0 / (1.0 + std::exp(-a));
}

struct Results {
    Numbers output, h, c;
};

// The equations as they stand: a mask scales what enters the products, and nothing else.
Results loop(Cell cell, const Size& s, bool reverse, const Numbers (&in)[inputs],
             const Numbers& mask_x, const Numbers& mask_h) {
    const auto& [x, h0, c0, w_ih, w_hh, b_ih, b_hh] = in;
    const int gates = gates_of(cell);
    Results r{Numbers(static_cast<size_t>(s.T * s.B * s.H)), h0, c0};
    for (int64_t turn = 0; turn < s.T; ++turn) {
        const int64_t t = reverse ? s.T - 1 - turn : turn;
        const Numbers before = r.h;
        for (int64_t b = 0; b < s.B; ++b)
            for (int64_t unit = 0; unit < s.H; ++unit) {
                double of_x[4], of_h[4];
                for (int gate = 0; gate < gates; ++gate) {
                    const int64_t row = gate * s.H + unit;
                    of_x[gate] = b_ih[row], of_h[gate] = b_hh[row];
                    for (int64_t i = 0; i < s.I; ++i)
                        of_x[gate] +=
                            w_ih[row * s.I + i] * x[(t * s.B + b) * s.I + i] * mask_x[b * s.I + i];
                    for (int64_t i = 0; i < s.H; ++i)
                        of_h[gate] +=
                            w_hh[row * s.H + i] * before[b * s.H + i] * mask_h[b * s.H + i];
                }
                const int64_t at = b * s.H + unit;
                double& h = r.h[at];
                double& c = r.c[at];
                if (cell == Cell::rnn) h = std::tanh(of_x[0] + of_h[0]);
                if (cell == Cell::relu) h = std::fmax(of_x[0] + of_h[0], 0.0);
                if (cell == Cell::lstm) {
                    c = sigmoid(of_x[1] + of_h[1]) * c +
                        sigmoid(of_x[0] + of_h[0]) * std::tanh(of_x[2] + of_h[2]);
                    h = sigmoid(of_x[3] + of_h[3]) * std::tanh(c);
                }
                if (cell == Cell::gru) {
                    const double reset = sigmoid(of_x[0] + of_h[0]);
                    const double z = sigmoid(of_x[1] + of_h[1]);
                    h = (1.0 - z) * std::tanh(of_x[2] + reset * of_h[2]) + z * before[at];
                }
                r.output[t * s.B * s.H + at] = h;
            }
    }
    return r;
}

std::mt19937 generator(0);

std::vector<float> draw(int64_t size, float spread) {
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> values(static_cast<size_t>(size));
    for (float& value : values) value = normal(generator);
    return values;
}

std::vector<float> draw_mask(int64_t size, bool masked) {
    std::bernoulli_distribution kept(0.5);
    std::vector<float> values(static_cast<size_t>(size), 1.0f);
    if (masked)
        for (float& value : values) value = kept(generator) ? 2.0f : 0.0f;
    return values;
}

Numbers exact(const std::vector<float>& values) {
    return Numbers(values.begin(), values.end());
}

int64_t compared = 0, failures = 0;
double worst = 0.0;  // error in units of what is allowed

void compare(const std::string& what, double got, double expected, double allowed) {
    const double error =
        std::fabs(got - expected) / (allowed * std::fmax(1.0, std::fabs(expected)));
    ++compared;
    if (error <= 1.0) {
        worst = std::fmax(worst, error);
        return;
    }
    if (++failures <= 20) std::printf("%s: expected %.9g, got %.9g\n", what.c_str(), expected, got);
}

void check(Cell cell, const char* name, const Kernel& kernel, const Size& s, const Variant& v) {
    const int gates = gates_of(cell);
    const int64_t rows = gates * s.H, state = s.B * s.H;
    const bool has_c = cell == Cell::lstm;
    std::vector<float> in[inputs] = {
        draw(s.T * s.B * s.I, 0.7f), draw(state, 0.5f), draw(state, 0.5f), draw(rows * s.I, 0.4f),
        draw(rows * s.H, 0.4f),      draw(rows, 0.3f),  draw(rows, 0.3f)};
    const auto mask_x = draw_mask(s.B * s.I, v.masked), mask_h = draw_mask(state, v.masked);
    const auto d_output = draw(s.T * state, 0.5f), d_h = draw(state, 0.5f),
               d_c = draw(state, has_c ? 0.5f : 0.0f);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> output(d_output.size(), nan), last_h(d_h.size(), nan),
        last_c(d_c.size(), nan), gradients[inputs];
    for (int i = 0; i < inputs; ++i) gradients[i].assign(in[i].size(), nan);

    Call call;
    call.T = s.T, call.B = s.B, call.I = s.I, call.H = call.P = s.H;
    call.reverse = v.reverse, call.threads = v.threads;
    call.nonlinearity = cell == Cell::relu ? Nonlinearity::relu : Nonlinearity::tanh;
    call.x = in[0].data(), call.x_time = s.B * s.I, call.x_batch = s.I;
    call.h0 = in[1].data(), call.c0 = has_c ? in[2].data() : nullptr;
    call.w_ih = in[3].data(), call.w_hh = in[4].data();
    call.b_ih = in[5].data(), call.b_hh = in[6].data();
    if (v.masked) {
        call.mask_x = {mask_x.data(), 0, 0, s.I, false};
        call.mask_h = {mask_h.data(), 0, 0, s.H, false};
    }
    const int64_t kept = cell == Cell::lstm ? 5 : cell == Cell::gru ? 4 : 0;
    const Block saved(static_cast<size_t>(s.T * ((state * kept + 15) / 16 * 16)));
    call.output = output.data(), call.last_h = last_h.data();
    call.last_c = has_c ? last_c.data() : nullptr, call.saved = saved.data();
    const Block forward_memory(static_cast<size_t>(kernel.forward_size(call, false)));
    kernel.forward(call, nullptr, forward_memory.data());

    call.d_output = d_output.data(), call.d_output_time = state, call.d_output_batch = s.H;
    call.d_last_h = d_h.data(), call.d_last_c = has_c ? d_c.data() : nullptr;
    call.d_x = gradients[0].data(), call.d_h0 = gradients[1].data();
    call.d_c0 = has_c ? gradients[2].data() : nullptr;
    call.d_w_ih = gradients[3].data(), call.d_w_hh = gradients[4].data();
    call.d_b_ih = gradients[5].data(), call.d_b_hh = gradients[6].data();
    const Block backward_memory(static_cast<size_t>(kernel.backward_size(call)));
    kernel.backward(call, backward_memory.data());

    Numbers wide[inputs];
    for (int i = 0; i < inputs; ++i) wide[i] = exact(in[i]);
    const Numbers wide_x = exact(mask_x), wide_h = exact(mask_h);
    const auto run = [&] { return loop(cell, s, v.reverse, wide, wide_x, wide_h); };
    const auto loss = [&] {
        const Results r = run();
        double sum = 0.0;
        for (size_t i = 0; i < d_output.size(); ++i) sum += d_output[i] * r.output[i];
        for (size_t i = 0; i < d_h.size(); ++i) sum += d_h[i] * r.h[i] + d_c[i] * r.c[i];
        return sum;
    };
    // a sum of n products has a rounding error of n units at most; steps and batch add up
    const double allowed =
        4.0 * std::numeric_limits<float>::epsilon() * static_cast<double>(s.I + s.H + s.T * s.B);
    const std::string where = std::string(name) + " T" + std::to_string(s.T) + " B" +
                              std::to_string(s.B) + " I" + std::to_string(s.I) + " H" +
                              std::to_string(s.H) + (v.masked ? " masked" : "") +
                              (v.reverse ? " reverse " : " ");
    const Results expected = run();
    for (size_t i = 0; i < output.size(); ++i)
        compare(where + "output", output[i], expected.output[i], allowed);
    for (size_t i = 0; i < last_h.size(); ++i) {
        compare(where + "last h", last_h[i], expected.h[i], allowed);
        if (has_c) compare(where + "last c", last_c[i], expected.c[i], allowed);
    }
    for (int which = 0; which < inputs; ++which) {
        if (which == 2 && !has_c) continue;
        // at most about 150 elements of each gradient: every difference runs the loop twice
        const size_t step = 1 + wide[which].size() / 150;
        for (size_t i = 0; i < wide[which].size(); i += step) {
            const double before = wide[which][i], by = 1e-5;
            wide[which][i] = before + by;
            const double above = loss();
            wide[which][i] = before - by;
            const double below = loss();
            wide[which][i] = before;
            compare(where + "gradient of " + names[which], gradients[which][i],
                    (above - below) / (2.0 * by), allowed);
        }
    }
}

}  // namespace

int main() {
    // every tail of a vector of 4, blocks of them, one of everything, many rows
    const Size sizes[] = {{1, 1, 1, 1},  {7, 2, 3, 5},   {3, 2, 2, 2},  {3, 3, 6, 7}, {4, 1, 5, 8},
                          {5, 3, 9, 19}, {4, 3, 17, 33}, {2, 67, 3, 3}, {33, 2, 1, 9}};
    const Variant variants[] = {{false, false, 1}, {true, false, 1}, {true, true, 3}};
    const InstructionSet& set = generic::instruction_set;
    const struct {
        Cell cell;
        const char* name;
        Kernel kernel;
    } cells[] = {{Cell::rnn, "RNN tanh", set.rnn()},
                 {Cell::relu, "RNN relu", set.rnn()},
                 {Cell::lstm, "LSTM", set.lstm()},
                 {Cell::gru, "GRU", set.gru()}};
    for (const auto& [cell, name, kernel] : cells) {
        compared = 0, worst = 0.0;
        for (const Size& size : sizes)
            for (const Variant& variant : variants) check(cell, name, kernel, size, variant);
        std::printf("%s: %lld numbers compared, the largest error %.0f %% of what is allowed\n",
                    name, static_cast<long long>(compared), 100.0 * worst);
    }
    if (failures > 0) std::printf("%lld numbers differ\n", static_cast<long long>(failures));
    return failures > 0 ? 1 : 0;
}
