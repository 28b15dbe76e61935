// The LSTM's pointwise part, forward and backward; README.md derives it, _cpu/recurrence.h runs it.

#include "../_cpu/recurrence.h"

namespace lockgate::LOCKGATE_ISA {

namespace {

struct Lstm {
    static constexpr int gates = 4, sums = 4;     // i, f, g, o
    static constexpr int saved = 5, saved_c = 4;  // the gates and c
    static bool saves(const Call&) { return true; }
    static constexpr bool has_c = true, reads_h_before = false, reads_h = false, may_reset = false;
    static constexpr int x_sum(int gate) { return gate; }
    static constexpr int h_sum(int gate) { return gate; }

    static LOCKGATE_INLINE void forward(Pointwise<Lstm>& v, const Call& call) {
        const vec i = sigmoid(v.sum[0]), f = sigmoid(v.sum[1]), g = activate(call, v.sum[2]),
                  o = sigmoid(v.sum[3]);
        v.c = f * v.c_before + i * g;
        v.h = o * activate(call, v.c);
        v.saved[0] = i, v.saved[1] = f, v.saved[2] = g, v.saved[3] = o;
    }

    static LOCKGATE_INLINE void backward(Pointwise<Lstm>& v, const Call& call) {
        const vec i = v.saved[0], f = v.saved[1], g = v.saved[2], o = v.saved[3];
        // the c that was saved is that after zoneout
        const vec squashed = activate(call, f * v.c_before + i * g);
        const vec d_c = v.d_c + activate_back(call, squashed, v.d_h * o);
        v.sum[0] = d_c * g * i * (1.0f - i);
        v.sum[1] = d_c * v.c_before * f * (1.0f - f);
        v.sum[2] = activate_back(call, g, d_c * i);
        v.sum[3] = v.d_h * squashed * o * (1.0f - o);
        v.d_c = d_c * f;
        v.d_h = vec{};  // h comes back through the product alone
    }
};

}  // namespace

Kernel lstm() {
    return kernel<Lstm>();
}

}  // namespace lockgate::LOCKGATE_ISA
