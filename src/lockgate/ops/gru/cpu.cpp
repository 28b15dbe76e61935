// The GRU's pointwise part, forward and backward; README.md derives it, _cpu/recurrence.h runs it.

#include "../_cpu/recurrence.h"

namespace lockgate::LOCKGATE_ISA {

namespace {

struct Gru {
    static constexpr int gates = 3, sums = 4;  // r, z and the two halves of n: from x, from h
    static constexpr int saved = 4;            // r, z, n and n's half from h
    static bool saves(const Call&) { return true; }
    static constexpr bool has_c = false, reads_h_before = true, reads_h = false, may_reset = true;
    static constexpr int reset_saved = 0;
    static constexpr int x_sum(int gate) { return gate; }
    static constexpr int h_sum(int gate) { return gate == 2 ? 3 : gate; }

    static LOCKGATE_INLINE vec reset(vec sum) { return sigmoid(sum); }
    static LOCKGATE_INLINE vec reset_back(vec r, vec d_r) { return d_r * r * (1.0f - r); }

    static LOCKGATE_INLINE void forward(Pointwise<Gru>& v, const Call& call) {
        const vec r = reset(v.sum[0]), z = sigmoid(v.sum[1]);
        const vec n_from_h = call.reset_after ? r * v.sum[3] : v.sum[3];
        const vec n = activate(call, v.sum[2] + n_from_h);
        v.h = (1.0f - z) * n + z * v.h_before;
        v.saved[0] = r, v.saved[1] = z, v.saved[2] = n, v.saved[3] = v.sum[3];
    }

    static LOCKGATE_INLINE void backward(Pointwise<Gru>& v, const Call& call) {
        const vec r = v.saved[0], z = v.saved[1], n = v.saved[2], n_from_h = v.saved[3];
        const vec d_n = activate_back(call, n, v.d_h * (1.0f - z));
        v.sum[0] = reset_back(r, d_n * n_from_h);  // without reset_after it is yet to come
        v.sum[1] = v.d_h * (v.h_before - n) * z * (1.0f - z);
        v.sum[2] = d_n;
        v.sum[3] = call.reset_after ? d_n * r : d_n;
        v.d_h = v.d_h * z;  // the carry; the product adds the rest
    }
};

}  // namespace

Kernel gru() {
    return kernel<Gru>();
}

}  // namespace lockgate::LOCKGATE_ISA
