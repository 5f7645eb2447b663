/* Speckle given back: noise of latents from a hash, and noise at pixels into levels with the law of what was lost. docs/format.md, 15.5;
   sarcodec/signal/noise.py, law.py and correction.py say the same in NumPy. */
#include "power.c"

enum { NOISE_BITS = 12 };

/* A well-mixed permutation of the 32-bit numbers (lowbias32). */
SARC_INLINE uint32_t noise_hash(uint32_t x) {
    x ^= x >> 16;
    x *= UINT32_C(0x7FEB352D);
    x ^= x >> 15;
    x *= UINT32_C(0x846CA68B);
    return x ^ x >> 16;
}

/* Noise in dB of latents whose variances are `lost`. quantiles: of the 4,096 scores. */
SARC_EXPORT(void, noise_latents)(const float *lost, int64_t n, uint32_t seed, const float *quantiles, float *out) {
    enum { CHUNK = 64 };
    for (int64_t begin = 0; begin < n; begin += CHUNK) { /* the hash and the roots in vectors, the scores one by one */
        uint32_t at[CHUNK];
        float deviation[CHUNK];
        const int64_t count = SARC_MIN(CHUNK, n - begin);
        for (int64_t i = 0; i < count; i++) {
            at[i] = noise_hash(noise_hash((uint32_t)(begin + i)) + seed) >> (32 - NOISE_BITS);
            deviation[i] = sqrtf(lost[begin + i] > 0 ? lost[begin + i] : 0);
        }
        for (int64_t i = 0; i < count; i++) out[begin + i] = quantiles[at[i]] * deviation[i];
    }
}

/* A law between three values at 0, 1 and 2, held beyond them. */
typedef struct {
    float first, rise, further;
} texture_bend;

SARC_INLINE texture_bend texture_bend_of(const float *values) { return (texture_bend){values[0], values[1] - values[0], values[2] - values[1]}; }

SARC_INLINE float texture_at(texture_bend law, float place) {
    const float low = place > 0 ? place : 0, held = low < 2 ? low : 2, first = held < 1 ? held : 1;
    return law.first + law.rise * first + law.further * (held - first);
}

/* What texture needs of a tile's correction: mean in dB and factor of the variance by detail; detail_scale: half of one over the root mean square of level
   less local mean, so that details -2, 0 and 2 are places 0, 1 and 2 of the laws, 1 added. */
typedef struct {
    texture_bend mean, spread;
    float detail_scale;
} texture_law;

/* The level of speckle of a variance at a normal score, dB: bilinear between the quantiles of the two nearest variances and scores. */
static void texture_speckle(const float *scores, const float *variances, int64_t n, const float *quantiles, float *out) {
    enum { CHUNK = 64 };
    for (int64_t begin = 0; begin < n; begin += CHUNK) {
        const int64_t count = SARC_MIN(CHUNK, n - begin);
        float down[CHUNK], across[CHUNK], deviation[CHUNK];
        int32_t at[CHUNK];
        for (int64_t i = 0; i < count; i++) {
            const float v = variances[begin + i], score = scores[begin + i];
            const law_place place = law_variance(v);
            const float held = score > -LAW_REACH ? score < LAW_REACH ? score : LAW_REACH : -LAW_REACH;
            const float column = (held + LAW_REACH) * ((LAW_SCORES - 1) / (2.0f * LAW_REACH));
            const int32_t low = SARC_MIN((int32_t)column, LAW_SCORES - 2);
            at[i] = place.row * LAW_SCORES + low;
            down[i] = place.part, across[i] = column - (float)low;
            deviation[i] = sqrtf(v > 0 ? v : 0);
        }
        for (int64_t i = 0; i < count; i++) {
            const float *q = quantiles + at[i], *next = q + LAW_SCORES;
            const float low = q[0] + (q[1] - q[0]) * across[i], high = next[0] + (next[1] - next[0]) * across[i];
            out[begin + i] = (low + (high - low) * down[i]) * deviation[i];
        }
    }
}

SARC_EXPORT(void, speckled)(const float *scores, const float *variances, int64_t n, const float *quantiles, float *out) {
    texture_speckle(scores, variances, n, quantiles, out);
}

/* The sum of squares of levels less the local means. */
SARC_EXPORT(double, detail_energy)(const float *levels, int64_t rows, int64_t cols, const float *blocks) {
    enum { LANES = 16 };
    float up[PLANE_MOST_PX];
    double energy = 0;
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    for (int64_t r = 0; r < rows; r++) {
        const float *row = levels + r * cols;
        float sums[LANES] = {0};
        int64_t x = 0;
        plane_row_up(&size, blocks, r, up);
        for (; x + LANES <= cols; x += LANES)
            for (int i = 0; i < LANES; i++) sums[i] += (row[x + i] - up[x + i]) * (row[x + i] - up[x + i]);
        for (; x < cols; x++) sums[0] += (row[x] - up[x]) * (row[x] - up[x]);
        for (int i = 0; i < LANES; i++) energy += (double)sums[i];
    }
    return energy;
}

/* One row of a tile with its texture: levels, noise at pixels, the local means and what is added at the row's pixels, the variances of its cells. */
SARC_INLINE void texture_row(const float *levels, const float *noise, const float *local, const float *added, const float *cells, int64_t cols,
                             texture_law law, const float *quantiles, float *out) {
    float scores[PLANE_MOST_PX], variances[PLANE_MOST_PX], means[PLANE_MOST_PX], speckle[PLANE_MOST_PX];
    for (int64_t begin = 0; begin < cols; begin += PLANE_CELL) {
        const float variance = cells[begin / PLANE_CELL], unit = 1 / sqrtf(variance > 1e-12f ? variance : 1e-12f);
        const int64_t end = SARC_MIN(begin + PLANE_CELL, cols);
        for (int64_t x = begin; x < end; x++) {
            const float place = (levels[x] - local[x]) * law.detail_scale + 1;
            scores[x] = noise[x] * unit;
            means[x] = texture_at(law.mean, place);
            variances[x] = variance * texture_at(law.spread, place);
        }
    }
    texture_speckle(scores, variances, cols, quantiles, speckle);
    for (int64_t x = 0; x < cols; x++) out[x] = levels[x] + means[x] + speckle[x] + added[x];
}

/* Levels of a tile with its texture. blocks: means of the levels; added: what is added at blocks, dB; cells: the variances that were lost. */
SARC_EXPORT(int32_t, with_texture)(const float *levels, const float *noise, int64_t rows, int64_t cols, const float *blocks, const float *added,
                                   const float *cells, const float *means, const float *spreads, float detail_scale, const float *quantiles, float *out) {
    float local[PLANE_MOST_PX], more[PLANE_MOST_PX];
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    const texture_law law = {texture_bend_of(means), texture_bend_of(spreads), 0.5f * detail_scale};
    for (int64_t r = 0; r < rows; r++) {
        plane_row_up(&size, blocks, r, local);
        plane_row_up(&size, added, r, more);
        texture_row(levels + r * cols, noise + r * cols, local, more, cells + r / PLANE_CELL * plane_cells(cols), cols, law, quantiles, out + r * cols);
    }
    return SARC_OK;
}
