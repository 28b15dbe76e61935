// The activation that a call asks for.
#pragma once

#include "call.h"
#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

inline vec activate(const Call& call, vec a) {
    if (call.nonlinearity == Nonlinearity::tanh) return tanh(a);
    return a < 0.0f ? vec{} : a;  // keeps NaN
}

// The gradient of `a`, of that of its activation; as in torch, relu lets it pass where it gave NaN.
inline vec activate_back(const Call& call, vec activated, vec gradient) {
    if (call.nonlinearity == Nonlinearity::tanh) return gradient * (1.0f - activated * activated);
    return activated <= 0.0f ? vec{} : gradient;
}

}  // namespace lockgate::LOCKGATE_ISA
