// Vectors of the instruction set this file is compiled for, and the functions the cells need.
//
// Compiled once for each instruction set, each in a namespace of its own, LOCKGATE_ISA: nothing
// here may come from the standard library's templates, of which the linker keeps one copy, perhaps
// one that this processor cannot run.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(LOCKGATE_AVX512)
#include <immintrin.h>
#define LOCKGATE_WIDTH 16
#define LOCKGATE_ACCUMULATORS 24  // of 32 registers
#elif defined(LOCKGATE_AVX2)
#include <immintrin.h>
#define LOCKGATE_WIDTH 8
#define LOCKGATE_ACCUMULATORS 12  // of 16 registers
#else
#define LOCKGATE_WIDTH 4
#if defined(__aarch64__)
#define LOCKGATE_ACCUMULATORS 24
#else
#define LOCKGATE_ACCUMULATORS 12
#endif
#endif

namespace lockgate::LOCKGATE_ISA {

constexpr int W = LOCKGATE_WIDTH;

typedef float vec __attribute__((vector_size(W * sizeof(float))));
typedef int32_t ivec __attribute__((vector_size(W * sizeof(float))));
typedef float loose_vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));

inline vec load(const float* p) {
    return *reinterpret_cast<const loose_vec*>(p);
}
inline void store(float* p, vec v) {
    *reinterpret_cast<loose_vec*>(p) = v;
}
// Keeps a vector in a register, where the compiler would rather load it again.
inline void hold(vec& v) {
#if defined(LOCKGATE_AVX512)
    __asm__("" : "+v"(v));
#elif defined(LOCKGATE_AVX2)
    __asm__("" : "+x"(v));
#else
    (void)v;
#endif
}

inline vec fill(float value) {
    return value - vec{};
}  // value - 0 keeps the sign of -0

#if defined(LOCKGATE_AVX2)
inline __m256i first_lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

// The first n of W values, the others 0; memory beyond them is not touched.
inline vec load_part(const float* p, int64_t n) {
    if (n >= W) return load(p);
#if defined(LOCKGATE_AVX512)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(LOCKGATE_AVX2)
    return _mm256_maskload_ps(p, first_lanes(n));
#else
    float part[W] = {};
    for (int64_t i = 0; i < n; ++i) part[i] = p[i];
    return load(part);
#endif
}

inline void store_part(float* p, vec v, int64_t n) {
    if (n >= W) return store(p, v);
#if defined(LOCKGATE_AVX512)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#elif defined(LOCKGATE_AVX2)
    _mm256_maskstore_ps(p, first_lanes(n), v);
#else
    float part[W];
    store(part, v);
    for (int64_t i = 0; i < n; ++i) p[i] = part[i];
#endif
}

// Lanes of two vectors side by side: lane i of the result is lane order[i] of the 2 W.
inline vec pick(vec first, vec second, ivec order) {
#if defined(__clang__)
    vec result;
    for (int i = 0; i < W; ++i) result[i] = order[i] < W ? first[order[i]] : second[order[i] - W];
    return result;
#else
    return __builtin_shuffle(first, second, order);
#endif
}

// NaN passes: of two values, one of them NaN, max and min of the instruction sets return the
// second, and a comparison is false.
inline vec clamp(vec v, float low, float high) {
#if defined(LOCKGATE_AVX512)
    return _mm512_min_ps(fill(high), _mm512_max_ps(fill(low), v));
#elif defined(LOCKGATE_AVX2)
    return _mm256_min_ps(fill(high), _mm256_max_ps(fill(low), v));
#else
    v = fill(low) > v ? fill(low) : v;
    return fill(high) < v ? fill(high) : v;
#endif
}

struct Expm1 {
    vec scale, rest;  // exp(v) = scale * (1 + rest), scale a power of 2
};

// v = n log 2 + r with |r| <= log(2) / 2, and exp(r) - 1 = r + r^2 q(r), q the polynomial of degree
// 4 whose largest relative error is least, 1.7e-8. Right for v in [-87.3, 89]; at the upper end the
// scale is infinite, as exp(v) is.
inline Expm1 split_exp(vec v) {
    const vec shift = fill(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
    vec shifted = v * fill(1.44269504088896341f) + shift;
    vec n = shifted - shift;
    // log 2 in two parts: n times the first has no rounding error
    vec r = v - n * fill(0.693359375f) + n * fill(2.12194440e-4f);
    vec p = fill(1.3882516650e-3f);
    p = p * r + fill(8.3665475249e-3f);
    p = p * r + fill(4.1667200625e-2f);
    p = p * r + fill(1.6666543484e-1f);
    p = p * r + fill(4.9999997020e-1f);
    p = p * (r * r) + r;
    ivec bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + (127 << 23);
    vec scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return {scale, p};
}

inline vec sigmoid(vec v) {
    Expm1 e = split_exp(clamp(-v, -87.0f, 89.0f));
    return 1.0f / (1.0f + e.scale * (1.0f + e.rest));
}

// By exp(2v) - 1, which loses no digits where v is small.
inline vec tanh(vec v) {
    Expm1 e = split_exp(clamp(v + v, -30.0f, 30.0f));
    vec u = e.scale * e.rest + (e.scale - 1.0f);
    return u / (u + 2.0f);
}

}  // namespace lockgate::LOCKGATE_ISA
