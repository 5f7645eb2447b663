/* A published model's weights as the walk wants them: packed once, read by any number of threads, freed once.

   sarcodec/entropy/prior_arrays.py has proved shapes and bounds before the arrays come here; what would be undefined in C is tried again. */
#include "walk.h"

enum {
    MODEL_GROUPS = WALK_GROUPS,
    MODEL_PASSES = 2 * MODEL_GROUPS,
    MODEL_HYPER_CHANNELS = 24,
    MODEL_OCTAVES = 10, /* tables a hyper channel */
    MODEL_KNOTS = 11,
    MODEL_POWERS = 1024,
    MODEL_COMPANDING = 8192,
    MODEL_TAPS = 9,
    MODEL_OWN_TAPS = 5, /* of a cell's 3 x 3, those in its own half; the other four follow */
    MODEL_CENTRE = 2    /* the cell itself among them */
};
static const int32_t MODEL_SIZE[MODEL_GROUPS] = {16, 80, 288, 640};
static const int32_t MODEL_BEGIN[MODEL_GROUPS] = {0, 16, 96, 384};
static const int32_t MODEL_FEATURES[MODEL_GROUPS] = {32, 160, 144, 40};
static const int32_t MODEL_REFERENCE_TAPS[MODEL_GROUPS] = {9, 9, 1, 1};
static const uint8_t MODEL_TAP_ORDER[MODEL_TAPS] = {0, 2, 4, 6, 8, 1, 3, 5, 7}; /* own half, other half */
static const uint8_t MODEL_ROW_ORDER[MODEL_TAPS] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

typedef struct {
    product_matrix by;
    int32_t *bias, *shift; /* filled up to whole panels; rounding is in the bias */
} model_layer;

struct model {
    int32_t sides, width;
    model_layer hyper[3], hidden[MODEL_PASSES], head[MODEL_PASSES], gain[MODEL_PASSES];
    product_matrix side, groups[MODEL_GROUPS], references[MODEL_GROUPS];
    int32_t *knots; /* of the accumulator's bias, (8, width, 11) */
    int32_t *exponent; /* of the accumulator, filled up */
    int32_t offsets[WALK_CHANNELS][MODEL_KNOTS], deviation[WALK_CHANNELS], powers[MODEL_POWERS];
    uint8_t companding[MODEL_COMPANDING], centroids[WALK_TABLES * WALK_CENTROIDS];
    int32_t errors[WALK_TABLES * WALK_CENTROIDS];
};

/* The arrays that a model is made of, taken one after another. */
typedef struct {
    const void *const *arrays;
    const int64_t *lengths;
    int32_t next, count, answer;
} model_source;

static const void *model_take(model_source *from, int64_t length) {
    if (from->next >= from->count || from->lengths[from->next] != length) {
        if (from->answer == SARC_OK) from->answer = SARC_REFUSED;
        from->next++;
        return NULL;
    }
    return from->arrays[from->next++];
}

static void model_copy(model_source *from, void *to, int64_t length, size_t size) {
    const void *found = model_take(from, length);
    if (found) memcpy(to, found, (size_t)length * size);
}

/* int32 numbers, filled up with zeros. */
static int32_t *model_numbers(model_source *from, int64_t length, int64_t filled) {
    const int32_t *found = model_take(from, length);
    int32_t *made = calloc((size_t)filled, sizeof *made);
    if (!made)
        from->answer = SARC_NO_MEMORY;
    else if (found)
        memcpy(made, found, (size_t)length * sizeof *made);
    return made;
}

static void model_matrix(model_source *from, product_matrix *made, int32_t taps, int32_t inputs, int32_t outputs, const uint8_t *order) {
    const int16_t *weights = model_take(from, (int64_t)taps * inputs * outputs);
    if (weights && product_pack(made, weights, inputs, outputs, order, taps) != SARC_OK) from->answer = SARC_NO_MEMORY;
}

/* Exponents that are out of the law would be undefined as shifts. */
static void model_check_shifts(model_source *from, const int32_t *shift, int32_t count) {
    for (int32_t o = 0; shift && o < count; o++)
        if ((shift[o] < 1 || shift[o] > 24) && from->answer == SARC_OK) from->answer = SARC_REFUSED;
}

static void model_dense(model_source *from, model_layer *made, int32_t taps, int32_t inputs, int32_t outputs) {
    const int32_t filled = product_filled(outputs, PRODUCT_PANEL);
    model_matrix(from, &made->by, taps, inputs, outputs, MODEL_ROW_ORDER);
    made->bias = model_numbers(from, outputs, filled);
    made->shift = model_numbers(from, outputs, filled);
    model_check_shifts(from, made->shift, outputs);
    for (int32_t o = 0; from->answer == SARC_OK && o < outputs; o++) made->bias[o] += 1 << (made->shift[o] - 1);
}

static void model_accumulator(model_source *from, model *made) {
    model_matrix(from, &made->side, 1, made->sides, made->width, MODEL_ROW_ORDER);
    for (int32_t g = 0; g < MODEL_GROUPS; g++) model_matrix(from, &made->groups[g], MODEL_TAPS, MODEL_FEATURES[g], made->width, MODEL_TAP_ORDER);
    for (int32_t g = 0; g < MODEL_GROUPS; g++)
        model_matrix(from, &made->references[g], MODEL_REFERENCE_TAPS[g], MODEL_FEATURES[g], made->width,
                     MODEL_REFERENCE_TAPS[g] > 1 ? MODEL_TAP_ORDER : MODEL_ROW_ORDER);
    const int64_t knots = (int64_t)MODEL_PASSES * made->width * MODEL_KNOTS;
    made->knots = model_numbers(from, knots, knots);
    made->exponent = model_numbers(from, made->width, product_filled(made->width, PRODUCT_PANEL));
    model_check_shifts(from, made->exponent, made->width);
}

static void model_refuse_unless(model_source *from, int32_t fine) {
    if (!fine && from->answer == SARC_OK) from->answer = SARC_REFUSED;
}

/* The step law, within the limits that keep the walk's products within 64 bits (docs/format.md, 10.2). */
static void model_law(model_source *from, model *made) {
    model_copy(from, made->offsets, WALK_CHANNELS * MODEL_KNOTS, sizeof(int32_t));
    model_copy(from, made->deviation, WALK_CHANNELS, sizeof(int32_t));
    model_copy(from, made->powers, MODEL_POWERS, sizeof(int32_t));
    for (int32_t c = 0; c < WALK_CHANNELS; c++) {
        model_refuse_unless(from, made->deviation[c] >= -4096 && made->deviation[c] <= 8191);
        for (int32_t k = 0; k < MODEL_KNOTS; k++) model_refuse_unless(from, abs(made->offsets[c][k]) <= 2047);
    }
    for (int32_t i = 0; i < MODEL_POWERS; i++) model_refuse_unless(from, made->powers[i] >> 20 == 1);
}

/* What is told of latents by table and place. */
static void model_places(model_source *from, model *made) {
    model_copy(from, made->companding, MODEL_COMPANDING, 1);
    model_copy(from, made->centroids, sizeof made->centroids, 1);
    model_copy(from, made->errors, WALK_TABLES * WALK_CENTROIDS, sizeof(int32_t));
    for (int32_t i = 0; i < MODEL_COMPANDING; i++) model_refuse_unless(from, made->companding[i] <= 127);
}

static void model_drop_layer(model_layer *made) {
    product_drop(&made->by);
    free(made->bias);
    free(made->shift);
}

static void model_drop(model *made) {
    if (!made) return;
    for (int32_t i = 0; i < 3; i++) model_drop_layer(&made->hyper[i]);
    for (int32_t n = 0; n < MODEL_PASSES; n++) {
        model_drop_layer(&made->hidden[n]);
        model_drop_layer(&made->head[n]);
        model_drop_layer(&made->gain[n]);
    }
    product_drop(&made->side);
    for (int32_t g = 0; g < MODEL_GROUPS; g++) {
        product_drop(&made->groups[g]);
        product_drop(&made->references[g]);
    }
    free(made->knots);
    free(made->exponent);
    free(made);
}

/* sizes: P, S, W and H of docs/format.md, 9.4. arrays, with their lengths: weights int16, biases and exponents int32, of hyper1 to 3; side, groups, references;
   bias and exponent of the accumulator; weights, biases and exponents of hidden0 to 7, head0 to 7, gain0 to 7; steps.offsets, deviation and powers int32; companding
   and centroids uint8, errors int32. They are copied. Gives SARC_REFUSED where a length is not what the sizes say, or a number is out of its limits. */
SARC_EXPORT(int32_t, model_make)(const int32_t *sizes, const void *const *arrays, const int64_t *lengths, int32_t count, model **made) {
    const int32_t p = sizes[0], s = sizes[1], w = sizes[2], h = sizes[3], most = 1 << 12;
    *made = NULL;
    if (p < 1 || s < 1 || w < 1 || h < 1 || p > most || s > most || w > most || h > most) return SARC_REFUSED;
    model_source from = {arrays, lengths, 0, count, SARC_OK};
    model *new = calloc(1, sizeof *new);
    if (!new) return SARC_NO_MEMORY;
    new->sides = s, new->width = w;
    model_dense(&from, &new->hyper[0], 1, MODEL_HYPER_CHANNELS, 4 * p);
    model_dense(&from, &new->hyper[1], MODEL_TAPS, p, p);
    model_dense(&from, &new->hyper[2], 1, p, s);
    model_accumulator(&from, new);
    for (int32_t n = 0; n < MODEL_PASSES; n++) model_dense(&from, &new->hidden[n], 1, w, h);
    for (int32_t n = 0; n < MODEL_PASSES; n++) model_dense(&from, &new->head[n], 1, h, 2 * MODEL_SIZE[n / 2]);
    for (int32_t n = 0; n < MODEL_PASSES; n++) model_dense(&from, &new->gain[n], 1, h, MODEL_SIZE[n / 2]);
    model_law(&from, new);
    model_places(&from, new);
    if (from.answer == SARC_OK && from.next != from.count) from.answer = SARC_REFUSED;
    if (from.answer == SARC_OK)
        *made = new;
    else
        model_drop(new);
    return from.answer;
}

SARC_EXPORT(void, model_free)(model *made) { model_drop(made); }
