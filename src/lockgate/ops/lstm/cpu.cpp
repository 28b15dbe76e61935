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
        forward_c(v, call);
        forward_h(v, call, v.c);
    }

    // The gates, and c of them.
    static LOCKGATE_INLINE void forward_c(Pointwise<Lstm>& v, const Call& call) {
        v.saved[0] = sigmoid(v.sum[0]), v.saved[1] = sigmoid(v.sum[1]);
        v.saved[2] = activate(call, v.sum[2]), v.saved[3] = sigmoid(v.sum[3]);
        v.c = new_c(v);
    }

    // seen: c, or what layer norm makes of it.
    static LOCKGATE_INLINE void forward_h(Pointwise<Lstm>& v, const Call& call, vec seen) {
        v.h = v.saved[3] * activate(call, seen);
    }

    // c before zoneout: where there is zoneout, the c that was saved is another.
    static LOCKGATE_INLINE vec new_c(const Pointwise<Lstm>& v) {
        return v.saved[1] * v.c_before + v.saved[0] * v.saved[2];
    }

    static LOCKGATE_INLINE void backward(Pointwise<Lstm>& v, const Call& call) {
        const vec squashed = activate(call, new_c(v));
        backward(v, call, squashed, v.d_c + back_to_seen(v, call, squashed));
    }

    // The gradient of what h has read of c; squashed is its activation.
    static LOCKGATE_INLINE vec back_to_seen(const Pointwise<Lstm>& v, const Call& call,
                                            vec squashed) {
        return activate_back(call, squashed, v.d_h * v.saved[3]);
    }

    // d_c: the gradient of c, h's part in it.
    static LOCKGATE_INLINE void backward(Pointwise<Lstm>& v, const Call& call, vec squashed,
                                         vec d_c) {
        const vec i = v.saved[0], f = v.saved[1], g = v.saved[2], o = v.saved[3];
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
