/* The walk over a tile's symbols, as those see it who give the symbols: a decoder that reads them, an encoder that searches them, a question.

   The walk knows which table codes each symbol; a walk_coder gives the symbols, run by run, and never sees features or weights. Whole numbers only,
   but for `error`, which decides nothing. */
#ifndef SARC_WALK_H
#define SARC_WALK_H

#include "level.h"

typedef struct model model; /* model.c */

enum {
    WALK_GROUPS = 4,
    WALK_CHANNELS = 1024,
    WALK_SCALE_LEVELS = 64,
    WALK_TABLES = WALK_GROUPS * WALK_SCALE_LEVELS, /* of one quantiser; the other's follow, then those of the hyper symbols */
    WALK_CENTROIDS = 8,
    WALK_HALF_STEP = 21, /* in 1/32 step */
    WALK_MOST_SHIFT = 1024,
    WALK_LIMIT = 1 << 30 /* means and latents are clipped to this size */
};

/* Some cells of a pass, one after another. Arrays are (cells, channels), a cell after another, if nothing else is said. */
typedef struct {
    const uint8_t *centroids; /* (256, 8): how far places of a table are drawn inwards, in 1/32 step */
    const int32_t *errors;    /* (256, 8): expected squared errors in 1/65536 step^2 */
    int32_t group, half;     /* pass 2 * group + half */
    int32_t first;           /* the first cell's number within its half */
    int32_t cells, channels; /* channels: of the group */
    int32_t begin;           /* the group's first channel */
    const int32_t *cell;     /* (cells,): each cell's place in the tile, row * cols + col */
    const int32_t *mean;     /* in 1/32 step */
    const uint8_t *table;    /* of quantiser 0: 64 * group + level. Quantiser 1's is 256 further on */
    const int32_t *coded;    /* (codes,): places in these arrays whose tables do not skip, rising. The coder gives each of them a symbol (walk_put) */
    int32_t codes;
    const int32_t *scale; /* v + O of docs/format.md, 9.7: what the table's level is made of, in 1/64 octave; NULL where nobody asks */
    int32_t *symbol; /* out. Symbols of 0 are there already where a table skips */
    int32_t *offset; /* out: latent less mean */
    int32_t *error;  /* out: expected squared error in 1/65536 step^2; NULL where nobody asks */
} walk_run;

/* Who gives the symbols. Both functions give SARC_OK or what ends the walk. */
typedef struct {
    void *self;
    int32_t places; /* of a run, about: as many cells as fit, but one at least; 0: a whole pass in one run. Few places stay in the cache */
    int32_t (*hyper)(void *self, const uint16_t *tables, int32_t count, int32_t *symbols); /* hyper symbols of the tile, not clamped */
    int32_t (*latents)(void *self, const walk_run *run);
    int32_t scales; /* whether runs have their scales */
} walk_coder;

/* Writes down what a place on the grid of half steps makes of number i of a run. */
SARC_INLINE void walk_place(const walk_run *run, int32_t i, int32_t place) {
    const int32_t sign = (place > 0) - (place < 0), size = sign * place;
    const int32_t entry = run->table[i] * WALK_CENTROIDS + SARC_MIN(size, WALK_CENTROIDS - 1);
    run->offset[i] = sign * (size * WALK_HALF_STEP - run->centroids[entry]);
    if (run->error) run->error[i] = run->errors[entry];
}

/* Writes down a symbol of quantiser b: what every walk_coder does with each of them. */
SARC_INLINE void walk_put(const walk_run *run, int32_t i, int32_t symbol, int32_t b) {
    run->symbol[i] = symbol;
    walk_place(run, i, 2 * symbol - b * ((symbol > 0) - (symbol < 0)));
}

/* What a tile is walked with. Latents are (rows * cols, 1024) in 1/32 step, cells row by row. */
typedef struct {
    int32_t step, rows, cols;       /* 0..639; in cells, 1..128 */
    const uint32_t *layout;         /* of the model's tables (rans.c): those of the first 256 that skip have symbols of 0. NULL: none skips */
    const int32_t *reference;       /* latents of the same tile of another band, NULL: it leans on none */
    int32_t reference_step;
    int32_t *symbols;               /* out: 24 a hyper cell, then 1024 a cell, in coded order */
    int32_t *latents;               /* out */
    float *lost;                    /* out: expected squared errors of the latents in dB^2; NULL: not asked for */
    const int32_t *shifts;          /* (1024,): what is added to the scale of each channel, in 1/64 octave, within WALK_MOST_SHIFT; NULL: nothing */
    int32_t many;                   /* whether the trellis is that of 1,024 states: for coders, not for the walk */
    int32_t stride;                 /* numbers a cell in reference, latents and lost: 1024, or fewer where only the first groups are walked */
} walk_tile;

/* A walk from group to group. Each of these gives SARC_OK, SARC_REFUSED, SARC_NO_MEMORY or what the coder gave; walk_end is called in any case. Groups come
   in order; a reader may stop behind any of them, and each may have a coder of its own. Latents of groups that were not walked are left alone. */
typedef struct walk walk;
static int32_t walk_begin(walk **made, const model *with, const walk_tile *tile, const walk_coder *coder); /* hyper symbols */
static int32_t walk_group(walk *over, int32_t group, const walk_coder *coder);
static void walk_end(walk *over);

/* All of them. */
static int32_t walk_whole(const model *with, const walk_tile *tile, const walk_coder *coder);

#endif
