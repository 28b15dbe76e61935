// Memory that outlives a call: fresh memory costs a page fault every 4 kB, a kept block none.
#pragma once

#include <cstddef>

namespace lockgate {

// A block of at least `floats` floats, aligned to 64 bytes; throws std::bad_alloc. With
// LOCKGATE_POISON=1 it is full of NaN, else of whatever was there.
float* take_block(size_t floats);
void give_block(float* block);

struct BlockCounts {
    size_t kept, lent;  // bytes
};
BlockCounts count_blocks();
// Frees kept blocks, the oldest first, until at most `bytes` are kept, now and later.
void keep_at_most(size_t bytes);
size_t most_kept();

// A block for the time of a scope.
class Block {
  public:
    explicit Block(size_t floats) : data_(take_block(floats)) {}
    ~Block() { give_block(data_); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    float* data() const { return data_; }

  private:
    float* data_;
};

}  // namespace lockgate
