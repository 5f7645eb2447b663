/* The encoder's side of targets: pixels that stand out of their ground, and the bumps that give a decoded tile's targets their energy back.
   sarcodec/encoding/target_finding.py and bump_fitting.py say what for, and the same in NumPy. */
#include "floats.h"
#include "level.h"

enum {
    TARGET_RING_PX = 7,
    TARGET_GUARD_PX = 3,
    TARGET_PEAK_PX = 2,
    TARGET_LANES = 16, /* rows are filled up to whole vectors: a pixel's numbers do not depend on where in a row it lies */
    TARGET_RINGS = 16, /* rows of sums that are kept; 15 are needed */
    TARGET_MATCHED = 4,
    TARGET_WINDOW = 176, /* 13 x 13 numbers, filled up */
    TARGET_MOST_COLS = 2048
};

typedef float target_lanes __attribute__((vector_size(4 * TARGET_LANES), may_alias, aligned(4)));

/* Sums of values along a row: of those 4 to 7 px to either side, and of those with the ones between; the row begins RING_PX before its first pixel. */
static void target_row_sums(const float *row, int64_t cols, float *sides, float *whole) {
    for (int64_t x = 0; x < cols; x += TARGET_LANES) {
        const float *at = row + TARGET_RING_PX + x;
        target_lanes outer = {0}, inner = {0};
        for (int s = -TARGET_RING_PX; s < -TARGET_GUARD_PX; s++) outer += *(const target_lanes *)(at + s);
        for (int s = TARGET_GUARD_PX + 1; s <= TARGET_RING_PX; s++) outer += *(const target_lanes *)(at + s);
        for (int s = -TARGET_GUARD_PX; s <= TARGET_GUARD_PX; s++) inner += *(const target_lanes *)(at + s);
        *(target_lanes *)(sides + x) = outer;
        *(target_lanes *)(whole + x) = outer + inner;
    }
}

typedef struct {
    int64_t rows, stride;
    float *row, *sides, *whole; /* one row with its margins; the last rows' sums */
} target_sums;

static void target_ring_row(const target_sums *sums, int64_t row, float *out) {
    for (int64_t x = 0; x < sums->stride; x += TARGET_LANES) {
        target_lanes outer = {0}, inner = {0};
        for (int64_t s = -TARGET_RING_PX; s <= TARGET_RING_PX; s++) {
            const int64_t r = row + s;
            if ((s >= -TARGET_GUARD_PX && s <= TARGET_GUARD_PX) || r < 0 || r >= sums->rows) continue;
            outer += *(const target_lanes *)(sums->whole + r % TARGET_RINGS * sums->stride + x);
        }
        for (int64_t s = -TARGET_GUARD_PX; s <= TARGET_GUARD_PX; s++) {
            const int64_t r = row + s;
            if (r < 0 || r >= sums->rows) continue;
            inner += *(const target_lanes *)(sums->sides + r % TARGET_RINGS * sums->stride + x);
        }
        *(target_lanes *)(out + x) = outer + inner;
    }
}

/* Powers of a row's levels relative to the band's, 0 where not valid, and the weights 1 and 0. */
static void target_powers(const float *levels, const uint8_t *valid, int64_t cols, int64_t stride, float level_db, float limit_db, float *held,
                          float *powers, float *weights) {
    for (int64_t x = 0; x < cols; x++) {
        const float over = levels[x] - level_db, least = over > -limit_db ? over : -limit_db;
        held[x] = least < limit_db ? least : limit_db;
        weights[x] = valid[x] != 0;
    }
    for (int64_t x = cols; x < stride; x++) held[x] = weights[x] = 0;
    for (int64_t x = 0; x < stride; x++) powers[x] = exp2_of(held[x] * SARC_OCTAVES_A_DB) * weights[x];
}

static int target_is_peak(const float *powers, int64_t rows, int64_t cols, int64_t stride, int64_t r, int64_t c) {
    const float power = powers[r * stride + c];
    for (int64_t y = SARC_MAX(r - TARGET_PEAK_PX, 0); y <= SARC_MIN(r + TARGET_PEAK_PX, rows - 1); y++)
        for (int64_t x = SARC_MAX(c - TARGET_PEAK_PX, 0); x <= SARC_MIN(c + TARGET_PEAK_PX, cols - 1); x++)
            if (powers[y * stride + x] > power) return 0;
    return 1;
}

/* Pixels of rows first[0] to last[0] - 1 and columns first[1] to last[1] - 1 that are the brightest of 5 x 5 and stand above `times` the mean power of the ring
   around; how many there are, of which `most` are written: row, column, and power and ground relative to `level_db`. */
SARC_EXPORT(int64_t, target_peaks)(const float *levels, const uint8_t *valid, int64_t rows, int64_t cols, float level_db, float limit_db, float times,
                                   const int64_t *first, const int64_t *last, int64_t most, int64_t *places, float *peaks, float *grounds) {
    if (rows < 1 || cols < 1 || rows > TARGET_MOST_COLS || cols > TARGET_MOST_COLS) return SARC_REFUSED;
    const int64_t stride = (cols + TARGET_LANES - 1) / TARGET_LANES * TARGET_LANES, margin = stride + 2 * TARGET_LANES;
    float *memory = calloc((size_t)(rows * stride + 2 * margin + (4 * TARGET_RINGS + 4) * stride), sizeof *memory);
    if (!memory) return SARC_NO_MEMORY;
    float *powers = memory, *next = powers + rows * stride;
    target_sums sums[2];
    for (int k = 0; k < 2; k++) {
        sums[k] = (target_sums){rows, stride, next, next + margin, next + margin + TARGET_RINGS * stride};
        next += margin + 2 * TARGET_RINGS * stride;
    }
    float *held = next, *rings[2] = {held + stride, held + 2 * stride};
    int64_t count = 0, ready = 0;
    for (int64_t r = SARC_MAX(first[0], 0); r < SARC_MIN(last[0], rows); r++) {
        for (; ready < rows && ready <= r + TARGET_RING_PX; ready++) {
            float *row = powers + ready * stride;
            target_powers(levels + ready * cols, valid + ready * cols, cols, stride, level_db, limit_db, held, row, sums[1].row + TARGET_RING_PX);
            memcpy(sums[0].row + TARGET_RING_PX, row, (size_t)stride * sizeof *row);
            for (int k = 0; k < 2; k++) {
                const int64_t at = ready % TARGET_RINGS * stride;
                target_row_sums(sums[k].row, stride, sums[k].sides + at, sums[k].whole + at);
            }
        }
        for (int k = 0; k < 2; k++) target_ring_row(&sums[k], r, rings[k]);
        for (int64_t c = 0; c < cols; c++) rings[0][c] /= rings[1][c] > 1 ? rings[1][c] : 1;
        for (int64_t c = SARC_MAX(first[1], 0); c < SARC_MIN(last[1], cols); c++) {
            const float ground = rings[0][c], power = powers[r * stride + c];
            if (!(ground > 0) || !(power > ground * times) || !target_is_peak(powers, rows, cols, stride, r, c)) continue;
            if (count < most) {
                places[2 * count] = r, places[2 * count + 1] = c;
                peaks[count] = power, grounds[count] = ground;
            }
            count++;
        }
    }
    free(memory);
    return count;
}

/* Of each window (count, 13 * 13) the template (templates, 176, zeros at the end) with the greatest 2 <window, template> - square, and that number. */
SARC_EXPORT(int32_t, target_matches)(const float *windows, int64_t count, const float *templates, const float *squares, int64_t templates_count,
                                     int64_t *best, float *gains) {
    enum { PIXELS = 169, PARTS = TARGET_WINDOW / TARGET_LANES };
    if (templates_count < 1) return SARC_REFUSED;
    for (int64_t n = 0; n < count; n += TARGET_MATCHED) {
        float window[TARGET_MATCHED][TARGET_WINDOW] = {{0}}, most[TARGET_MATCHED];
        int64_t found[TARGET_MATCHED] = {0};
        const int64_t here = SARC_MIN(TARGET_MATCHED, count - n);
        for (int64_t i = 0; i < here; i++) memcpy(window[i], windows + (n + i) * PIXELS, PIXELS * sizeof(float));
        for (int i = 0; i < TARGET_MATCHED; i++) most[i] = -INFINITY;
        for (int64_t t = 0; t < templates_count; t++) {
            target_lanes products[TARGET_MATCHED] = {{0}};
            for (int p = 0; p < PARTS; p++) {
                const target_lanes part = *(const target_lanes *)(templates + t * TARGET_WINDOW + p * TARGET_LANES);
                for (int i = 0; i < TARGET_MATCHED; i++) products[i] += part * *(const target_lanes *)(window[i] + p * TARGET_LANES);
            }
            for (int i = 0; i < TARGET_MATCHED; i++) {
                float halves[TARGET_LANES];
                memcpy(halves, &products[i], sizeof halves);
                for (int width = TARGET_LANES / 2; width; width /= 2)
                    for (int l = 0; l < width; l++) halves[l] += halves[l + width];
                const float gain = 2 * halves[0] - squares[t];
                if (gain > most[i]) most[i] = gain, found[i] = t;
            }
        }
        for (int64_t i = 0; i < here; i++) best[n + i] = found[i], gains[n + i] = most[i];
    }
    return SARC_OK;
}
