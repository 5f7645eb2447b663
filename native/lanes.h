/* Vectors of int16 as wide as this level's registers, and what search.c does with them that no operator says: the lesser of two, and lanes changed for one another. */
#ifndef SARC_LANES_H
#define SARC_LANES_H

#include "level.h"

#if defined(__AVX2__)
#include <immintrin.h>
enum { LANES = 16 };
#else
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif
enum { LANES = 8 };
#endif

typedef int16_t lanes __attribute__((vector_size(2 * LANES), may_alias));

typedef uint16_t lanes_bits __attribute__((vector_size(2 * LANES), may_alias));

SARC_INLINE lanes lanes_all(int value) { return (lanes){0} + (int16_t)value; }

SARC_INLINE lanes lanes_least(lanes a, lanes b) {
#if defined(__AVX2__)
    return (lanes)_mm256_min_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (lanes)_mm_min_epi16((__m128i)a, (__m128i)b);
#elif defined(__ARM_NEON)
    return (lanes)vminq_s16((int16x8_t)a, (int16x8_t)b);
#elif defined(__wasm_simd128__)
    return (lanes)wasm_i16x8_min((v128_t)a, (v128_t)b);
#else
    const lanes less = a < b;
    return (a & less) | (b & ~less);
#endif
}

/* How to exchange lanes l and l ^ by, 0 <= by < 8, within every eight. */
#if defined(__AVX2__) || defined(__aarch64__) || defined(__wasm_simd128__)
typedef struct {
    lanes bytes;
} lanes_turn;

SARC_INLINE lanes_turn lanes_turning(int by) {
    lanes bytes;
    for (int l = 0; l < LANES; l++) bytes[l] = (int16_t)((l & 7) * 0x202 + 0x100); /* bytes 2 l and 2 l + 1 of a little-endian machine */
    return (lanes_turn){bytes ^ lanes_all(by * 0x202)};
}
#else
typedef struct {
    lanes swaps[3];
} lanes_turn;

SARC_INLINE lanes_turn lanes_turning(int by) { return (lanes_turn){{lanes_all(-(by & 1)), lanes_all(-(by >> 1 & 1)), lanes_all(-(by >> 2 & 1))}}; }
#endif

SARC_INLINE lanes lanes_turned(lanes a, lanes_turn turn) {
#if defined(__AVX2__)
    return (lanes)_mm256_shuffle_epi8((__m256i)a, (__m256i)turn.bytes);
#elif defined(__aarch64__)
    return (lanes)vqtbl1q_u8((uint8x16_t)a, (uint8x16_t)turn.bytes);
#elif defined(__wasm_simd128__)
    return (lanes)wasm_i8x16_swizzle((v128_t)a, (v128_t)turn.bytes);
#else
    a ^= (a ^ __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6)) & turn.swaps[0];
    a ^= (a ^ __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5)) & turn.swaps[1];
    return a ^ ((a ^ __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3)) & turn.swaps[2]);
#endif
}

/* The vector at a byte offset, its eights of lanes at offsets exclusive-or `far`, a multiple of 16. */
SARC_INLINE lanes lanes_across(const int16_t *from, int offset, int far) {
    const char *bytes = (const char *)from;
#if defined(__AVX2__)
    const __m128i low = _mm_load_si128((const __m128i *)(bytes + (offset ^ far)));
    return (lanes)_mm256_inserti128_si256(_mm256_castsi128_si256(low), _mm_load_si128((const __m128i *)(bytes + (offset ^ 16 ^ far))), 1);
#else
    return *(const lanes *)(bytes + (offset ^ far));
#endif
}

#endif
