// One block of memory, handed out in parts.
#pragma once

#include <cstdint>

#include "guard.h"
#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

// Each part lies on a cache line of its own; of a null block it only counts. Under AddressSanitizer
// a line that nobody may touch lies behind each, which the end of a block takes away again.
class Arena {
  public:
    explicit Arena(float* block) : block_(block) {}
    float* take(int64_t floats) {
        float* part = block_ == nullptr ? nullptr : block_ + used_;
        const int64_t size = (floats + 15) / 16 * 16;
        if (part != nullptr) {
            LOCKGATE_UNPOISON_FLOATS(part, size);
            LOCKGATE_POISON_FLOATS(part + size, LOCKGATE_GUARD);
        }
        used_ += size + LOCKGATE_GUARD;
        return part;
    }
    int64_t used() const { return used_; }

  private:
    float* block_;
    int64_t used_ = 0;
};

}  // namespace lockgate::LOCKGATE_ISA
