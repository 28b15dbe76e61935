// One block of memory, handed out in parts.
#pragma once

#include <cstdint>

#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

// Each part lies on a cache line of its own; of a null block it only counts.
class Arena {
  public:
    explicit Arena(float* block) : block_(block) {}
    float* take(int64_t floats) {
        float* part = block_ == nullptr ? nullptr : block_ + used_;
        used_ += (floats + 15) / 16 * 16;
        return part;
    }
    int64_t used() const { return used_; }

  private:
    float* block_;
    int64_t used_ = 0;
};

}  // namespace lockgate::LOCKGATE_ISA
