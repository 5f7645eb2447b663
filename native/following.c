/* The walk with symbols that are given before it begins: a known question to a model, and the tests that hold the walk to its twin. */
#include "walk.h"

enum { FOLLOWING_PLACES = 1280 };

typedef struct {
    const int32_t *hyper, *places; /* in coded order */
    int32_t *tables, *means; /* out, in coded order: tables of hyper symbols, then of latents; means of latents */
} following;

static int32_t following_hyper(void *self, const uint16_t *tables, int32_t count, int32_t *symbols) {
    following *f = self;
    for (int32_t i = 0; i < count; i++) f->tables[i] = tables[i];
    memcpy(symbols, f->hyper, (size_t)count * sizeof *symbols);
    f->tables += count;
    return SARC_OK;
}

static int32_t following_latents(void *self, const walk_run *run) {
    following *f = self;
    const int32_t count = run->cells * run->channels;
    for (int32_t i = 0; i < count; i++) {
        const int32_t place = f->places[i];
        f->tables[i] = run->table[i];
        walk_place(run, i, place);
    }
    memcpy(f->means, run->mean, (size_t)count * sizeof *f->means);
    f->tables += count, f->means += count, f->places += count;
    return SARC_OK;
}

/* As tile_read, but with hyper symbols (24 a hyper cell) and places on the grid of half steps (1024 a cell, size at most 2^25) from arrays, whichever tables skip. Fills
   tables (as many as both) and means (1024 a cell), all in coded order. symbols: room for the hyper symbols and 1024 a cell; no meaning afterwards. */
SARC_EXPORT(int32_t, tile_follow)(const model *m, const int32_t *hyper, const int32_t *places, int32_t step, int32_t rows, int32_t cols,
                                  const int32_t *reference, int32_t reference_step, const int32_t *shifts, int32_t many, int32_t *symbols, int32_t *tables, int32_t *means, int32_t *latents,
                                  float *lost) {
    following f = {hyper, places, tables, means};
    const walk_tile tile = {step, rows, cols, NULL, reference, reference_step, symbols, latents, lost, shifts, many, WALK_CHANNELS};
    const walk_coder coder = {&f, FOLLOWING_PLACES, following_hyper, following_latents, 0};
    return walk_whole(m, &tile, &coder);
}
