/* The lapped block transform of a tile: kept latents to levels in dB, and levels to latents. Float32.

   docs/format.md, 11 has the law; sarcodec/signal/lapped.py says the same in NumPy. The work goes row of cells by row of cells, so that what is touched
   stays in the caches nearest to the processor.

   The DCT of 32 points is symmetric: its even frequencies see sums of mirrored pixels, its odd ones differences. A block is therefore four quadrants
   of 16 x 16 (rows even or odd, columns even or odd), each with two products of 16 x 16 matrices: half the work of products of 32. */
#include "level.h"

enum { LAPPED_BLOCK = 32, LAPPED_HALF = 16, LAPPED_CHANNELS = 1024, LAPPED_QUADRANT = 256, LAPPED_MOST_CELLS = 16, LAPPED_COLS = 16 };
enum { LAPPED_WIDTH = LAPPED_BLOCK * (LAPPED_MOST_CELLS + 1) }; /* of a row of cells from the middle of the cell before it to that of the one behind it */

/* The largest vectors of this processor, and how many rows of 16 columns are summed up at once: eight sums hide the latency of the multiplier. */
#if defined(__AVX512F__)
enum { LAPPED_LANES = 16, LAPPED_ROWS = 8 };
#elif defined(__AVX__)
enum { LAPPED_LANES = 8, LAPPED_ROWS = 4 };
#elif defined(__aarch64__)
enum { LAPPED_LANES = 4, LAPPED_ROWS = 4 };
#else
enum { LAPPED_LANES = 4, LAPPED_ROWS = 2 };
#endif
enum { LAPPED_VECTORS = LAPPED_COLS / LAPPED_LANES };
typedef float lapped_vector __attribute__((vector_size(4 * LAPPED_LANES)));
typedef float lapped_unaligned __attribute__((vector_size(4 * LAPPED_LANES), aligned(4), may_alias));

/* GCC would read a vector from memory again for every product it is in, and the loads would take longer than the products: it is told that a value is
   changed here. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX512F__)
#define LAPPED_IN_REGISTER(vector) __asm__("" : "+v"(vector))
#elif defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define LAPPED_IN_REGISTER(vector) __asm__("" : "+x"(vector))
#else
#define LAPPED_IN_REGISTER(vector) (void)(vector)
#endif

/* Matrices, row by row: of the DCT of 32 points its even and its odd frequencies at the first 16 pixels (frequency, pixel), those transposed, and the
   rotation around a border with its transpose. */
typedef struct {
    float basis[2][LAPPED_QUADRANT], transposed[2][LAPPED_QUADRANT], rotation[LAPPED_CHANNELS], rotation_transposed[LAPPED_CHANNELS];
} lapped_tables;

/* out[r][c] = sum of a[r * a_row + k * a_step] * b[k * b_step + c] for k below depth; rows a multiple of 8, cols of 16. */
SARC_INLINE void lapped_product(const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, ptrdiff_t b_step, int depth, float *out,
                                ptrdiff_t out_row, int rows, int cols) {
    for (int c = 0; c < cols; c += LAPPED_COLS)
        for (int r = 0; r < rows; r += LAPPED_ROWS) {
            lapped_vector sum[LAPPED_ROWS][LAPPED_VECTORS] = {{{0}}};
            for (int k = 0; k < depth; k++) {
                lapped_vector right[LAPPED_VECTORS];
                for (int v = 0; v < LAPPED_VECTORS; v++) {
                    right[v] = *(const lapped_unaligned *)(b + k * b_step + c + v * LAPPED_LANES);
                    LAPPED_IN_REGISTER(right[v]);
                }
                for (int i = 0; i < LAPPED_ROWS; i++)
                    for (int v = 0; v < LAPPED_VECTORS; v++) sum[i][v] += a[(r + i) * a_row + k * a_step] * right[v];
            }
            for (int i = 0; i < LAPPED_ROWS; i++)
                for (int v = 0; v < LAPPED_VECTORS; v++) *(lapped_unaligned *)(out + (r + i) * out_row + c + v * LAPPED_LANES) = sum[i][v];
        }
}

/* out = a b, three matrices of 16 x 16. */
static void lapped_square(const float *a, const float *b, float *out) {
    lapped_product(a, LAPPED_HALF, 1, b, LAPPED_HALF, LAPPED_HALF, out, LAPPED_HALF, LAPPED_HALF, LAPPED_HALF);
}

/* The four quadrants of the latents of a block, [even or odd rows][even or odd columns][16 x 16], to those of its pixels or back: left by one matrix,
   right by another. */
static void lapped_quadrants(const float left[2][LAPPED_QUADRANT], const float right[2][LAPPED_QUADRANT], float *quadrants) {
    float half[LAPPED_QUADRANT];
    for (int q = 0; q < 4; q++) {
        lapped_square(left[q >> 1], quadrants + q * LAPPED_QUADRANT, half);
        lapped_square(half, right[q & 1], quadrants + q * LAPPED_QUADRANT);
    }
}

/* Quadrants to the pixels (32, 32) of a block: x + y at i, x - y at its mirrored place 31 - i. */
static void lapped_unfold(const float *quadrants, float *pixels, ptrdiff_t row) {
    for (int i = 0; i < LAPPED_HALF; i++) {
        const float *q = quadrants + i * LAPPED_HALF;
        float *top = pixels + i * row, *bottom = pixels + (LAPPED_BLOCK - 1 - i) * row;
        for (int j = 0; j < LAPPED_HALF; j++) {
            const float even = q[j] + q[2 * LAPPED_QUADRANT + j], odd = q[LAPPED_QUADRANT + j] + q[3 * LAPPED_QUADRANT + j];
            top[j] = even + odd, top[LAPPED_BLOCK - 1 - j] = even - odd;
        }
        for (int j = 0; j < LAPPED_HALF; j++) {
            const float even = q[j] - q[2 * LAPPED_QUADRANT + j], odd = q[LAPPED_QUADRANT + j] - q[3 * LAPPED_QUADRANT + j];
            bottom[j] = even + odd, bottom[LAPPED_BLOCK - 1 - j] = even - odd;
        }
    }
}

/* The way back, for the forward transform. */
static void lapped_fold(const float *pixels, ptrdiff_t row, float *quadrants) {
    for (int i = 0; i < LAPPED_HALF; i++) {
        float *q = quadrants + i * LAPPED_HALF;
        const float *top = pixels + i * row, *bottom = pixels + (LAPPED_BLOCK - 1 - i) * row;
        for (int j = 0; j < LAPPED_HALF; j++) {
            const float a = top[j] + bottom[j], b = top[LAPPED_BLOCK - 1 - j] + bottom[LAPPED_BLOCK - 1 - j];
            q[j] = a + b, q[LAPPED_QUADRANT + j] = a - b;
        }
        for (int j = 0; j < LAPPED_HALF; j++) {
            const float a = top[j] - bottom[j], b = top[LAPPED_BLOCK - 1 - j] - bottom[LAPPED_BLOCK - 1 - j];
            q[2 * LAPPED_QUADRANT + j] = a + b, q[3 * LAPPED_QUADRANT + j] = a - b;
        }
    }
}

/* A row of cells, 32 rows of pixels, rotated around each vertical border between `cols` cells and half a cell on both sides: out is the inner part of
   `in` that reaches to the middle of the outer cells. */
static void lapped_rotate_across(const float *in, ptrdiff_t in_row, const float *rotation, const uint8_t *lapped, int64_t cols, float *out) {
    for (int64_t b = 0; b <= cols; b++) {
        const float *from = in + b * LAPPED_BLOCK;
        float *to = out + b * LAPPED_BLOCK;
        if (lapped[b])
            lapped_product(from, in_row, 1, rotation, LAPPED_BLOCK, LAPPED_BLOCK, to, LAPPED_WIDTH, LAPPED_BLOCK, LAPPED_BLOCK);
        else
            for (int i = 0; i < LAPPED_BLOCK; i++) memcpy(to + i * LAPPED_WIDTH, from + i * in_row, LAPPED_BLOCK * sizeof *to);
    }
}

/* Rows first .. first + count of the 32 around a horizontal border, rotated where it is lapped. transposed: of the rotation that is meant. */
static void lapped_rotate_down(const float *in, ptrdiff_t in_row, const float *transposed, int is_lapped, int first, int count, int64_t cols, float *out,
                               ptrdiff_t out_row) {
    if (is_lapped)
        lapped_product(transposed + first, 1, LAPPED_BLOCK, in, in_row, LAPPED_BLOCK, out, out_row, count, (int)cols);
    else
        for (int i = 0; i < count; i++) memcpy(out + i * out_row, in + (first + i) * in_row, (size_t)cols * sizeof *out);
}

/* Cells of a tile or of one side of a neighbour, row by row: their latents of a type, and what 1 is in dB by channel. values NULL: all 0. */
typedef struct {
    const void *values;
    const float *unit_db;
    int64_t type;
} lapped_piece;
enum { LAPPED_INT16 = 0, LAPPED_INT32 = 1, LAPPED_FLOAT32 = 2 };

/* The latents of a cell in dB, each at its place in the quadrants. */
static void lapped_dequantise(const lapped_piece *piece, int64_t cell, const uint16_t *places, float *quadrants) {
    const float *unit = piece->unit_db;
    const int64_t begin = cell * LAPPED_CHANNELS;
    if (piece->type == LAPPED_INT16) {
        const int16_t *values = (const int16_t *)piece->values + begin;
        for (int c = 0; c < LAPPED_CHANNELS; c++) quadrants[places[c]] = (float)values[c] * unit[c];
    } else if (piece->type == LAPPED_INT32) {
        const int32_t *values = (const int32_t *)piece->values + begin;
        for (int c = 0; c < LAPPED_CHANNELS; c++) quadrants[places[c]] = (float)values[c] * unit[c];
    } else {
        const float *values = (const float *)piece->values + begin;
        for (int c = 0; c < LAPPED_CHANNELS; c++) quadrants[places[c]] = values[c] * unit[c];
    }
}

/* The pixels of row r of the cells of a tile and one cell around, before the borders are rotated: strip (32, 32 (cols + 2)). */
static void lapped_cell_row(const lapped_tables *tables, const uint16_t *places, const lapped_piece pieces[9], int64_t r, int64_t rows, int64_t cols,
                            float *strip) {
    const ptrdiff_t width = LAPPED_BLOCK * (cols + 2);
    const int64_t down = r < 0 ? 0 : r < rows ? 1 : 2;
    for (int64_t c = -1; c <= cols; c++) {
        const int64_t across = c < 0 ? 0 : c < cols ? 1 : 2;
        const lapped_piece *piece = pieces + 3 * down + across;
        float *pixels = strip + (c + 1) * LAPPED_BLOCK, quadrants[LAPPED_CHANNELS];
        if (!piece->values) {
            for (int i = 0; i < LAPPED_BLOCK; i++) memset(pixels + i * width, 0, LAPPED_BLOCK * sizeof *pixels);
            continue;
        }
        lapped_dequantise(piece, (down == 1 ? r : 0) * (across == 1 ? cols : 1) + (across == 1 ? c : 0), places, quadrants);
        lapped_quadrants(tables->transposed, tables->basis, quadrants);
        lapped_unfold(quadrants, pixels, width);
    }
}

/* Adds an offset and tells whether all that comes out is finite. */
static int lapped_offset(float *levels, int64_t n, float offset) {
    uint32_t worst = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        levels[i] += offset;
        memcpy(&bits, levels + i, sizeof bits);
        worst = SARC_MAX(worst, bits & 0x7fffffff);
    }
    return worst < 0x7f800000;
}

/* Latents of a tile of rows x cols cells and of the cells around it to levels (32 rows, 32 cols) in dB above `offset`. pieces: above left, above, above
   right, left, the tile, right, below left, below, below right: the one row, column or cell of each neighbour that touches the tile. row_borders (rows + 1),
   col_borders (cols + 1): whether a border is rotated. places: of each channel in the quadrants. SARC_DAMAGED where a level is not finite. */
SARC_EXPORT(int32_t, lapped_synthesise)(const lapped_tables *tables, const uint16_t *places, const lapped_piece *pieces, const uint8_t *row_borders,
                                        const uint8_t *col_borders, int64_t rows, int64_t cols, float offset, float *levels) {
    if (rows < 1 || cols < 1 || rows > LAPPED_MOST_CELLS || cols > LAPPED_MOST_CELLS) return SARC_REFUSED;
    const ptrdiff_t width = LAPPED_BLOCK * cols, strip_row = width + 2 * LAPPED_BLOCK;
    float *strip = malloc(sizeof(float) * (LAPPED_BLOCK * strip_row + 3 * LAPPED_HALF * LAPPED_WIDTH));
    if (!strip) return SARC_NO_MEMORY;
    float *held = strip + LAPPED_BLOCK * strip_row, *fresh = held + LAPPED_HALF * LAPPED_WIDTH; /* the lower half of the row before; this row */
    int finite = 1;
    for (int64_t r = -1; r <= rows; r++) {
        lapped_cell_row(tables, places, pieces, r, rows, cols, strip);
        lapped_rotate_across(strip + LAPPED_HALF, strip_row, tables->rotation, col_borders, cols, fresh);
        if (r >= 0) {
            const int first = r == 0 ? LAPPED_HALF : 0, count = r == 0 || r == rows ? LAPPED_HALF : LAPPED_BLOCK;
            float *out = levels + (r * LAPPED_BLOCK - LAPPED_HALF + first) * width;
            lapped_rotate_down(held + LAPPED_HALF, LAPPED_WIDTH, tables->rotation, row_borders[r], first, count, width, out, width);
            finite &= lapped_offset(out, count * width, offset);
        }
        memcpy(held, fresh + LAPPED_HALF * LAPPED_WIDTH, sizeof(float) * LAPPED_HALF * LAPPED_WIDTH);
    }
    free(strip);
    return finite ? SARC_OK : SARC_DAMAGED;
}

/* Levels (32 (rows + 2), 32 (cols + 2)) in dB of a tile and a cell around to latents (rows, cols, 1024) in dB; borders and places as above. */
SARC_EXPORT(int32_t, lapped_analyse)(const lapped_tables *tables, const uint16_t *places, const float *levels, const uint8_t *row_borders,
                                     const uint8_t *col_borders, int64_t rows, int64_t cols, float *latents) {
    if (rows < 1 || cols < 1 || rows > LAPPED_MOST_CELLS || cols > LAPPED_MOST_CELLS) return SARC_REFUSED;
    const ptrdiff_t width = LAPPED_BLOCK * (cols + 1), levels_row = LAPPED_BLOCK * (cols + 2);
    float *down = malloc(sizeof(float) * 2 * LAPPED_WIDTH * (LAPPED_BLOCK + LAPPED_HALF));
    if (!down) return SARC_NO_MEMORY;
    float *across = down + (LAPPED_BLOCK + LAPPED_HALF) * LAPPED_WIDTH, quadrants[LAPPED_CHANNELS];
    for (int64_t r = 0; r <= rows; r++) {
        /* 48 rows: the lower half of the border before, then this border's 32. */
        lapped_rotate_down(levels + (r * LAPPED_BLOCK + LAPPED_HALF) * levels_row + LAPPED_HALF, levels_row, tables->rotation_transposed, row_borders[r], 0,
                           LAPPED_BLOCK, width, down + LAPPED_HALF * LAPPED_WIDTH, LAPPED_WIDTH);
        if (r > 0) {
            lapped_rotate_across(down, LAPPED_WIDTH, tables->rotation_transposed, col_borders, cols, across);
            for (int64_t c = 0; c < cols; c++) {
                lapped_fold(across + LAPPED_HALF + c * LAPPED_BLOCK, LAPPED_WIDTH, quadrants);
                lapped_quadrants(tables->basis, tables->transposed, quadrants);
                float *out = latents + ((r - 1) * cols + c) * LAPPED_CHANNELS;
                for (int i = 0; i < LAPPED_CHANNELS; i++) out[i] = quadrants[places[i]];
            }
        }
        memcpy(down, down + LAPPED_BLOCK * LAPPED_WIDTH, sizeof(float) * LAPPED_HALF * LAPPED_WIDTH);
    }
    free(down);
    return SARC_OK;
}
