// What products multiply: words of 32 bits, each a float or, with AVX-512 BF16, two bfloat16.
//
// A word of an operand holds `pair` features side by side, and so does that of the weights it
// meets; one instruction multiplies both and adds the products in float32. So a product of bfloat16
// is one of floats with half as many features.
#pragma once

#include "simd.h"

namespace lockgate::LOCKGATE_ISA {

#if defined(LOCKGATE_BFLOAT16)
constexpr int pair = 2;
#else
constexpr int pair = 1;
#endif

constexpr int64_t words_of(int64_t features) {
    return (features + pair - 1) / pair;
}

#if defined(LOCKGATE_BFLOAT16)

inline vec multiply_add(vec sum, vec a, vec b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

// One word in all lanes, bit by bit.
inline vec fill_word(const float* word) {
    int32_t bits;
    std::memcpy(&bits, word, sizeof bits);
    return _mm512_castsi512_ps(_mm512_set1_epi32(bits));
}

// The first n of 2 W features, the others 0, as W words.
inline vec load_words(const float* features, int64_t n) {
    const vec second = n > W ? load_part(features + W, n - W) : vec{};
    return (vec)_mm512_cvtne2ps_pbh(second, load_part(features, n < W ? n : W));
}

// Lane i: the word of first[i] and second[i].
inline vec pair_lanes(vec first, vec second) {
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first)),
                  high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
    return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

// Words of lanes; lanes_of(i), i below `pair`, gives the features that come i-th in them.
template <class F>
inline vec words_of_lanes(F lanes_of) {
    return pair_lanes(lanes_of(0), lanes_of(1));
}

#else

inline vec multiply_add(vec sum, vec a, vec b) {
    return sum + a * b;
}
inline vec fill_word(const float* word) {
    return fill(*word);
}
inline vec load_words(const float* features, int64_t n) {
    return load_part(features, n);
}
template <class F>
inline vec words_of_lanes(F lanes_of) {
    return lanes_of(0);
}

#endif

#if defined(LOCKGATE_INT8)

constexpr bool scaled = true;
constexpr int V = W / 4;  // words that the weights of W units take

inline vec load_weights(const float* words) {
#if defined(LOCKGATE_AVX512)
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words))));
#elif defined(LOCKGATE_AVX2)
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(words))));
#else
    int8_t bytes[W];
    std::memcpy(bytes, words, sizeof bytes);
    vec weights;
    for (int i = 0; i < W; ++i) weights[i] = bytes[i];
    return weights;
#endif
}

// Rounds weights that are at most 127.
inline void store_weights(float* words, vec weights) {
    const vec shift = fill(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
    float whole[W];
    store(whole, weights + shift - shift);
    int8_t bytes[W];
    for (int i = 0; i < W; ++i) bytes[i] = static_cast<int8_t>(whole[i]);
    std::memcpy(words, bytes, sizeof bytes);
}

#else

constexpr bool scaled = false;
constexpr int V = W;

inline vec load_weights(const float* words) {
    return load(words);
}
inline void store_weights(float* words, vec weights) {
    store(words, weights);
}

#endif

// Where W features go into an operand, [panel][row][lane][W words]: with pairs two panels of
// features make up one of words.
template <int Pair>
constexpr int64_t place_in(int64_t panel, int64_t operand_panel) {
    return panel / Pair * operand_panel + panel % Pair * (W / Pair);
}

// Stores W features as W / Pair words.
template <int Pair>
inline void put(float* place, vec features) {
#if defined(LOCKGATE_BFLOAT16)
    if constexpr (Pair == 2) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(place),
                            (__m256i)_mm512_cvtneps_pbh(features));
        return;
    }
#endif
    store(place, features);
}

// Rows of floats to words of `pair` rows each, in place, so that words_of(rows) are left. What is
// multiplied row by row, as deltas with operands, is paired so. `size` is a multiple of W.
inline void pair_rows(float* data, int64_t rows, int64_t size) {
    if constexpr (pair == 1) return;
    for (int64_t row = 0; row < rows; row += pair)
        for (int64_t k = 0; k < size; k += W)
            store(data + row / pair * size + k, words_of_lanes([&](int i) {
                      return row + i < rows ? load(data + (row + i) * size + k) : vec{};
                  }));
}

}  // namespace lockgate::LOCKGATE_ISA
