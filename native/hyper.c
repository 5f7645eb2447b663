/* The hyper analysis: the network that hyper symbols are rounded from. Floats; the encoder alone runs it, one thread a tile, in one order: the same numbers for any
   number of threads, not on every machine.

   sarcodec/models/hyper_analysis.py says the same in NumPy. The 3 x 3 layers take a quarter of their products: 4 x 4 outputs at once from 6 x 6 inputs, in the
   domain where a convolution is a product (Winograd; Lavin and Gray, 2016). Weights come in that domain, as Python's packing has them. */
#include "level.h"

#include <math.h>

enum {
    HYPER_WIDTH = 192,
    HYPER_LATENTS = 1024,
    HYPER_PLAIN = 16, /* channels whose values are features too */
    HYPER_INPUTS = HYPER_LATENTS + HYPER_PLAIN + 1,
    HYPER_OUTPUTS = 24,
    HYPER_PANEL = 24,    /* outputs of a panel: its weights lie together, input by input */
    HYPER_ROWS = 4,      /* rows of a product at once */
    HYPER_DEPTH = 256,   /* inputs at once: a panel's part of them stays in the nearest cache */
    HYPER_SQUARE = 4,    /* a square has 4 x 4 outputs, from 6 x 6 inputs */
    HYPER_REACH = 6,
    HYPER_POINTS = HYPER_REACH * HYPER_REACH,
    HYPER_PART = 64,     /* cells of the first layer at once: their features stay in the second cache */
    HYPER_CELLS_MAX = 128 /* a side */
};

typedef float hyper_vector __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t hyper_wholes __attribute__((vector_size(32)));
enum { HYPER_LANES = 8 };

/* Panels of weights (outputs / 24, inputs, 24), and biases. */
typedef struct {
    const float *weight, *bias;
} hyper_layer;

typedef struct {
    hyper_layer first, inner, outer, last; /* inner, outer: weights of 36 points, one after another */
    const float *deviation;                /* of each latent, in its own unit */
} hyper_model;

/* A tile's cells within a frame of zeros, so that every square finds its 6 x 6 cells. */
typedef struct {
    int32_t rows, cols, high, wide; /* squares down and across */
    int64_t squares, stride;        /* squares, filled up to whole HYPER_ROWS; cells in a line of the frame */
    float *state, *inside, *points, *products, *features;
} hyper_tile;

static int64_t hyper_filled(int64_t rows) { return (rows + HYPER_ROWS - 1) / HYPER_ROWS * HYPER_ROWS; }

/* Loads it into a register now: compilers would load it again for each product. */
#if defined(__AVX2__)
#define HYPER_KEEP(vector) __asm__("" : "+x"(vector))
#else
#define HYPER_KEEP(vector) (void)(vector)
#endif

/* to[4][24] (rows `apart`) += x[4][depth] (rows `stride`) times a panel. */
SARC_INLINE void hyper_block(const float *x, int64_t stride, const float *panel, int64_t depth, float *to, int64_t apart) {
    enum { N = HYPER_PANEL / HYPER_LANES };
    hyper_vector sum[HYPER_ROWS][N];
    for (int r = 0; r < HYPER_ROWS; r++)
        for (int v = 0; v < N; v++) sum[r][v] = ((const hyper_vector *)(to + r * apart))[v];
    for (int64_t k = 0; k < depth; k++) {
        const hyper_vector *weights = (const hyper_vector *)(panel + k * HYPER_PANEL);
        hyper_vector weight[N];
        for (int v = 0; v < N; v++) {
            weight[v] = weights[v];
            HYPER_KEEP(weight[v]);
        }
        for (int r = 0; r < HYPER_ROWS; r++)
            for (int v = 0; v < N; v++) sum[r][v] += weight[v] * x[r * stride + k];
    }
    for (int r = 0; r < HYPER_ROWS; r++)
        for (int v = 0; v < N; v++) ((hyper_vector *)(to + r * apart))[v] = sum[r][v];
}

/* to (rows, outputs) += x (rows, inputs) times panels; whole HYPER_ROWS of rows. */
static void hyper_product(const float *x, int64_t rows, int64_t inputs, const float *panels, int64_t outputs, float *to) {
    for (int64_t o = 0; o < outputs; o += HYPER_PANEL)
        for (int64_t k = 0; k < inputs; k += HYPER_DEPTH)
            for (int64_t r = 0; r < rows; r += HYPER_ROWS)
                hyper_block(x + r * inputs + k, inputs, panels + o * inputs + k * HYPER_PANEL, SARC_MIN(inputs - k, HYPER_DEPTH), to + r * outputs + o, outputs);
}

/* log2 of numbers from 1 on, to 1e-6: of the exponent, and by the series of artanh of the rest, which is within a root of 2 of 1. */
SARC_INLINE hyper_vector hyper_log2(hyper_vector x) {
    const hyper_wholes bits = (hyper_wholes)x, above = (bits - 0x3f3504f3) >> 23;
    const hyper_vector rest = (hyper_vector)(bits - (above << 23)), s = (rest - 1.0f) / (rest + 1.0f), t = s * s;
    return __builtin_convertvector(above, hyper_vector) + s * (2.88539008f + t * (0.961796694f + t * (0.577078016f + t * (0.412198583f + t * 0.320598898f))));
}

/* What the network sees of a cell: how large its latents are, the first ones themselves, and the step. */
static void hyper_features(const float *latents, const float *deviation, float plane, float *features) {
    for (int c = 0; c < HYPER_LATENTS; c += HYPER_LANES) {
        const hyper_vector ratio = *(const hyper_vector *)(latents + c) / *(const hyper_vector *)(deviation + c);
        const hyper_vector size = (hyper_vector)((hyper_wholes)ratio & 0x7fffffff);
        *(hyper_vector *)(features + c) = hyper_log2(1.0f + 4.0f * size);
    }
    for (int c = 0; c < HYPER_PLAIN; c++) features[HYPER_LATENTS + c] = fminf(fmaxf(latents[c] / deviation[c], -8), 8);
    features[HYPER_INPUTS - 1] = plane;
}

/* Bt times six numbers that lie `apart`, in place. */
SARC_INLINE void hyper_inwards(hyper_vector *x, int apart) {
    const hyper_vector a = x[0], b = x[apart], c = x[2 * apart], d = x[3 * apart], e = x[4 * apart], f = x[5 * apart];
    const hyper_vector even = e - 4.0f * c, odd = d - 4.0f * b, last = e - c, twice = 2.0f * (d - b);
    x[0] = 4.0f * a - 5.0f * c + e;
    x[apart] = even + odd;
    x[2 * apart] = even - odd;
    x[3 * apart] = last + twice;
    x[4 * apart] = last - twice;
    x[5 * apart] = 4.0f * b - 5.0f * d + f;
}

/* At times six numbers: the first four of them then. */
SARC_INLINE void hyper_outwards(hyper_vector *x, int apart) {
    const hyper_vector near = x[apart] + x[2 * apart], across = x[apart] - x[2 * apart];
    const hyper_vector far = x[3 * apart] + x[4 * apart], beyond = x[3 * apart] - x[4 * apart];
    x[0] += near + far;
    x[apart] = across + 2.0f * beyond;
    x[2 * apart] = near + 4.0f * far;
    x[3 * apart] = across + 8.0f * beyond + x[5 * apart];
}

/* Cells -> the 36 points of each square: (36, squares, 192). */
static void hyper_analyse_squares(const hyper_tile *tile, const float *cells) {
    for (int64_t i = 0; i < (int64_t)tile->high * tile->wide; i++) {
        const float *corner = cells + (i / tile->wide * HYPER_SQUARE * tile->stride + i % tile->wide * HYPER_SQUARE) * HYPER_WIDTH;
        for (int c = 0; c < HYPER_WIDTH; c += HYPER_LANES) {
            hyper_vector x[HYPER_POINTS];
            for (int p = 0; p < HYPER_POINTS; p++)
                x[p] = *(const hyper_vector *)(corner + (p / HYPER_REACH * tile->stride + p % HYPER_REACH) * HYPER_WIDTH + c);
            for (int n = 0; n < HYPER_REACH; n++) hyper_inwards(x + n, HYPER_REACH);
            for (int n = 0; n < HYPER_REACH; n++) hyper_inwards(x + HYPER_REACH * n, 1);
            for (int p = 0; p < HYPER_POINTS; p++) *(hyper_vector *)(tile->points + (p * tile->squares + i) * HYPER_WIDTH + c) = x[p];
        }
    }
}

/* Products at the 36 points -> cells: cells' own numbers kept (and these added), or what is above 0 of these. */
static void hyper_synthesise_squares(const hyper_tile *tile, const float *bias, int added, float *cells) {
    for (int64_t i = 0; i < (int64_t)tile->high * tile->wide; i++) {
        const int64_t row = i / tile->wide * HYPER_SQUARE, col = i % tile->wide * HYPER_SQUARE;
        const int64_t high = SARC_MIN(tile->rows - row, HYPER_SQUARE), wide = SARC_MIN(tile->cols - col, HYPER_SQUARE);
        for (int c = 0; c < HYPER_WIDTH; c += HYPER_LANES) {
            hyper_vector x[HYPER_POINTS];
            for (int p = 0; p < HYPER_POINTS; p++) x[p] = *(const hyper_vector *)(tile->products + (p * tile->squares + i) * HYPER_WIDTH + c);
            for (int n = 0; n < HYPER_REACH; n++) hyper_outwards(x + n, HYPER_REACH);
            for (int n = 0; n < HYPER_SQUARE; n++) hyper_outwards(x + HYPER_REACH * n, 1);
            for (int64_t r = 0; r < high; r++)
                for (int64_t k = 0; k < wide; k++) {
                    hyper_vector *to = (hyper_vector *)(cells + ((row + r + 1) * tile->stride + col + k + 1) * HYPER_WIDTH + c);
                    const hyper_vector found = x[r * HYPER_REACH + k] + *(const hyper_vector *)(bias + c);
                    if (added) *to += found;
                    else *to = (hyper_vector)((hyper_wholes)found & (found > 0.0f));
                }
        }
    }
}

static void hyper_around(const hyper_tile *tile, const hyper_layer *layer, const float *from, int added, float *to) {
    const int64_t size = tile->squares * HYPER_WIDTH;
    hyper_analyse_squares(tile, from);
    memset(tile->products, 0, (size_t)(HYPER_POINTS * size) * sizeof *tile->products);
    for (int64_t p = 0; p < HYPER_POINTS; p++)
        hyper_product(tile->points + p * size, tile->squares, HYPER_WIDTH, layer->weight + p * HYPER_WIDTH * HYPER_WIDTH, HYPER_WIDTH, tile->products + p * size);
    hyper_synthesise_squares(tile, layer->bias, added, to);
}

/* The first layer on cells `begin` to `end` of the tile, row by row, into the frame. */
static void hyper_first_part(const hyper_tile *tile, const hyper_model *model, const float *latents, int32_t rows, int32_t cols, float plane, int32_t begin, int32_t end) {
    for (int32_t i = begin; i < end; i++) {
        const int32_t row = i / tile->cols, col = i % tile->cols;
        float *features = tile->features + (int64_t)(i - begin) * HYPER_INPUTS;
        if (row < rows && col < cols) hyper_features(latents + ((int64_t)row * cols + col) * HYPER_LATENTS, model->deviation, plane, features);
        else memset(features, 0, HYPER_INPUTS * sizeof *features);
        memcpy(tile->products + (int64_t)(i - begin) * HYPER_WIDTH, model->first.bias, HYPER_WIDTH * sizeof *features);
    }
    hyper_product(tile->features, hyper_filled(end - begin), HYPER_INPUTS, model->first.weight, HYPER_WIDTH, tile->products);
    for (int32_t i = begin; i < end; i++) {
        const float *sums = tile->products + (int64_t)(i - begin) * HYPER_WIDTH;
        float *to = tile->state + ((i / tile->cols + 1) * tile->stride + i % tile->cols + 1) * HYPER_WIDTH;
        for (int c = 0; c < HYPER_WIDTH; c++) to[c] = sums[c] > 0 ? sums[c] : 0;
    }
}

/* The last layer: 2 x 2 cells -> 24 numbers. */
static void hyper_last(const hyper_tile *tile, const hyper_layer *layer, float *out) {
    const int32_t wide = tile->cols / 2, count = tile->rows / 2 * wide;
    float *sums = tile->products;
    for (int32_t i = 0; i < count; i++) {
        memcpy(sums + (int64_t)i * HYPER_OUTPUTS, layer->bias, HYPER_OUTPUTS * sizeof *sums);
        for (int p = 0; p < 4; p++)
            memcpy(tile->points + ((int64_t)i * 4 + p) * HYPER_WIDTH,
                   tile->state + ((i / wide * 2 + p / 2 + 1) * tile->stride + i % wide * 2 + p % 2 + 1) * HYPER_WIDTH, HYPER_WIDTH * sizeof *sums);
    }
    hyper_product(tile->points, hyper_filled(count), 4 * HYPER_WIDTH, layer->weight, HYPER_OUTPUTS, sums);
    memcpy(out, sums, (size_t)count * HYPER_OUTPUTS * sizeof *sums);
}

/* Latents (rows, cols, 1024) in dB -> out (rows / 2, cols / 2, 24), halves rounded up. plane: what the network is told of the step. */
SARC_EXPORT(int32_t, hyper)(const float *const *arrays, const float *latents, int32_t rows, int32_t cols, float plane, float *out) {
    if (rows < 1 || cols < 1 || rows > HYPER_CELLS_MAX || cols > HYPER_CELLS_MAX) return SARC_REFUSED;
    const hyper_model model = {{arrays[0], arrays[1]}, {arrays[2], arrays[3]}, {arrays[4], arrays[5]}, {arrays[6], arrays[7]}, arrays[8]};
    hyper_tile tile = {.rows = rows + (rows & 1), .cols = cols + (cols & 1)};
    tile.high = (tile.rows + HYPER_SQUARE - 1) / HYPER_SQUARE, tile.wide = (tile.cols + HYPER_SQUARE - 1) / HYPER_SQUARE;
    tile.squares = hyper_filled((int64_t)tile.high * tile.wide);
    tile.stride = tile.wide * HYPER_SQUARE + 2;
    const int64_t frame = (tile.high * HYPER_SQUARE + 2) * tile.stride * HYPER_WIDTH, points = HYPER_POINTS * tile.squares * HYPER_WIDTH;
    const int64_t features = HYPER_PART * HYPER_INPUTS;
    tile.state = calloc((size_t)(2 * frame + 2 * points + features), sizeof *tile.state);
    if (!tile.state) return SARC_NO_MEMORY;
    tile.inside = tile.state + frame, tile.points = tile.inside + frame, tile.products = tile.points + points, tile.features = tile.products + points;
    const int32_t cells = tile.rows * tile.cols;
    for (int32_t i = 0; i < cells; i += HYPER_PART) hyper_first_part(&tile, &model, latents, rows, cols, plane, i, SARC_MIN(i + HYPER_PART, cells));
    hyper_around(&tile, &model.inner, tile.state, 0, tile.inside);
    hyper_around(&tile, &model.outer, tile.inside, 1, tile.state);
    hyper_last(&tile, &model.last, out);
    free(tile.state);
    return SARC_OK;
}
