/* Matrix products of whole numbers: int16 by int16, summed in int32, with the right side packed once a model. Exact as long as every sum fits, which
   sarcodec/entropy/integer_layers.py proves (it says the same in NumPy, in float32).

   The left side is given by addresses: row m of the product is the numbers at left[m * taps], then those at left[m * taps + 1], ... A dense layer has one
   tap; a convolution has one for each neighbour that it sees, so that no neighbourhood is copied together. */
#include "level.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include <immintrin.h>
enum { PRODUCT_BYTES = 64, PRODUCT_ROWS = 12 };
#elif defined(__AVX2__)
#include <immintrin.h>
enum { PRODUCT_BYTES = 32, PRODUCT_ROWS = 6 };
#elif defined(__SSE2__)
#include <emmintrin.h>
enum { PRODUCT_BYTES = 16, PRODUCT_ROWS = 6 };
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
enum { PRODUCT_BYTES = 16, PRODUCT_ROWS = 6 };
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
enum { PRODUCT_BYTES = 16, PRODUCT_ROWS = 4 };
#else
enum { PRODUCT_BYTES = 16, PRODUCT_ROWS = 4 };
#endif

enum {
    PRODUCT_VECTORS = 2,                 /* of sums in a row of a tile that is held in registers */
    PRODUCT_LANES = PRODUCT_BYTES / 4,   /* sums in a vector */
    PRODUCT_PANEL = PRODUCT_VECTORS * PRODUCT_LANES,
    PRODUCT_ALIGNED = 8 /* numbers of a tap are filled up to a multiple of this, with zeros */
};

typedef int32_t product_sums __attribute__((vector_size(PRODUCT_BYTES)));
typedef int32_t product_sums_anywhere __attribute__((vector_size(PRODUCT_BYTES), aligned(1), may_alias));
typedef int16_t product_pairs __attribute__((vector_size(PRODUCT_BYTES)));
typedef int16_t product_pairs_anywhere __attribute__((vector_size(PRODUCT_BYTES), aligned(1), may_alias));
typedef int16_t product_shorts_anywhere __attribute__((vector_size(PRODUCT_BYTES / 2), aligned(1), may_alias));

/* product_add(sum, a, b): to each sum the two products of its pair. What is summed is turned into one number a column by product_joined. */
#if defined(__ARM_NEON) && defined(__aarch64__) && !defined(__AVX2__)
typedef struct {
    int32x4_t low, high; /* first and second numbers of pairs apart: added up at the end */
} product_sum;
SARC_INLINE product_sum product_add(product_sum sum, product_pairs a, product_pairs b) {
    return (product_sum){vmlal_s16(sum.low, vget_low_s16((int16x8_t)a), vget_low_s16((int16x8_t)b)), vmlal_high_s16(sum.high, (int16x8_t)a, (int16x8_t)b)};
}
SARC_INLINE product_sums product_joined(product_sum sum) { return (product_sums)vpaddq_s32(sum.low, sum.high); }
#else
typedef product_sums product_sum;
SARC_INLINE product_sums product_joined(product_sum sum) { return sum; }
SARC_INLINE product_sum product_add(product_sum sum, product_pairs a, product_pairs b) {
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
    return (product_sum)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return sum + (product_sum)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return sum + (product_sum)_mm_madd_epi16((__m128i)a, (__m128i)b);
#elif defined(__wasm_simd128__)
    return sum + (product_sum)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
#else
    const product_sums x = (product_sums)a, y = (product_sums)b, first_x = (product_sums)((product_sums)((__typeof__(x))(x << 16)) >> 16);
    return sum + first_x * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
#endif
}
#endif

/* A right side, or some taps of one. packed: panel after panel of PRODUCT_PANEL outputs; in each, tap after tap, pairs of inputs, and both numbers of a pair
   side by side. */
typedef struct {
    int32_t taps, inputs; /* inputs of a tap, filled up */
    int32_t outputs;      /* filled up to whole panels */
    size_t panel;         /* numbers from one panel to the next */
    int16_t *packed;
} product_matrix;

SARC_INLINE int32_t product_filled(int32_t count, int32_t unit) { return (count + unit - 1) / unit * unit; }

/* weights (taps * inputs, outputs) with their taps in another order. Gives SARC_OK or SARC_NO_MEMORY; product_drop frees it. */
static int32_t product_pack(product_matrix *made, const int16_t *weights, int32_t inputs, int32_t outputs, const uint8_t *order, int32_t taps) {
    const int32_t filled = product_filled(inputs, PRODUCT_ALIGNED), wide = product_filled(outputs, PRODUCT_PANEL);
    *made = (product_matrix){taps, filled, wide, (size_t)taps * filled * PRODUCT_PANEL, calloc((size_t)taps * filled * wide, sizeof(int16_t))};
    if (!made->packed) return SARC_NO_MEMORY;
    int16_t *to = made->packed;
    for (int32_t panel = 0; panel < wide; panel += PRODUCT_PANEL)
        for (int32_t tap = 0; tap < taps; tap++, to += (size_t)filled * PRODUCT_PANEL)
            for (int32_t i = 0; i < inputs; i++) {
                const int16_t *from = weights + ((size_t)order[tap] * inputs + i) * outputs + panel;
                int16_t *pair = to + (size_t)(i / 2) * 2 * PRODUCT_PANEL + i % 2;
                for (int32_t o = 0; o < SARC_MIN(PRODUCT_PANEL, outputs - panel); o++) pair[2 * o] = from[o];
            }
    return SARC_OK;
}

/* Some taps of a right side, which it goes on owning. */
static product_matrix product_taps(const product_matrix *of, int32_t first, int32_t taps) {
    return (product_matrix){taps, of->inputs, of->outputs, of->panel, of->packed + (size_t)first * of->inputs * PRODUCT_PANEL};
}

static void product_drop(product_matrix *made) {
    free(made->packed);
    made->packed = NULL;
}

/* What becomes of the sums of a product. */
typedef struct {
    int32_t *total;        /* PRODUCT_TOTALS: (rows, outputs), added to */
    const int32_t *bias;   /* (outputs), else: what the sums begin with, rounding included */
    const int32_t *shift;  /* (outputs): bits that are dropped */
    int16_t *activation;   /* PRODUCT_ACTIVATIONS: (rows, outputs), clipped to 0..255 */
    int32_t *rounded;      /* PRODUCT_ROUNDED: (rows, outputs), not clipped */
} product_end;

enum { PRODUCT_TOTALS, PRODUCT_ACTIVATIONS, PRODUCT_ROUNDED };

SARC_INLINE product_sums product_load(const int32_t *from) { return *(const product_sums_anywhere *)from; }

SARC_INLINE void product_store_shorts(int16_t *to, product_sums x) {
    typedef int16_t shorts __attribute__((vector_size(PRODUCT_BYTES / 2)));
    *(product_shorts_anywhere *)to = (product_shorts_anywhere)__builtin_convertvector(x, shorts);
}

SARC_INLINE product_sums product_clipped(product_sums x, int32_t low, int32_t high) {
    const product_sums lows = low - (product_sums){0}, highs = high - (product_sums){0};
    product_sums below = x < lows;
    x = (x & ~below) | (lows & below);
    product_sums above = x > highs;
    return (x & ~above) | (highs & above);
}

SARC_INLINE void product_finish(int32_t kind, product_sums x, const product_end *end, size_t at, int32_t column) {
    if (kind == PRODUCT_TOTALS) {
        *(product_sums_anywhere *)(end->total + at) = product_load(end->total + at) + x;
        return;
    }
    x = (x + product_load(end->bias + column)) >> product_load(end->shift + column);
    if (kind == PRODUCT_ACTIVATIONS)
        product_store_shorts(end->activation + at, product_clipped(x, 0, 255));
    else
        *(product_sums_anywhere *)(end->rounded + at) = x;
}

/* Loops over a tile are written out, or the compiler would keep the sums in memory; four pairs at a time are 5 % faster than one. */
#if defined(__clang__)
#define PRODUCT_UNROLLED _Pragma("unroll")
#define PRODUCT_BY_FOUR _Pragma("unroll 4")
#else
#define PRODUCT_UNROLLED _Pragma("GCC unroll 16")
#define PRODUCT_BY_FOUR _Pragma("GCC unroll 4")
#endif

/* A tile of the product that is held in registers: `rows` rows of one panel. rows and kind are constants where this is called. */
SARC_INLINE void product_tile(int32_t rows, int32_t kind, const int16_t *const *left, int32_t taps, int32_t inputs, const int16_t *panel, int32_t row,
                              int32_t column, int32_t outputs, const product_end *end) {
    product_sum sum[PRODUCT_ROWS][PRODUCT_VECTORS];
    PRODUCT_UNROLLED for (int32_t r = 0; r < rows; r++)
        PRODUCT_UNROLLED for (int32_t v = 0; v < PRODUCT_VECTORS; v++) sum[r][v] = (product_sum){0};
    for (int32_t tap = 0; tap < taps; tap++) {
        const int16_t *from[PRODUCT_ROWS];
        PRODUCT_UNROLLED for (int32_t r = 0; r < rows; r++) from[r] = left[(size_t)r * taps + tap];
        PRODUCT_BY_FOUR for (int32_t i = 0; i < inputs; i += 2, panel += 2 * PRODUCT_PANEL) {
            product_pairs right[PRODUCT_VECTORS];
            PRODUCT_UNROLLED for (int32_t v = 0; v < PRODUCT_VECTORS; v++)
                right[v] = *(const product_pairs_anywhere *)(panel + 2 * v * PRODUCT_LANES);
            PRODUCT_UNROLLED for (int32_t r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, from[r] + i, sizeof pair);
                const product_pairs same = (product_pairs)(pair - (product_sums){0});
                PRODUCT_UNROLLED for (int32_t v = 0; v < PRODUCT_VECTORS; v++) sum[r][v] = product_add(sum[r][v], same, right[v]);
            }
        }
    }
    PRODUCT_UNROLLED for (int32_t r = 0; r < rows; r++)
        PRODUCT_UNROLLED for (int32_t v = 0; v < PRODUCT_VECTORS; v++) {
            const int32_t at = column + v * PRODUCT_LANES;
            product_finish(kind, product_joined(sum[r][v]), end, (size_t)(row + r) * outputs + at, at);
        }
}

/* The same for a number of rows that is not known before. */
SARC_INLINE void product_rows(int32_t rows, int32_t kind, const int16_t *const *left, const product_matrix *by, const int16_t *panel, int32_t row,
                              int32_t column, const product_end *end) {
#define PRODUCT_CASE(n) \
    case n: \
        if (n <= PRODUCT_ROWS) product_tile(SARC_MIN(n, PRODUCT_ROWS), kind, left, by->taps, by->inputs, panel, row, column, by->outputs, end); \
        break
    switch (rows) {
        PRODUCT_CASE(1);
        PRODUCT_CASE(2);
        PRODUCT_CASE(3);
        PRODUCT_CASE(4);
        PRODUCT_CASE(5);
        PRODUCT_CASE(6);
        PRODUCT_CASE(7);
        PRODUCT_CASE(8);
        PRODUCT_CASE(9);
        PRODUCT_CASE(10);
        PRODUCT_CASE(11);
        PRODUCT_CASE(12);
    }
#undef PRODUCT_CASE
}

SARC_INLINE void product(int32_t kind, const int16_t *const *left, int32_t rows, const product_matrix *by, const product_end *end) {
    const int16_t *panel = by->packed;
    for (int32_t column = 0; column < by->outputs; column += PRODUCT_PANEL, panel += by->panel)
        for (int32_t row = 0, some; row < rows; row += some) {
            const int32_t rest = rows - row; /* the last two tiles share what is left: small ones cannot keep the multipliers busy */
            some = rest >= 2 * PRODUCT_ROWS || rest <= PRODUCT_ROWS ? SARC_MIN(rest, PRODUCT_ROWS) : (rest + 1) / 2;
            product_rows(some, kind, left + (size_t)row * by->taps, by, panel, row, column, end);
        }
}

/* total += left by right. */
static __attribute__((noinline)) void product_totals(const int16_t *const *left, int32_t rows, const product_matrix *by, int32_t *total) {
    const product_end end = {.total = total};
    product(PRODUCT_TOTALS, left, rows, by, &end);
}

/* activation = (left by right + bias) >> shift, clipped to 0..255. */
static __attribute__((noinline)) void product_activations(const int16_t *const *left, int32_t rows, const product_matrix *by, const int32_t *bias,
                                                          const int32_t *shift, int16_t *activation) {
    const product_end end = {.bias = bias, .shift = shift, .activation = activation};
    product(PRODUCT_ACTIVATIONS, left, rows, by, &end);
}

/* rounded = (left by right + bias) >> shift. */
static __attribute__((noinline)) void product_rounded(const int16_t *const *left, int32_t rows, const product_matrix *by, const int32_t *bias,
                                                      const int32_t *shift, int32_t *rounded) {
    const product_end end = {.bias = bias, .shift = shift, .rounded = rounded};
    product(PRODUCT_ROUNDED, left, rows, by, &end);
}
