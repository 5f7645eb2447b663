/* The encoder's side of power and texture: sums that say what to store of a tile. sarcodec/encoding/texture_fitting.py says what they are for, and the same
   in NumPy. `valid` holds 0 where a pixel does not count, 1 where it does. */
#include "texture.c"

enum { FIT_LANES = 8, FIT_MOMENTS = 10, WINDOW_PX = 15, WINDOW_PITCH_PX = 16, WINDOW_PIXELS = WINDOW_PX * WINDOW_PX, WINDOW_UP_PX = 32 };

/* The power of a level in dB, relative to that of `scale_db`; 150 dB above or below say enough. */
SARC_INLINE float fit_power(float level, float scale_db) {
    const float over = level - scale_db, held = over > -150 ? over < 150 ? over : 150 : -150;
    return exp2_of(held * SARC_OCTAVES_A_DB);
}

/* Row by row into sums over blocks: cut blocks hold what there is of them. */
SARC_INLINE void fit_into_blocks(const float *row, int64_t cols, float *sums) {
    int64_t x = 0;
    for (; x + PLANE_BLOCK <= cols; x += PLANE_BLOCK) {
        float sum = 0;
        for (int i = 0; i < PLANE_BLOCK; i++) sum += row[x + i];
        sums[x / PLANE_BLOCK] += sum;
    }
    for (; x < cols; x++) sums[x / PLANE_BLOCK] += row[x];
}

/* The powers of a row's levels, 0 where not valid. */
SARC_INLINE void fit_row(const float *levels, const uint8_t *valid, int64_t cols, float scale_db, float *powers) {
    for (int64_t x = 0; x < cols; x++) {
        const float power = fit_power(levels[x], scale_db);
        powers[x] = valid[x] ? power : 0;
    }
}

/* Their sum, in as many lanes as there are in a vector: in one order whatever the processor. */
SARC_INLINE double fit_sum(const float *values, int64_t n) {
    float sums[FIT_LANES] = {0};
    double total = 0;
    int64_t x = 0;
    for (; x + FIT_LANES <= n; x += FIT_LANES)
        for (int i = 0; i < FIT_LANES; i++) sums[i] += values[x + i];
    for (; x < n; x++) sums[0] += values[x];
    for (int i = 0; i < FIT_LANES; i++) total += (double)sums[i];
    return total;
}

/* By block: sums of the powers of decoded and original pixels that are valid, and how many are. */
SARC_EXPORT(int32_t, fit_sums)(const float *levels, const float *original, const uint8_t *valid, int64_t rows, int64_t cols, float scale_db, float *decoded,
                               float *originals, float *counts) {
    float powers[3][PLANE_MOST_PX];
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    float *const sums[3] = {decoded, originals, counts};
    for (int k = 0; k < 3; k++) memset(sums[k], 0, (size_t)(size.block_rows * size.block_cols) * sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
        const uint8_t *counted = valid + r * cols;
        fit_row(levels + r * cols, counted, cols, scale_db, powers[0]);
        fit_row(original + r * cols, counted, cols, scale_db, powers[1]);
        for (int64_t x = 0; x < cols; x++) powers[2][x] = counted[x];
        for (int k = 0; k < 3; k++) fit_into_blocks(powers[k], cols, sums[k] + r / PLANE_BLOCK * size.block_cols);
    }
    return SARC_OK;
}

/* The sum of the powers of levels + added, bilinear, where valid. */
SARC_EXPORT(double, fit_total)(const float *levels, const uint8_t *valid, int64_t rows, int64_t cols, const float *added, float scale_db) {
    float more[PLANE_MOST_PX];
    double total = 0;
    if (!plane_fits(rows, cols)) return 0;
    const plane_size size = plane_of(rows, cols);
    for (int64_t r = 0; r < rows; r++) {
        plane_row_up(&size, added, r, more);
        for (int64_t x = 0; x < cols; x++) more[x] += levels[r * cols + x];
        fit_row(more, valid + r * cols, cols, scale_db, more);
        total += fit_sum(more, cols);
    }
    return total;
}

/* The sum of the powers of levels (n) + rest times each one's share, where valid. */
SARC_EXPORT(double, fit_shared_total)(const float *levels, const float *shares, const uint8_t *valid, int64_t n, float rest, float scale_db) {
    float row[PLANE_MOST_PX];
    double total = 0;
    for (int64_t first = 0; first < n; first += PLANE_MOST_PX) {
        const int64_t here = SARC_MIN(PLANE_MOST_PX, n - first);
        for (int64_t x = 0; x < here; x++) row[x] = levels[first + x] + shares[first + x] * rest;
        fit_row(row, valid + first, here, scale_db, row);
        total += fit_sum(row, here);
    }
    return total;
}

/* The same sum of the levels that with_texture makes. */
SARC_EXPORT(double, fit_texture_total)(const float *levels, const float *noise, const uint8_t *valid, int64_t rows, int64_t cols, const float *blocks,
                                       const float *added, const float *cells, const float *means, const float *spreads, float detail_scale,
                                       const float *quantiles, float scale_db) {
    float local[PLANE_MOST_PX], more[PLANE_MOST_PX], out[PLANE_MOST_PX];
    double total = 0;
    if (!plane_fits(rows, cols)) return 0;
    const plane_size size = plane_of(rows, cols);
    const texture_law law = {texture_bend_of(means), texture_bend_of(spreads), 0.5f * detail_scale};
    for (int64_t r = 0; r < rows; r++) {
        plane_row_up(&size, blocks, r, local);
        plane_row_up(&size, added, r, more);
        texture_row(levels + r * cols, noise + r * cols, local, more, cells + r / PLANE_CELL * plane_cells(cols), cols, law, quantiles, out);
        fit_row(out, valid + r * cols, cols, scale_db, out);
        total += fit_sum(out, cols);
    }
    return total;
}

/* Sums over pixels of rows 0, every, 2 every, ... that are valid: for the three hats h of the detail the products h0 h0, h0 h1, h1 h1, h1 h2, h2 h2 times a
   weight, h0, h1 and h2 times a target, the weights and the targets. Without means: weight 1, target the error, held to `reach` expected deviations. With
   means (three, in dB): weight the expected variance, target the square of what is left of the error. */
SARC_EXPORT(int32_t, fit_moments)(const float *levels, const float *original, const uint8_t *valid, int64_t rows, int64_t cols, const float *blocks,
                                  const float *cells, float detail_scale, float reach, int64_t every, const float *means, double *moments) {
    float local[PLANE_MOST_PX], places[PLANE_MOST_PX], errors[PLANE_MOST_PX], counted[PLANE_MOST_PX];
    const float none[3] = {0};
    if (!plane_fits(rows, cols) || every < 1) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    const texture_bend mean = texture_bend_of(means ? means : none);
    const float of_squares = means ? 1 : 0, scale = 0.5f * detail_scale;
    memset(moments, 0, FIT_MOMENTS * sizeof *moments);
    for (int64_t r = 0; r < rows; r += every) {
        const float *level = levels + r * cols, *wanted = original + r * cols;
        const uint8_t *here = valid + r * cols;
        float sums[FIT_MOMENTS][FIT_LANES] = {{0}};
        plane_row_up(&size, blocks, r, local);
        for (int64_t x = 0; x < cols; x++) {
            counted[x] = here[x];
            places[x] = (level[x] - local[x]) * scale + 1;
            errors[x] = here[x] ? wanted[x] - level[x] : 0;
        }
        for (int64_t x = cols; x < size.block_cols * PLANE_BLOCK; x++) counted[x] = places[x] = errors[x] = 0;
        for (int64_t x = 0; x < cols; x += FIT_LANES) {
            const float found = cells[r / PLANE_CELL * plane_cells(cols) + x / PLANE_CELL], variance = found > 1e-6f ? found : 1e-6f;
            const float most = reach * sqrtf(variance), weight = of_squares * variance + (1 - of_squares);
            for (int i = 0; i < FIT_LANES; i++) {
                const float low = places[x + i] > 0 ? places[x + i] : 0, held = low < 2 ? low : 2;
                const float first = held < 1 ? 1 - held : 0, last = held > 1 ? held - 1 : 0, middle = 1 - first - last;
                const float error = errors[x + i], least = error > -most ? error : -most, clipped = least < most ? least : most;
                const float over = clipped - texture_at(mean, held);
                const float target = counted[x + i] * (of_squares * over * over + (1 - of_squares) * clipped), w = counted[x + i] * weight;
                sums[0][i] += first * first * w, sums[1][i] += first * middle * w, sums[2][i] += middle * middle * w;
                sums[3][i] += middle * last * w, sums[4][i] += last * last * w;
                sums[5][i] += first * target, sums[6][i] += middle * target, sums[7][i] += last * target;
                sums[8][i] += w, sums[9][i] += target;
            }
        }
        for (int k = 0; k < FIT_MOMENTS; k++)
            for (int i = 0; i < FIT_LANES; i++) moments[k] += (double)sums[k][i];
    }
    return SARC_OK;
}

/* Variance over squared mean of the powers of a window's levels. */
static float window_variation(const float *levels) {
    float powers[WINDOW_PIXELS], middle = 0;
    for (int i = 0; i < WINDOW_PX; i++) middle += levels[i * (WINDOW_PX + 1)];
    middle /= WINDOW_PX; /* any level near the window's does: only ratios count */
    for (int i = 0; i < WINDOW_PIXELS; i++) powers[i] = fit_power(levels[i], middle);
    const float mean = (float)(fit_sum(powers, WINDOW_PIXELS) / WINDOW_PIXELS);
    for (int i = 0; i < WINDOW_PIXELS; i++) powers[i] = (powers[i] / mean - 1) * (powers[i] / mean - 1);
    return (float)(fit_sum(powers, WINDOW_PIXELS) / (WINDOW_PIXELS - 1));
}

SARC_INLINE int64_t windows_along(int64_t pixels) { return pixels < WINDOW_PX ? 0 : (pixels - WINDOW_PX) / WINDOW_PITCH_PX + 1; }

/* The variation of each window of 15 x 15 px on a grid of 16 px, -1 where a pixel of it is not valid. */
SARC_EXPORT(void, window_variations)(const float *levels, const uint8_t *valid, int64_t rows, int64_t cols, float *out) {
    float window[WINDOW_PIXELS];
    for (int64_t r = 0; r < windows_along(rows); r++)
        for (int64_t c = 0; c < windows_along(cols); c++) {
            int whole = 1;
            for (int64_t y = 0; y < WINDOW_PX; y++) {
                const int64_t at = (r * WINDOW_PITCH_PX + y) * cols + c * WINDOW_PITCH_PX;
                for (int64_t x = 0; x < WINDOW_PX; x++) whole &= valid[at + x] != 0;
                memcpy(window + y * WINDOW_PX, levels + at, WINDOW_PX * sizeof *window);
            }
            *out++ = whole ? window_variation(window) : -1;
        }
}

/* Of chosen windows (numbers on that grid, each below their count): levels + added + mean by detail, normal scores, and expected variances by detail, each
   (count, 15, 15). A window lies in one cell. */
SARC_EXPORT(int32_t, textured_windows)(const float *levels, const float *noise, int64_t rows, int64_t cols, const float *blocks, const float *added,
                                       const float *cells, const float *means, const float *spreads, float detail_scale, const int64_t *numbers,
                                       int64_t count, float *kept, float *scores, float *variances) {
    float local[WINDOW_UP_PX], more[WINDOW_UP_PX];
    const int64_t across = windows_along(cols), all = windows_along(rows) * across;
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    const texture_law law = {texture_bend_of(means), texture_bend_of(spreads), 0.5f * detail_scale};
    for (int64_t n = 0; n < count; n++) {
        if (numbers[n] < 0 || numbers[n] >= all) return SARC_REFUSED;
        /* The window's blocks and one around, where there is one: beyond the outermost ones values are held, as they are there in the plane. */
        const int64_t col = numbers[n] % across * WINDOW_PITCH_PX, first = SARC_MAX(col / PLANE_BLOCK - 1, 0), left = col - first * PLANE_BLOCK;
        const plane_size beside = {size.block_rows, SARC_MIN(WINDOW_UP_PX / PLANE_BLOCK, size.block_cols - first), size.stride};
        for (int64_t y = 0; y < WINDOW_PX; y++) {
            const int64_t row = numbers[n] / across * WINDOW_PITCH_PX + y;
            plane_row_up(&beside, blocks + first, row, local);
            plane_row_up(&beside, added + first, row, more);
            const float variance = cells[row / PLANE_CELL * plane_cells(cols) + col / PLANE_CELL];
            const float unit = 1 / sqrtf(variance > 1e-12f ? variance : 1e-12f);
            const int64_t to = (n * WINDOW_PX + y) * WINDOW_PX;
            for (int64_t x = 0; x < WINDOW_PX; x++) {
                const float level = levels[row * cols + col + x], place = (level - local[left + x]) * law.detail_scale + 1;
                kept[to + x] = level + more[left + x] + texture_at(law.mean, place);
                scores[to + x] = noise[row * cols + col + x] * unit;
                variances[to + x] = variance * texture_at(law.spread, place);
            }
        }
    }
    return SARC_OK;
}

/* The variation of each of those windows with speckle of `factor` times the variances. */
SARC_EXPORT(void, textured_variations)(const float *kept, const float *scores, const float *variances, int64_t count, float factor, const float *quantiles,
                                       float *out) {
    float scaled[WINDOW_PIXELS], levels[WINDOW_PIXELS];
    for (int64_t n = 0; n < count; n++) {
        const int64_t at = n * WINDOW_PIXELS;
        for (int i = 0; i < WINDOW_PIXELS; i++) scaled[i] = variances[at + i] * factor;
        texture_speckle(scores + at, scaled, WINDOW_PIXELS, quantiles, levels);
        for (int i = 0; i < WINDOW_PIXELS; i++) levels[i] += kept[at + i];
        out[n] = window_variation(levels);
    }
}
