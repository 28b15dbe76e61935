// The plain RNN's pointwise part, forward and backward; _cpu/recurrence.h runs it.

#include "../_cpu/recurrence.h"

namespace lockgate::LOCKGATE_ISA {

namespace {

struct Rnn {
    static constexpr int gates = 1, sums = 1;
    static constexpr int saved = 1;  // h as it was before zoneout
    // without zoneout the output tells the derivative; layer norm has more to save
    static bool saves(const Call& call) {
        return call.zoneout_h.data != nullptr || call.ln_hh != nullptr;
    }
    static constexpr bool has_c = false, reads_h_before = false, reads_h = true, may_reset = false;
    static constexpr int x_sum(int) { return 0; }
    static constexpr int h_sum(int) { return 0; }

    static LOCKGATE_INLINE void forward(Pointwise<Rnn>& v, const Call& call) {
        v.h = activate(call, v.sum[0]);
        v.saved[0] = v.h;
    }

    static LOCKGATE_INLINE void backward(Pointwise<Rnn>& v, const Call& call) {
        v.sum[0] = activate_back(call, v.h, v.d_h);
        v.d_h = vec{};
    }
};

}  // namespace

Kernel rnn() {
    return kernel<Rnn>();
}

}  // namespace lockgate::LOCKGATE_ISA
