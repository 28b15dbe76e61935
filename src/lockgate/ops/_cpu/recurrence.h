// A recurrent layer over time on panels, forward and backward, for any cell.
//
// A Cell has: gates; sums, what its pointwise part reads (LSTM: one for each gate; GRU keeps the
// two halves of its third gate apart, so four); x_sum(g) and h_sum(g), to which sum gate g of the
// products with x and h is added; saved, the values the backward needs beside the output, all or
// none of which a call saves, as saves(call) says; has_c, and then saved_c, the place of c among
// them; reads_h_before and reads_h, what else the pointwise backward reads (h as it was before
// zoneout); may_reset; and the pointwise functions forward and backward, which know nothing of
// zoneout. A delta is the gradient of a sum.
//
// may_reset: there may be a gate that acts on h before the product of the last gate, which then
// waits for it. reset gives that gate, reset_saved is its place among what is saved, and reset_back
// takes the gradient of the gate to that of its sum, the first one.
//
// has_c: layer norm may change the c that the output reads, so the pointwise part is there in two
// as well. forward_c gives the gates (as saved) and c, forward_h the h of them and of what it reads
// of c; new_c gives c again in the backward, back_to_seen the gradient of what h reads of it, and a
// second backward takes both.
#pragma once

#if defined(LOCKGATE_INT8)
#include "forward.h"  // weights of int8 are those of a `Stepper`, which goes forward
#else
#include "backward.h"
#endif

namespace lockgate::LOCKGATE_ISA {

template <class Cell>
Kernel kernel() {
    return {
        [](const Call& c) {
            Arena arena(nullptr);
            Packed<Cell>(c, all_features(c), arena);
            return arena.used();
        },
        [](const Call& c, float* packed) {
            Arena arena(packed);
            const KeptFeatures all = all_features(c);
            Packed<Cell>(c, all, arena).fill_all(c, 1);
        },
        [](const Call& c, bool packed) {
            return ForwardLayout<Cell>(c, packed, nullptr, nullptr).arena.used();
        },
        forward<Cell>,
#if defined(LOCKGATE_INT8)
        nullptr,
        nullptr,
#else
        [](const Call& c) { return BackwardLayout<Cell>(c, nullptr).arena.used(); },
        backward<Cell>,
#endif
    };
}

}  // namespace lockgate::LOCKGATE_ISA
