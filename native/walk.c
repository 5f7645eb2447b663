/* The walk over a tile (docs/format.md, 9.4 to 9.7 and 9.10); sarcodec/entropy/walk.py says the same in NumPy, with the picture of it.

   Of the 3 x 3 cells around, those of the own half are five and those of the other half four: what is added to a half's sums is only what it sees anew. */
#include "walk.h"

enum { WALK_MOST_CELLS = 128, WALK_STEPS = 640, WALK_HYPER_MAX = 127 };

struct walk {
    const model *m;
    walk_tile tile;
    int32_t cells, next_group;
    int32_t count[2], *half[2];    /* cells of each half: how many, which */
    int32_t *around;               /* (cells, 9): places of the 3 x 3, own half first; `cells` where there is none */
    int16_t *features[WALK_GROUPS]; /* (cells + 1, features), the last row zeros */
    int32_t *total[2];             /* (cells of the half, width): the accumulator's sums */
    int32_t *leaning;              /* (cells, stride): the reference's latents in 1/32 of this band's steps */
    walk_law law;
    uint8_t codes[WALK_TABLES];    /* 1 where a table does not skip */
    const int16_t **left;          /* addresses of a product's left side */
    int16_t *first, *second;       /* activations */
    int32_t *head, *gain, *bias;
    int32_t *symbol;               /* where the next symbols go */
    char *arena, *run;             /* what holds the arrays above, and those of a run */
    size_t run_bytes;
};

/* Takes `bytes` from an arena, whose place is NULL while it is only measured. */
static void *walk_carve(char *arena, size_t *used, size_t count, size_t size) {
    void *found = arena ? arena + *used : NULL;
    *used += (count * size + 63) / 64 * 64;
    return found;
}

static int32_t walk_stride(int32_t features) { return product_filled(features, PRODUCT_ALIGNED); }

/* Groups that the tile's arrays have room for. */
static int32_t walk_groups(const walk *w) {
    int32_t g = 0;
    while (g < WALK_GROUPS && MODEL_BEGIN[g] + MODEL_SIZE[g] <= w->tile.stride) g++;
    return g;
}

/* Where the arrays lie behind the struct; gives how many bytes they take. */
static size_t walk_lay_out(walk *w, char *arena) {
    const model *m = w->m;
    const size_t cells = (size_t)w->cells, most = (cells + 1) / 2, places = 4 * (size_t)((w->tile.rows + 1) / 2) * (size_t)((w->tile.cols + 1) / 2);
    const int32_t wide = m->side.outputs, hidden = m->hidden[0].by.outputs;
    const size_t hyper = SARC_MAX((size_t)m->hyper[0].by.outputs / 4 + PRODUCT_PANEL, (size_t)m->hyper[2].by.outputs);
    size_t used = 0;
    for (int32_t h = 0; h < 2; h++) w->half[h] = walk_carve(arena, &used, most, sizeof(int32_t));
    w->around = walk_carve(arena, &used, cells * MODEL_TAPS, sizeof(int32_t));
    for (int32_t g = 0; g < walk_groups(w); g++)
        w->features[g] = walk_carve(arena, &used, (cells + 1) * (size_t)walk_stride(MODEL_FEATURES[g]), sizeof(int16_t));
    for (int32_t h = 0; h < 2; h++) w->total[h] = walk_carve(arena, &used, most * (size_t)wide, sizeof(int32_t));
    w->leaning = w->tile.reference ? walk_carve(arena, &used, cells * (size_t)w->tile.stride, sizeof(int32_t)) : NULL;
    w->left = walk_carve(arena, &used, SARC_MAX(most, places) * MODEL_TAPS, sizeof *w->left);
    w->first = walk_carve(arena, &used, SARC_MAX(most * (size_t)wide, (places + 1) * hyper), sizeof(int16_t));
    w->second = walk_carve(arena, &used, SARC_MAX(most * (size_t)hidden, (places + 1) * hyper), sizeof(int16_t));
    w->head = walk_carve(arena, &used, most * (size_t)m->head[7].by.outputs, sizeof(int32_t));
    w->gain = walk_carve(arena, &used, w->tile.reference ? most * (size_t)m->gain[7].by.outputs : 0, sizeof(int32_t));
    w->bias = walk_carve(arena, &used, (size_t)wide, sizeof(int32_t));
    return used;
}

/* The place that a tap of the 3 x 3 around a place sees, rows * cols where it is outside. */
SARC_INLINE int32_t walk_neighbour(int32_t place, int32_t tap, int32_t rows, int32_t cols) {
    const int32_t r = place / cols + tap / 3 - 1, c = place % cols + tap % 3 - 1;
    return r >= 0 && r < rows && c >= 0 && c < cols ? r * cols + c : rows * cols;
}

static void walk_geometry(walk *w) {
    for (int32_t cell = 0; cell < w->cells; cell++) {
        const int32_t h = (cell / w->tile.cols + cell % w->tile.cols) % 2;
        w->half[h][w->count[h]++] = cell;
        for (int32_t k = 0; k < MODEL_TAPS; k++)
            w->around[cell * MODEL_TAPS + k] = walk_neighbour(cell, MODEL_TAP_ORDER[k], w->tile.rows, w->tile.cols);
    }
}

/* Addresses of `count` rows that follow each other. */
static const int16_t *const *walk_rows(walk *w, const int16_t *first, int32_t count, int32_t stride) {
    for (int32_t i = 0; i < count; i++) w->left[i] = first + (size_t)i * stride;
    return w->left;
}

/* Addresses of a group's features in `taps` places around each cell of a half. */
static const int16_t *const *walk_seen(walk *w, const int16_t *features, int32_t stride, int32_t half, int32_t first_tap, int32_t taps) {
    const int16_t **to = w->left;
    for (int32_t i = 0; i < w->count[half]; i++)
        for (int32_t k = 0; k < taps; k++) *to++ = features + (size_t)w->around[w->half[half][i] * MODEL_TAPS + first_tap + k] * stride;
    return w->left;
}

static void walk_add(walk *w, int32_t half, const product_matrix *by, const int16_t *features, int32_t first_tap) {
    if (w->count[half]) product_totals(walk_seen(w, features, by->inputs, half, first_tap, by->taps), w->count[half], by, w->total[half]);
}

static void walk_layer(walk *w, const model_layer *layer, const int16_t *from, int32_t count, int32_t stride, int16_t *to) {
    product_activations(walk_rows(w, from, count, stride), count, &layer->by, layer->bias, layer->shift, to);
}

/* Depth to space: channel 4 c + 2 a + b of a hyper cell becomes channel c of the place a rows below and b columns to the right. */
static void walk_shuffle(const int16_t *from, int32_t from_stride, int32_t rows, int32_t cols, int32_t channels, int16_t *to, int32_t to_stride) {
    memset(to, 0, ((size_t)4 * rows * cols + 1) * to_stride * sizeof *to);
    for (int32_t r = 0; r < 2 * rows; r++)
        for (int32_t c = 0; c < 2 * cols; c++, to += to_stride) {
            const int16_t *cell = from + (size_t)(r / 2 * cols + c / 2) * from_stride + r % 2 * 2 + c % 2;
            for (int32_t k = 0; k < channels; k++) to[k] = cell[4 * k];
        }
}

/* Hyper symbols -> side features of every place of the hyper grid's cells, in w->second. */
static void walk_hyper(walk *w, const int32_t *symbols, int32_t rows, int32_t cols) {
    const model_layer *layer = w->m->hyper;
    const int32_t count = rows * cols, places = 4 * count, inner = layer[2].by.inputs, wide = layer[0].by.outputs;
    for (int32_t i = 0; i < MODEL_HYPER_CHANNELS * count; i++)
        w->second[i] = (int16_t)SARC_MIN(SARC_MAX(symbols[i], -WALK_HYPER_MAX), WALK_HYPER_MAX);
    walk_layer(w, &layer[0], w->second, count, MODEL_HYPER_CHANNELS, w->first);
    walk_shuffle(w->first, wide, rows, cols, SARC_MIN(inner, wide / 4), w->second, inner);
    for (int32_t i = 0; i < places * MODEL_TAPS; i++)
        w->left[i] = w->second + (size_t)walk_neighbour(i / MODEL_TAPS, i % MODEL_TAPS, 2 * rows, 2 * cols) * inner;
    product_activations(w->left, places, &layer[1].by, layer[1].bias, layer[1].shift, w->first);
    walk_layer(w, &layer[2], w->first, places, layer[1].by.outputs, w->second);
}

/* Hyper symbols from the coder, and what they give to the sums of every cell. */
static int32_t walk_begin_sums(walk *w, const walk_coder *coder) {
    const int32_t rows = (w->tile.rows + 1) / 2, cols = (w->tile.cols + 1) / 2, count = rows * cols * MODEL_HYPER_CHANNELS;
    uint16_t *tables = (uint16_t *)w->first;
    for (int32_t i = 0; i < count; i++)
        tables[i] = (uint16_t)(2 * WALK_TABLES + i % MODEL_HYPER_CHANNELS * MODEL_OCTAVES + w->tile.step / 64);
    const int32_t answer = coder->hyper(coder->self, tables, count, w->symbol);
    if (answer != SARC_OK) return answer;
    walk_hyper(w, w->symbol, rows, cols);
    w->symbol += count;
    const int32_t stride = w->m->hyper[2].by.outputs;
    for (int32_t h = 0; h < 2; h++) {
        for (int32_t i = 0; i < w->count[h]; i++) {
            const int32_t cell = w->half[h][i], r = cell / w->tile.cols, c = cell % w->tile.cols;
            w->left[i] = w->second + (size_t)(r * 2 * cols + c) * stride;
        }
        memset(w->total[h], 0, (size_t)w->count[h] * w->m->side.outputs * sizeof(int32_t));
        if (w->count[h]) product_totals(w->left, w->count[h], &w->m->side, w->total[h]);
    }
    return SARC_OK;
}

/* A reference's latent, within the limits that a caller may have overlooked. */
SARC_INLINE int32_t walk_lent(const walk *w, size_t at) { return SARC_MAX(SARC_MIN(w->tile.reference[at], WALK_LIMIT), -WALK_LIMIT); }

/* log2 of the reference's step of a channel, in 1/1024 octave. */
static int32_t walk_reference_step(const walk *w, int32_t c) {
    return 16 * w->tile.reference_step - 4096 + law_at(w->m->offsets[c], w->tile.reference_step);
}

/* The reference's latents of a group in this band's steps. */
static void walk_lean(walk *w, int32_t group) {
    const int32_t begin = MODEL_BEGIN[group], size = MODEL_SIZE[group];
    int64_t ratio[WALK_CHANNELS];
    for (int32_t c = 0; c < size; c++) ratio[c] = law_power(w->m, walk_reference_step(w, begin + c) - w->law.log2_step[begin + c], 16);
    for (int32_t cell = 0; cell < w->cells; cell++)
        for (int32_t c = 0; c < size; c++) {
            const size_t at = (size_t)cell * w->tile.stride + begin + c;
            w->leaning[at] = (int32_t)law_clipped(walk_lent(w, at) * ratio[c] >> 16);
        }
}

/* What groups `from` to `to` - 1 of the reference give to the sums. Their features stand, for the moment, where this band's own will stand. */
static void walk_lean_on(walk *w, int32_t from, int32_t to) {
    for (int32_t g = from; g < to; g++) {
        const product_matrix *by = &w->m->references[g];
        const int32_t begin = MODEL_BEGIN[g], size = MODEL_SIZE[g];
        int32_t factor[WALK_CHANNELS];
        int32_t latent[WALK_CHANNELS];
        for (int32_t c = 0; c < size; c++) factor[c] = (int32_t)law_power(w->m, walk_reference_step(w, begin + c) - w->m->deviation[begin + c], 18);
        for (int32_t cell = 0; cell < w->cells; cell++) {
            for (int32_t c = 0; c < size; c++) latent[c] = walk_lent(w, (size_t)cell * w->tile.stride + begin + c);
            features_of(w->m, g, latent, factor, w->features[g] + (size_t)cell * walk_stride(MODEL_FEATURES[g]));
        }
        for (int32_t h = 0; h < 2; h++) walk_add(w, h, by, w->features[g], by->taps > 1 ? 0 : MODEL_CENTRE);
        memset(w->features[g], 0, (size_t)w->cells * by->inputs * sizeof(int16_t));
    }
}

/* The first layer of a pass: sums and bias to activations, in w->first. */
static void walk_accumulated(walk *w, int32_t pass) {
    const int32_t half = pass % 2, wide = w->m->side.outputs;
    for (int32_t o = 0; o < w->m->width; o++)
        w->bias[o] = law_at(w->m->knots + ((size_t)pass * w->m->width + o) * MODEL_KNOTS, w->tile.step) + (1 << (w->m->exponent[o] - 1));
    for (int32_t i = 0; i < w->count[half]; i++)
        for (int32_t o = 0; o < wide; o += PRODUCT_LANES) {
            const int32_t *total = w->total[half] + (size_t)i * wide + o;
            const product_sums x = (product_load(total) + product_load(w->bias + o)) >> product_load(w->m->exponent + o);
            product_store_shorts(w->first + (size_t)i * wide + o, product_clipped(x, 0, 255));
        }
}

/* The networks of a pass: w->head (cells, 2 channels, filled up), and w->gain in a tile that leans. */
static void walk_networks(walk *w, int32_t pass) {
    const model *m = w->m;
    const int32_t count = w->count[pass % 2], stride = m->hidden[pass].by.outputs;
    const model_layer *head = &m->head[pass], *gain = &m->gain[pass];
    walk_accumulated(w, pass);
    walk_layer(w, &m->hidden[pass], w->first, count, m->side.outputs, w->second);
    product_rounded(walk_rows(w, w->second, count, stride), count, &head->by, head->bias, head->shift, w->head);
    if (w->leaning) product_rounded(w->left, count, &gain->by, gain->bias, gain->shift, w->gain);
}

/* Means and tables of a run's cells. */
static void walk_predict(const walk *w, const walk_run *run, int32_t *mean, uint8_t *table, int32_t *scale) {
    const int32_t pass = 2 * run->group + run->half, begin = run->begin, count = run->channels;
    const int32_t stride = w->m->head[pass].by.outputs, gains = w->m->gain[pass].by.outputs;
    for (int32_t i = 0; i < run->cells; i++) {
        const int32_t at = run->first + i;
        const int32_t *gain = w->leaning ? w->gain + (size_t)at * gains : NULL;
        const int32_t *lean = w->leaning ? w->leaning + (size_t)run->cell[i] * w->tile.stride + begin : NULL;
        law_predict(w->head + (size_t)at * stride, gain, lean, w->law.mean + begin, w->law.scale + begin, count, WALK_SCALE_LEVELS * run->group,
                    mean + (size_t)i * count, table + (size_t)i * count, scale ? scale + (size_t)i * count : NULL);
    }
}

/* Which places of a run are coded; the others, which the coder does not see, are written down as the 0 that they are. */
static int32_t walk_coded(const walk *w, const walk_run *run, int32_t *restrict coded, int32_t *restrict skipped) {
    const uint8_t *restrict codes = w->codes, *restrict table = run->table;
    const int32_t count = run->cells * run->channels;
    int32_t found = 0;
    for (int32_t i = 0; i < count; i++) {
        coded[found] = i;
        skipped[i - found] = i;
        found += codes[table[i]];
    }
    for (int32_t n = 0; n < count - found; n++) walk_put(run, skipped[n], 0, 0);
    return found;
}

/* Latents, features and expected errors of a run whose symbols are there. */
static void walk_keep(walk *w, const walk_run *run) {
    const int32_t count = run->channels, begin = run->begin, stride = walk_stride(MODEL_FEATURES[run->group]);
    for (int32_t i = 0; i < run->cells; i++) {
        const size_t from = (size_t)i * count, to = (size_t)run->cell[i] * w->tile.stride + begin;
        int32_t *latent = w->tile.latents + to;
        for (int32_t j = 0; j < count; j++) {
            const int32_t y = run->mean[from + j] + run->offset[from + j];
            latent[j] = SARC_MAX(SARC_MIN(y, WALK_LIMIT), -WALK_LIMIT);
        }
        features_of(w->m, run->group, latent, w->law.feature + begin, w->features[run->group] + (size_t)run->cell[i] * stride);
        for (int32_t j = 0; run->error && j < count; j++) {
            const float unit = run->table[from + j] % WALK_SCALE_LEVELS ? w->law.error[begin + j] : w->law.skipped[begin + j];
            w->tile.lost[to + j] = (float)run->error[from + j] * unit;
        }
    }
}

/* Room for the arrays of a run of so many places. */
static int32_t walk_room(walk *w, size_t places) {
    const size_t bytes = places * (6 * sizeof(int32_t) + 1) + 64;
    if (bytes <= w->run_bytes) return SARC_OK;
    free(w->run);
    w->run = malloc(bytes);
    w->run_bytes = w->run ? bytes : 0;
    return w->run ? SARC_OK : SARC_NO_MEMORY;
}

static int32_t walk_run_of(walk *w, int32_t pass, int32_t first, int32_t cells, const walk_coder *coder) {
    const int32_t group = pass / 2, half = pass % 2, channels = MODEL_SIZE[group];
    const size_t places = (size_t)cells * channels;
    int32_t *mean = (int32_t *)w->run, *coded = mean + places, *skipped = coded + places, *offset = skipped + places, *error = offset + places;
    int32_t *scale = error + places;
    uint8_t *table = (uint8_t *)(scale + places);
    walk_run run = {.centroids = w->m->centroids, .errors = w->m->errors, .group = group, .half = half, .first = first, .cells = cells, .channels = channels, .begin = MODEL_BEGIN[group]};
    run.cell = w->half[half] + first, run.mean = mean, run.table = table, run.coded = coded;
    run.symbol = w->symbol, run.offset = offset, run.error = w->tile.lost ? error : NULL;
    run.scale = coder->scales ? scale : NULL;
    walk_predict(w, &run, mean, table, coder->scales ? scale : NULL);
    run.codes = walk_coded(w, &run, coded, skipped);
    const int32_t answer = coder->latents(coder->self, &run);
    if (answer != SARC_OK) return answer;
    walk_keep(w, &run);
    w->symbol += places;
    return SARC_OK;
}

static int32_t walk_half(walk *w, int32_t pass, const walk_coder *coder) {
    const int32_t count = w->count[pass % 2], channels = MODEL_SIZE[pass / 2];
    const int32_t most = coder->places > 0 ? SARC_MIN(SARC_MAX(coder->places / channels, 1), count) : count;
    int32_t answer = walk_room(w, (size_t)most * channels);
    if (count) walk_networks(w, pass);
    for (int32_t first = 0; answer == SARC_OK && first < count; first += most)
        answer = walk_run_of(w, pass, first, SARC_MIN(most, count - first), coder);
    return answer;
}

static int32_t walk_group(walk *w, int32_t group, const walk_coder *coder) {
    if (group != w->next_group || group >= walk_groups(w)) return SARC_REFUSED;
    w->next_group++;
    if (w->leaning) walk_lean(w, group);
    if (w->leaning && group < 2) walk_lean_on(w, group ? 1 : 0, group ? WALK_GROUPS : 1);
    if (group) {
        const product_matrix *all = &w->m->groups[group - 1], own = product_taps(all, 0, MODEL_OWN_TAPS);
        walk_add(w, 0, all, w->features[group - 1], 0);
        walk_add(w, 1, &own, w->features[group - 1], 0);
    }
    const int32_t answer = walk_half(w, 2 * group, coder);
    if (answer != SARC_OK) return answer;
    const product_matrix cross = product_taps(&w->m->groups[group], MODEL_OWN_TAPS, MODEL_TAPS - MODEL_OWN_TAPS);
    walk_add(w, 1, &cross, w->features[group], MODEL_OWN_TAPS);
    return walk_half(w, 2 * group + 1, coder);
}

static void walk_codes(walk *w) {
    for (int32_t t = 0; t < WALK_TABLES; t++) w->codes[t] = !(w->tile.layout && w->tile.layout[t] >> 31);
}

/* What a file adds to the scales. */
static int32_t walk_shift(walk *w) {
    for (int32_t c = 0; w->tile.shifts && c < WALK_CHANNELS; c++) {
        if (w->tile.shifts[c] < -WALK_MOST_SHIFT || w->tile.shifts[c] > WALK_MOST_SHIFT) return SARC_REFUSED;
        w->law.scale[c] += w->tile.shifts[c];
    }
    return SARC_OK;
}

static int32_t walk_begin(walk **made, const model *with, const walk_tile *tile, const walk_coder *coder) {
    *made = NULL;
    if (tile->step < 0 || tile->step >= WALK_STEPS || tile->rows < 1 || tile->cols < 1 || tile->rows > WALK_MOST_CELLS || tile->cols > WALK_MOST_CELLS ||
        (tile->reference && (tile->reference_step < 0 || tile->reference_step >= WALK_STEPS)))
        return SARC_REFUSED;
    walk *w = calloc(1, sizeof *w);
    if (!w) return SARC_NO_MEMORY;
    *made = w;
    w->m = with, w->tile = *tile, w->cells = tile->rows * tile->cols, w->symbol = tile->symbols;
    w->arena = malloc(walk_lay_out(w, NULL) + 63);
    if (!w->arena) return SARC_NO_MEMORY;
    walk_lay_out(w, w->arena + (-(uintptr_t)w->arena & 63));
    for (int32_t g = 0; g < walk_groups(w); g++)
        memset(w->features[g], 0, (size_t)(w->cells + 1) * walk_stride(MODEL_FEATURES[g]) * sizeof(int16_t));
    walk_geometry(w);
    walk_codes(w);
    law_of(with, tile->step, tile->lost != NULL, &w->law);
    const int32_t answer = walk_shift(w);
    return answer == SARC_OK ? walk_begin_sums(w, coder) : answer;
}

static void walk_end(walk *w) {
    if (!w) return;
    free(w->run);
    free(w->arena);
    free(w);
}

static int32_t walk_whole(const model *with, const walk_tile *tile, const walk_coder *coder) {
    walk *w;
    int32_t answer = walk_begin(&w, with, tile, coder);
    for (int32_t g = 0; answer == SARC_OK && g < WALK_GROUPS; g++) answer = walk_group(w, g, coder);
    walk_end(w);
    return answer;
}
