/* Planes of a tile at three scales: cells of 32 px, blocks of 8 px, pixels. docs/format.md, 15.3; sarcodec/signal/planes.py says the same in NumPy. */
#include "floats.h"

enum { PLANE_BLOCK = 8, PLANE_CELL = 32, PLANE_BLOCKS_A_CELL = PLANE_CELL / PLANE_BLOCK, PLANE_MOST_PX = 1 << 10 /* twice the side of a tile */ };

/* A plane of pixels with its blocks' values: ceil(rows / 8) x ceil(cols / 8) of them, rows of them `stride` apart. */
typedef struct {
    int64_t block_rows, block_cols, stride;
} plane_size;

SARC_INLINE int plane_fits(int64_t rows, int64_t cols) { return rows > 0 && cols > 0 && rows <= PLANE_MOST_PX && cols <= PLANE_MOST_PX; }

SARC_INLINE plane_size plane_of(int64_t rows, int64_t cols) {
    const int64_t across = (cols + PLANE_BLOCK - 1) / PLANE_BLOCK;
    return (plane_size){(rows + PLANE_BLOCK - 1) / PLANE_BLOCK, across, across};
}

SARC_INLINE int64_t plane_cells(int64_t pixels) { return (pixels + PLANE_CELL - 1) / PLANE_CELL; }

/* Between two values: where a sample lies that is `place` values from the first one, held at both ends of `count` values. */
typedef struct {
    int64_t low, high;
    float part;
} plane_between;

SARC_INLINE plane_between plane_place(float place, int64_t count) {
    const float held = place < 0 ? 0 : place > (float)(count - 1) ? (float)(count - 1) : place;
    const int64_t low = SARC_MIN((int64_t)held, SARC_MAX(count - 2, 0));
    return (plane_between){low, SARC_MIN(low + 1, count - 1), held - (float)low};
}

/* One row of pixels, bilinear between the blocks' middles. out has room for whole blocks. */
static void plane_row_up(const plane_size *size, const float *blocks, int64_t row, float *out) {
    float across[PLANE_MOST_PX / PLANE_BLOCK];
    const int64_t count = size->block_cols;
    const plane_between down = plane_place(((float)row + 0.5f) / PLANE_BLOCK - 0.5f, size->block_rows);
    const float *low = blocks + down.low * size->stride, *high = blocks + down.high * size->stride;
    for (int64_t c = 0; c < count; c++) across[c] = low[c] * (1 - down.part) + high[c] * down.part;
    for (int64_t i = 0; i < PLANE_BLOCK / 2; i++) {
        out[i] = across[0];
        out[PLANE_BLOCK * count - 1 - i] = across[count - 1];
    }
    for (int64_t c = 0; c + 1 < count; c++) {
        float *to = out + PLANE_BLOCK * c + PLANE_BLOCK / 2;
        const float first = across[c], step = across[c + 1] - across[c];
        for (int i = 0; i < PLANE_BLOCK; i++) to[i] = first + step * ((2.0f * (float)i + 1) / (2 * PLANE_BLOCK));
    }
}

/* Means of 8 x 8 px, (rows, cols) -> (block rows, block cols). */
SARC_EXPORT(int32_t, block_means)(const float *pixels, int64_t rows, int64_t cols, float *out) {
    float sums[PLANE_MOST_PX];
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    for (int64_t b = 0; b < size.block_rows; b++) {
        memset(sums, 0, (size_t)(size.block_cols * PLANE_BLOCK) * sizeof *sums);
        for (int64_t i = 0; i < PLANE_BLOCK; i++) { /* the last row is repeated in cut blocks, and so is the last column */
            const float *row = pixels + SARC_MIN(b * PLANE_BLOCK + i, rows - 1) * cols;
            for (int64_t x = 0; x < cols; x++) sums[x] += row[x];
            for (int64_t x = cols; x < size.block_cols * PLANE_BLOCK; x++) sums[x] += row[cols - 1];
        }
        for (int64_t c = 0; c < size.block_cols; c++) {
            float sum = 0;
            for (int i = 0; i < PLANE_BLOCK; i++) sum += sums[c * PLANE_BLOCK + i];
            out[b * size.block_cols + c] = sum / (PLANE_BLOCK * PLANE_BLOCK);
        }
    }
    return SARC_OK;
}

/* out = pixels + scale * blocks, bilinear, held beyond the outermost middles. out may be pixels. */
SARC_EXPORT(int32_t, add_blocks)(const float *pixels, int64_t rows, int64_t cols, const float *blocks, float scale, float *out) {
    float up[PLANE_MOST_PX];
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    for (int64_t r = 0; r < rows; r++) {
        const float *from = pixels + r * cols;
        float *to = out + r * cols;
        plane_row_up(&size, blocks, r, up);
        for (int64_t x = 0; x < cols; x++) to[x] = from[x] + scale * up[x];
    }
    return SARC_OK;
}

/* Values of cells with one around (cell rows + 2, cell cols + 2), bilinear at blocks; every block lies in a cell. */
static void plane_cells_to_blocks(const float *cells, int64_t cell_rows, int64_t cell_cols, const plane_size *size, float *out) {
    for (int64_t b = 0; b < size->block_rows; b++) {
        const plane_between down = plane_place(((float)b + 0.5f) / PLANE_BLOCKS_A_CELL + 0.5f, cell_rows + 2);
        const float *low = cells + down.low * (cell_cols + 2), *high = cells + down.high * (cell_cols + 2);
        for (int64_t c = 0; c < size->block_cols; c++) {
            const plane_between across = plane_place(((float)c + 0.5f) / PLANE_BLOCKS_A_CELL + 0.5f, cell_cols + 2);
            const float left = low[across.low] * (1 - down.part) + high[across.low] * down.part;
            const float right = low[across.high] * (1 - down.part) + high[across.high] * down.part;
            out[b * size->block_cols + c] = left * (1 - across.part) + right * across.part;
        }
    }
}

/* Values below which `count` shares of n finite numbers lie, linear between order statistics. scratch: 2 n numbers. */
SARC_EXPORT(void, quantiles)(const float *values, int64_t n, const double *shares, int64_t count, uint32_t *scratch, double *out) {
    enum { DIGIT = 11, PASSES = 3 };
    uint32_t *from = scratch, *to = scratch + n;
    for (int64_t i = 0; i < n; i++) { /* keys that rise with the numbers */
        const uint32_t bits = (uint32_t)bits_of_float(values[i]);
        from[i] = bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
    }
    for (int pass = 0; pass < PASSES; pass++) { /* whatever the numbers are, it takes as long */
        uint32_t places[1 << DIGIT] = {0}, sum = 0;
        for (int64_t i = 0; i < n; i++) places[from[i] >> pass * DIGIT & ((1 << DIGIT) - 1)]++;
        for (int d = 0; d < 1 << DIGIT; d++) {
            const uint32_t here = places[d];
            places[d] = sum, sum += here;
        }
        for (int64_t i = 0; i < n; i++) to[places[from[i] >> pass * DIGIT & ((1 << DIGIT) - 1)]++] = from[i];
        uint32_t *const other = from;
        from = to, to = other;
    }
    for (int64_t k = 0; k < count; k++) {
        const double place = shares[k] * (double)(n - 1);
        const int64_t low = SARC_MAX(SARC_MIN((int64_t)place, n - 1), 0), high = SARC_MIN(low + 1, n - 1);
        double ends[2];
        for (int e = 0; e < 2; e++) {
            const uint32_t key = from[e ? high : low];
            ends[e] = float_of_bits((int32_t)(key >> 31 ? key ^ UINT32_C(1) << 31 : ~key));
        }
        out[k] = ends[0] + (ends[1] - ends[0]) * (place - (double)low);
    }
}
