/* Between latents and networks: the law of steps, what a network's numbers say of a symbol, what later passes see of a latent (docs/format.md, 9.5 to 9.7, 9.10).
   sarcodec/entropy/walk.py and steps.py say the same in NumPy. */
#include "walk.h"

/* What a step index makes of a model's law, by channel. */
typedef struct {
    int32_t log2_step[WALK_CHANNELS]; /* E: in 1/1024 octave above 1 dB */
    int32_t mean[WALK_CHANNELS];      /* M: 1/64 deviation into 1/32 step, 16 bits below the point */
    int32_t feature[WALK_CHANNELS];   /* F: 1/32 step into 1/128 deviation, 16 bits below */
    int32_t scale[WALK_CHANNELS];     /* O: in 1/64 octave above 2^-4 step */
    float error[WALK_CHANNELS];       /* 1/65536 step^2 into dB^2 */
    float skipped[WALK_CHANNELS];     /* the same for tables of level 0, whose errors are in shares of the deviation's square */
} walk_law;

/* a (11 knots, 64 steps apart) at a step: floor of the line between two of them. */
SARC_INLINE int32_t law_at(const int32_t *knots, int32_t step) {
    const int32_t knot = step / 64, part = step % 64;
    return (knots[knot] * (64 - part) + knots[knot + 1] * part) >> 6;
}

/* floor(2^(exponent / 1024 + bits)), from the model's table. prior_arrays.py proves that it fits where it is asked for. */
SARC_INLINE int64_t law_power(const model *m, int32_t exponent, int32_t bits) {
    const int32_t shift = (exponent >> 10) + bits - 20;
    const int64_t mantissa = m->powers[exponent & 1023];
    return shift >= 0 ? mantissa << shift : mantissa >> SARC_MIN(-shift, 63);
}

static float law_square(const model *m, int32_t exponent) {
    const float root = ldexpf((float)m->powers[exponent & 1023], (exponent >> 10) - 20);
    return root * root;
}

static void law_of(const model *m, int32_t step, int32_t with_errors, walk_law *law) {
    for (int32_t c = 0; c < WALK_CHANNELS; c++) {
        const int32_t log2_step = 16 * step - 4096 + law_at(m->offsets[c], step), ratio = m->deviation[c] - log2_step;
        law->log2_step[c] = log2_step;
        law->mean[c] = (int32_t)law_power(m, ratio, 15);
        law->feature[c] = (int32_t)law_power(m, -ratio, 18);
        law->scale[c] = (ratio >> 4) + 4 * 64;
        law->error[c] = with_errors ? law_square(m, log2_step) * 0x1p-16f : 0;
        law->skipped[c] = with_errors ? law_square(m, m->deviation[c]) * 0x1p-16f : 0;
    }
}

SARC_INLINE int64_t law_clipped(int64_t x) { return SARC_MAX(SARC_MIN(x, WALK_LIMIT), -WALK_LIMIT); }

/* (x + half of 2^bits) / 2^bits for whole x of at most 2^53 in size, not yet rounded down. Doubles hold such numbers exactly, and processors have more for vectors
   of them than for integers of 64 bits. Where the sum is rounded, it is beyond what means are clipped to. */
SARC_INLINE double law_halved(double x, int32_t bits) {
    return (x + (double)(INT64_C(1) << (bits - 1))) * (1.0 / (double)(INT64_C(1) << bits));
}

/* The head's numbers v (2 count), below 2^23 in size, of one cell -> means and tables of its channels. gain, lean: NULL in a tile that leans on none.
   scale: NULL where nobody asks for it. */
SARC_INLINE void law_predict(const int32_t *restrict v, const int32_t *restrict gain, const int32_t *restrict lean, const int32_t *restrict factor,
                             const int32_t *restrict offset, int32_t count, int32_t first_table, int32_t *restrict mean, uint8_t *restrict table, int32_t *restrict scale) {
    for (int32_t j = 0; j < count; j++) {
        double x = law_halved((double)v[j] * factor[j], 16);
        if (gain) x = floor(x) + floor(law_halved((double)gain[j] * lean[j], 6));
        x = x < WALK_LIMIT ? x : WALK_LIMIT;
        x = x > -WALK_LIMIT ? x : -WALK_LIMIT;
        mean[j] = (int32_t)floor(x);
    }
    for (int32_t j = 0; j < count; j++) {
        const int32_t level = ((v[count + j] + offset[j]) >> 4) + 1;
        table[j] = (uint8_t)(first_table + SARC_MIN(SARC_MAX(level, 0), WALK_SCALE_LEVELS - 1));
    }
    for (int32_t j = 0; scale && j < count; j++) scale[j] = v[count + j] + offset[j];
}

/* Sizes 10 * sum >> shift of `pool` channels each. */
SARC_INLINE void features_pooled(const uint8_t *companding, const uint16_t *magnitude, int32_t count, int32_t pool, int32_t shift, int16_t *to) {
    for (int32_t j = 0; j < count; j += pool) {
        int32_t sum = 0;
        for (int32_t k = 0; k < pool; k++) sum += companding[magnitude[j + k]];
        to[j / pool] = (int16_t)((10 * sum) >> shift);
    }
}

/* A group's latents y of one cell, |y| <= 2^30, with the factors of its channels -> its features. */
static void features_of(const model *m, int32_t group, const int32_t *restrict y, const int32_t *restrict factor, int16_t *restrict to) {
    const int32_t count = MODEL_SIZE[group];
    uint16_t magnitude[640]; /* in 1/128 deviation, and no more than the last of `companding` */
    for (int32_t j = 0; j < count; j++) {
        const double found = (double)(y[j] < 0 ? -y[j] : y[j]) * factor[j] * 0x1p-16; /* exact where it is below the last of `companding` */
        magnitude[j] = (uint16_t)(int32_t)(found < MODEL_COMPANDING - 1 ? found : MODEL_COMPANDING - 1);
    }
    if (group == 2) {
        features_pooled(m->companding, magnitude, count, 2, 4, to);
    } else if (group == 3) {
        features_pooled(m->companding, magnitude, count, 16, 7, to);
    } else {
        for (int32_t j = 0; j < count; j++) {
            const int32_t linear = SARC_MIN((20 * magnitude[j] + 64) >> 7, 127);
            to[j] = (int16_t)(y[j] < 0 ? -linear : linear);
            to[count + j] = m->companding[magnitude[j]];
        }
    }
}
