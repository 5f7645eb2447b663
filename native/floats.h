/* Powers and logarithms of two, good to a few units in the seventh digit, in steps that compilers turn into vectors on every processor. */
#ifndef SARC_FLOATS_H
#define SARC_FLOATS_H

#include "level.h"

#define SARC_OCTAVES_A_DB 0.332192809488736235f /* log2(10) / 10: ten decibels are a factor of ten */

SARC_INLINE float float_of_bits(int32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SARC_INLINE int32_t bits_of_float(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^x. Beyond -126 to 127 the nearest of both is taken. */
SARC_INLINE float exp2_of(float x) {
    const float rounder = 12582912.0f; /* 1.5 * 2^23: what is added to it loses its fraction */
    x = x > -126.0f ? x : -126.0f;
    x = x < 127.0f ? x : 127.0f;
    const float shifted = x + rounder, part = x - (shifted - rounder); /* -1/2 to 1/2 */
    const float power =
        1.0f + part * (0.693146856f + part * (0.24022238f + part * (0.0555089295f + part * (0.00967169794f + part * 0.00132186725f))));
    /* The lowest bits of `shifted` are the whole part; as an exponent they are added to that of `power`, which is near 1. */
    return float_of_bits((int32_t)((uint32_t)bits_of_float(power) + ((uint32_t)bits_of_float(shifted) << 23)));
}

/* log2(x) of a normal x above 0, off by at most 4e-7 and half a unit in the last place. */
SARC_INLINE float log2_of(float x) {
    const int32_t bits = bits_of_float(x), octave = (bits - 0x3f3504f3) >> 23; /* the mantissa lies between sqrt(1/2) and sqrt(2) */
    const float m = float_of_bits((int32_t)((uint32_t)bits - ((uint32_t)octave << 23))) - 1.0f;
    const float log = m * (1.44270101f + m * (-0.721368393f + m * (0.480402376f + m * (-0.359203948f + m * (0.298260398f + m * (-0.270926707f + m * 0.165175347f))))));
    return (float)octave + log;
}

#endif
