// One block of memory, handed out in parts.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t guarded = 16;
inline void guard(float* part, int64_t floats) {
    ASAN_UNPOISON_MEMORY_REGION(part, floats * sizeof(float));
    ASAN_POISON_MEMORY_REGION(part + floats, guarded * sizeof(float));
}
inline void unguard(float* parts, int64_t floats) {
    ASAN_UNPOISON_MEMORY_REGION(parts, floats * sizeof(float));
}
#else
constexpr int64_t guarded = 0;
inline void guard(float*, int64_t) {}
inline void unguard(float*, int64_t) {}
#endif

// Each part lies on a cache line of its own; of a null block it only counts. Under AddressSanitizer
// a line that nobody may touch lies behind each, which the end of a block takes away again.
class Arena {
  public:
    explicit Arena(float* block) : block_(block) {}
    float* take(int64_t floats) {
        float* part = block_ == nullptr ? nullptr : block_ + used_;
        const int64_t size = (floats + 15) / 16 * 16;
        if (part != nullptr) guard(part, size);
        used_ += size + guarded;
        return part;
    }
    int64_t used() const { return used_; }

  private:
    float* block_;
    int64_t used_ = 0;
};

}  // namespace lockgate::LOCKGATE_ISA
