/* Pixels to levels in dB and back: the usual types and domains of sarcodec/signal/radiometry.py, which has the others and says the same in NumPy.

   No pixel that comes out means nothing: what would be 0, infinite or one of the `avoided` values becomes a neighbour of it. */
#include "floats.h"
#include "level.h"

#include <float.h>

enum { PIXELS_CHUNK = 1024 }; /* pixels between two passes, so that the second finds them in the nearest cache */
enum { PIXELS_INT8, PIXELS_UINT8, PIXELS_INT16, PIXELS_UINT16, PIXELS_FLOAT32 };

/* Levels that are not a number become 0, and are not valid. A loop of its own, which compilers make vectors of. */
static void pixels_sort_out(float *restrict levels, uint8_t *restrict valid, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const int32_t is_valid = levels[i] == levels[i];
        levels[i] = is_valid ? levels[i] : 0;
        valid[i] = (uint8_t)is_valid;
    }
}

/* The levels of pixels of 8 or 16 bits by a table, not a number where a pixel is invalid. */
#define PIXELS_LOOK_UP(type, name)                                                                                                   \
    SARC_EXPORT(void, name)(const float *table, const type *pixels, int64_t n, float *levels, uint8_t *valid) {                       \
        for (int64_t begin = 0; begin < n; begin += PIXELS_CHUNK) {                                                                  \
            const int64_t some = SARC_MIN(PIXELS_CHUNK, n - begin);                                                                  \
            for (int64_t i = 0; i < some; i++) levels[begin + i] = table[pixels[begin + i]];                                         \
            pixels_sort_out(levels + begin, valid + begin, some);                                                                    \
        }                                                                                                                            \
    }
PIXELS_LOOK_UP(uint8_t, pixels_look_up_8)
PIXELS_LOOK_UP(uint16_t, pixels_look_up_16)

/* Levels of positive float32 pixels, db_an_octave * log2; of others 0. avoided: values that are invalid too. */
SARC_EXPORT(void, pixels_normalise)(const float *pixels, int64_t n, float db_an_octave, const float *avoided, int64_t avoided_count, float *levels,
                                       uint8_t *valid) {
    for (int64_t begin = 0; begin < n; begin += PIXELS_CHUNK) {
        const int64_t end = SARC_MIN(begin + PIXELS_CHUNK, n);
        int32_t is_valid[PIXELS_CHUNK];
        for (int64_t i = begin; i < end; i++) {
            /* Bits from 1 to the largest are the positive finite numbers; 0 wraps round to the top. */
            is_valid[i - begin] = (uint32_t)bits_of_float(pixels[i]) - 1u < 0x7f800000u - 1u;
        }
        for (int64_t k = 0; k < avoided_count; k++)
            for (int64_t i = begin; i < end; i++) is_valid[i - begin] &= pixels[i] != avoided[k];
        for (int64_t i = begin; i < end; i++) {
            const int32_t bits = is_valid[i - begin] ? bits_of_float(pixels[i]) : 0x3f800000, is_small = bits < 0x00800000;
            /* A subnormal is its bits times 2^-149. */
            const float normal = is_small ? (float)bits : float_of_bits(bits);
            levels[i] = db_an_octave * (log2_of(normal) - (is_small ? 149.0f : 0.0f));
            valid[i] = (uint8_t)is_valid[i - begin];
        }
    }
}

/* Levels to whole numbers from 1 to top: 2^(octaves_a_db * level), rounded to even. Gives whether a level is not a number. */
#define PIXELS_ROUNDED(type)                                                                                                         \
    static int pixels_rounded_##type(const float *levels, int64_t n, float octaves_a_db, float top, type##_t *pixels) {               \
        int32_t odd = 0;                                                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                                            \
            const float value = exp2_of(levels[i] * octaves_a_db), held = value < top ? value : top;                                  \
            const float rounder = 12582912.0f; /* 1.5 * 2^23: the sum has no fraction, and the whole number in its lowest bits */       \
            const int32_t whole = (int32_t)((uint32_t)bits_of_float(held + rounder) - (uint32_t)bits_of_float(rounder));               \
            pixels[i] = (type##_t)SARC_MAX(whole, 1);                                                                                \
            odd |= levels[i] != levels[i];                                                                                           \
        }                                                                                                                            \
        return odd;                                                                                                                  \
    }
PIXELS_ROUNDED(int8)
PIXELS_ROUNDED(uint8)
PIXELS_ROUNDED(int16)
PIXELS_ROUNDED(uint16)

/* 2^(level / db_an_octave), between the smallest and the largest positive float32: off by at most 4e-7 of it where that is normal. */
SARC_INLINE float pixels_power(float level, double db_an_octave) {
    /* The octave in two parts, of which the first has so few digits that a whole number of it is exact. */
    const float first = float_of_bits(bits_of_float((float)db_an_octave) & (int32_t)0xffffe000), second = (float)(db_an_octave - first);
    const float octaves_a_db = (float)(1 / db_an_octave), rounder = 12582912.0f;
    const float least = -152.0f * first, most = 130.0f * first;
    const float held = level > least ? level < most ? level : most : least;
    const float shifted = held * octaves_a_db + rounder, octaves = shifted - rounder;
    const float value = exp2_of(((held - octaves * first) - octaves * second) * octaves_a_db);
    /* In two steps: one power of two does not reach to the ends of the subnormal numbers. */
    const int32_t whole = (int32_t)octaves, half = whole >> 1, rest = whole - half;
    const float scaled = value * float_of_bits((half + 127) << 23) * float_of_bits((rest + 127) << 23);
    const float below = scaled < FLT_MAX ? scaled : FLT_MAX;
    return float_of_bits(SARC_MAX(bits_of_float(below), 1));
}

static int pixels_float(const float *levels, int64_t n, double db_an_octave, float *pixels) {
    int32_t odd = 0;
    for (int64_t i = 0; i < n; i++) {
        pixels[i] = pixels_power(levels[i], db_an_octave);
        odd |= levels[i] != levels[i];
    }
    return odd;
}

/* Pixels that equal a value become another one. */
#define PIXELS_REPLACE(type)                                                                                                          \
    static void pixels_replace_##type(type *pixels, int64_t n, const type *avoided, const type *instead, int64_t count) {               \
        for (int64_t k = 0; k < count; k++)                                                                                           \
            for (int64_t i = 0; i < n; i++) pixels[i] = pixels[i] == avoided[k] ? instead[k] : pixels[i];                              \
    }
PIXELS_REPLACE(int8_t)
PIXELS_REPLACE(uint8_t)
PIXELS_REPLACE(int16_t)
PIXELS_REPLACE(uint16_t)
PIXELS_REPLACE(float)

#define PIXELS_RESTORED(type, make, ...)                                                                                             \
    for (int64_t begin = 0; begin < n; begin += PIXELS_CHUNK) {                                                                       \
        const int64_t some = SARC_MIN(PIXELS_CHUNK, n - begin);                                                                       \
        odd |= make(levels + begin, some, __VA_ARGS__, (type *)pixels + begin);                                                       \
        pixels_replace_##type((type *)pixels + begin, some, avoided, instead, avoided_count);                                          \
    }

/* Levels in dB to valid pixels of a type, amplitude or power. db_an_octave: of a doubled pixel. avoided, instead: of that type; an avoided pixel becomes
   the other. SARC_REFUSED for other types, SARC_DAMAGED where a level is not a number. */
SARC_EXPORT(int32_t, pixels_restore)(const float *levels, int64_t n, int32_t type, double db_an_octave, const void *avoided, const void *instead,
                                     int64_t avoided_count, void *pixels) {
    const float octaves_a_db = (float)(1 / db_an_octave);
    int odd = 0;
    if (type == PIXELS_INT8) {
        PIXELS_RESTORED(int8_t, pixels_rounded_int8, octaves_a_db, INT8_MAX)
    } else if (type == PIXELS_UINT8) {
        PIXELS_RESTORED(uint8_t, pixels_rounded_uint8, octaves_a_db, UINT8_MAX)
    } else if (type == PIXELS_INT16) {
        PIXELS_RESTORED(int16_t, pixels_rounded_int16, octaves_a_db, INT16_MAX)
    } else if (type == PIXELS_UINT16) {
        PIXELS_RESTORED(uint16_t, pixels_rounded_uint16, octaves_a_db, UINT16_MAX)
    } else if (type == PIXELS_FLOAT32) {
        PIXELS_RESTORED(float, pixels_float, db_an_octave)
    } else {
        return SARC_REFUSED;
    }
    return odd ? SARC_DAMAGED : SARC_OK;
}
