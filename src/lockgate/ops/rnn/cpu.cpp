// The plain RNN's pointwise part, forward and backward; _cpu/recurrence.h runs it.

#include "../_cpu/recurrence.h"

namespace lockgate::LOCKGATE_ISA {

namespace {

struct Rnn {
    static constexpr int gates = 1, sums = 1;
    static constexpr int saved = 1;  // h as it was before zoneout
    // without zoneout the output tells the derivative
    static bool saves(const Call& call) { return call.zoneout_h.data != nullptr; }
    static constexpr bool has_c = false, reads_h_before = false, reads_h = true;
    static constexpr int x_sum(int) { return 0; }
    static constexpr int h_sum(int) { return 0; }

    static LOCKGATE_INLINE void forward(Pointwise<Rnn>& v, const Call& call) {
        const vec a = v.sum[0];
        v.h = call.nonlinearity == Nonlinearity::tanh ? tanh(a)
              : a < 0.0f                              ? vec{}
                                                      : a;  // keeps NaN
        v.saved[0] = v.h;
    }

    static LOCKGATE_INLINE void backward(Pointwise<Rnn>& v, const Call& call) {
        const vec h = saves(call) ? v.saved[0] : v.h;
        if (call.nonlinearity == Nonlinearity::tanh)
            v.sum[0] = v.d_h * (1.0f - h * h);
        else
            v.sum[0] = h <= 0.0f ? vec{} : v.d_h;  // as torch: NaN lets the gradient pass
        v.d_h = vec{};
    }
};

}  // namespace

Kernel rnn() {
    return kernel<Rnn>();
}

}  // namespace lockgate::LOCKGATE_ISA
