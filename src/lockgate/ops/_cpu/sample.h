// A dropout mask from the counter-based generator Philox 4x32-10 (Salmon et al. 2011,
// doi:10.1145/2063384.2063405): each element depends on its place and the key alone.
#pragma once

#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

// Blocks of four words that are computed side by side.
constexpr int64_t SIDE = 4 * W;

// Writes the four words of blocks `first` ... `first + SIDE - 1` as words[word][block].
inline void philox(uint64_t first, uint64_t key, uint32_t words[4][SIDE]) {
    for (int64_t i = 0; i < SIDE; ++i) {
        const uint64_t block = first + static_cast<uint64_t>(i);
        words[0][i] = static_cast<uint32_t>(block);
        words[1][i] = static_cast<uint32_t>(block >> 32);
        words[2][i] = words[3][i] = 0;
    }
    uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        for (int64_t i = 0; i < SIDE; ++i) {
            const uint64_t a = uint64_t{0xD2511F53} * words[0][i];
            const uint64_t b = uint64_t{0xCD9E8D57} * words[2][i];
            words[0][i] = static_cast<uint32_t>(b >> 32) ^ words[1][i] ^ key0;
            words[1][i] = static_cast<uint32_t>(b);
            words[2][i] = static_cast<uint32_t>(a >> 32) ^ words[3][i] ^ key1;
            words[3][i] = static_cast<uint32_t>(a);
        }
        key0 += 0x9E3779B9, key1 += 0xBB67AE85;
    }
}

// Element w * blocks + b of the mask is word w of block b: `scale` where it is at least `dropped`,
// which is the rate in units of 2^-32, and else 0.
inline void sample_mask(float* mask, int64_t size, uint64_t key, uint32_t dropped, float scale) {
    const int64_t blocks = (size + 3) / 4;
    uint32_t words[4][SIDE];
    for (int64_t first = 0; first < blocks; first += SIDE) {
        philox(static_cast<uint64_t>(first), key, words);
        for (int word = 0; word < 4; ++word) {
            float* place = mask + word * blocks + first;
            const int64_t left = size - (place - mask), in_word = blocks - first;
            int64_t n = in_word < SIDE ? in_word : SIDE;
            if (left < n) n = left;
            for (int64_t i = 0; i < n; ++i) place[i] = words[word][i] >= dropped ? scale : 0.0f;
        }
    }
}

}  // namespace lockgate::LOCKGATE_ISA
