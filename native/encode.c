/* A tile's latents to its stream: the walk_coder that searches symbols along the trellis (search.c), pass by pass, and codes them by rANS at the end.

   The encoder's own numbers come in; no byte of a file is read here. */
#include "walk.h"

enum {
    ENCODING_SHIFTS = 4, /* steps up and down that are weighed */
    ENCODING_SHIFT = 4,  /* of one, in 1/64 octave */
    ENCODING_WEIGHED = 2 * ENCODING_SHIFTS + 1,
    ENCODING_DEAR = 1 << 16 /* of a symbol that a table cannot code, in 1/64 bit */
};

typedef struct {
    const model *m;
    const search_tables *prices;
    const float *latents_db, *steps_db, *weights; /* of the tile (cells, 1024); of each channel */
    const int32_t *hyper;
    int32_t greedy, state[2]; /* state: of the trellis, in group 0 and in the others, which have a stream of their own */
    uint16_t *tables;        /* of the next symbols, in coded order */
    search_room *room;
    float *residual, *weight; /* from here on: of the symbols of a pass that are coded */
    int32_t *symbol;
    uint8_t *table, *quantiser;
    int64_t *costs; /* (1024, 9): bits in 1/64 of the channel's symbols, were its scale shifted by -4 to 4; NULL where nobody asks */
} encoding;

static int32_t encoding_hyper(void *self, const uint16_t *tables, int32_t count, int32_t *symbols) {
    encoding *e = self;
    memcpy(symbols, e->hyper, (size_t)count * sizeof *symbols);
    memcpy(e->tables, tables, (size_t)count * sizeof *tables);
    e->tables += count;
    return SARC_OK;
}

/* What is asked of the search: residuals in steps, weights and tables of all symbols that are coded. */
static void encoding_ask(const encoding *e, const walk_run *run) {
    float residual[WALK_CHANNELS];
    for (int32_t r = 0, n = 0; r < run->cells; r++) {
        const float *value = e->latents_db + (size_t)run->cell[r] * WALK_CHANNELS + run->begin, *step = e->steps_db + run->begin;
        const int32_t before = r * run->channels;
        for (int32_t c = 0; c < run->channels; c++) residual[c] = (float)((double)(value[c] / step[c]) - run->mean[before + c] * 0.03125);
        for (; n < run->codes && run->coded[n] < before + run->channels; n++) {
            const int32_t c = run->coded[n] - before;
            e->residual[n] = residual[c], e->weight[n] = e->weights[run->begin + c], e->table[n] = run->table[before + c];
        }
    }
}

/* Bits in 1/64 of a symbol under a table of a quantiser, the low bits that some tables take raw among them. */
SARC_INLINE int64_t encoding_price(const encoding *e, int32_t table, int32_t b, int32_t symbol) {
    const uint32_t layout = e->prices->layout[table];
    if (layout >> 31) return symbol ? ENCODING_DEAR : 0;
    return search_price(e->prices, (uint32_t)(table + WALK_TABLES * b), symbol < 0 ? -(int64_t)symbol : symbol, symbol < 0) + 64 * (layout >> 20 & 15);
}

/* What the symbols of a run would have cost, had its scales been others. Tables of the run are in e->tables. */
static void encoding_weigh(const encoding *e, const walk_run *run) {
    for (int32_t i = 0; i < run->cells * run->channels; i++) {
        const int32_t scale = run->scale[i], symbol = run->symbol[i], b = e->tables[i] / WALK_TABLES;
        if (scale + ENCODING_SHIFTS * ENCODING_SHIFT < 0) continue; /* coded by none of them */
        int64_t *costs = e->costs + (size_t)(run->begin + i % run->channels) * ENCODING_WEIGHED;
        for (int32_t d = 0; d < ENCODING_WEIGHED; d++) {
            const int32_t level = ((scale + (d - ENCODING_SHIFTS) * ENCODING_SHIFT) >> 4) + 1;
            costs[d] += encoding_price(e, WALK_SCALE_LEVELS * run->group + SARC_MIN(SARC_MAX(level, 0), WALK_SCALE_LEVELS - 1), b, symbol);
        }
    }
}

static int32_t encoding_latents(void *self, const walk_run *run) {
    encoding *e = self;
    const int32_t count = run->cells * run->channels;
    encoding_ask(e, run);
    search_pass(e->room, e->prices, e->residual, e->table, e->weight, run->codes, e->greedy, &e->state[run->group > 0], e->symbol, e->quantiser);
    for (int32_t i = 0; i < count; i++) e->tables[i] = run->table[i];
    for (int32_t n = 0; n < run->codes; n++) {
        const int32_t i = run->coded[n], b = e->quantiser[n];
        walk_put(run, i, e->symbol[n], b);
        e->tables[i] = (uint16_t)(e->tables[i] + WALK_TABLES * b);
    }
    if (e->costs) encoding_weigh(e, run);
    e->tables += count;
    return SARC_OK;
}

/* A tile of rows by cols cells: fills symbols (24 a hyper cell, 1024 a cell), latents and lost (NULL: not asked for) as tile_read does, and words from its end on,
   first its first word, state the coder's last state, of the stream of hyper symbols and group 0 and of that of the other groups, which is written first; words has
   room for 6 a symbol and 16 more. near, zero, price: search_tables. steps_db, weights: of each
   channel; weights as search takes them. hyper: symbols, within 127. shifts, many: as in walk_tile.
   costs (NULL: not asked for), zeros at first: bits in 1/64 of the symbols of each channel under tables of scales shifted by -4 to 4 sixteenths of an octave, (1024, 9). */
SARC_EXPORT(int32_t, tile_encode)(const model *m, const uint16_t *cumulative, const uint32_t *layout, const int16_t *near, const int32_t *zero,
                                  const int16_t *price, const float *latents_db, const float *steps_db, const float *weights, const int32_t *hyper,
                                  int32_t greedy, int32_t step, int32_t rows, int32_t cols, const int32_t *reference, int32_t reference_step,
                                  const int32_t *shifts, int32_t many, int64_t *costs, int32_t *symbols, int32_t *latents, float *lost, uint16_t *words, int64_t room, int64_t *first, uint64_t *state) {
    if (rows < 1 || cols < 1 || rows > WALK_MOST_CELLS || cols > WALK_MOST_CELLS) return SARC_REFUSED;
    const int64_t cells = (int64_t)rows * cols, most = (cells + 1) / 2 * MODEL_SIZE[WALK_GROUPS - 1];
    const int64_t count = WALK_CHANNELS * cells + MODEL_HYPER_CHANNELS * (int64_t)((rows + 1) / 2) * ((cols + 1) / 2);
    if (room < 6 * count + 16) return SARC_REFUSED;
    const search_tables prices = {near, zero, price, layout, m->centroids};
    encoding e = {m, &prices, latents_db, steps_db, weights, hyper, greedy, {0, 0}, NULL, NULL, NULL, NULL, NULL, NULL, NULL, costs};
    uint16_t *tables = malloc((size_t)count * sizeof *tables);
    char *arrays = malloc((size_t)most * (2 * sizeof(float) + sizeof(int32_t) + 2));
    e.room = search_room_make(&TRELLISES[many != 0]);
    int32_t answer = tables && arrays && e.room ? SARC_OK : SARC_NO_MEMORY;
    if (answer == SARC_OK) {
        e.tables = tables, e.residual = (float *)arrays, e.weight = e.residual + most, e.symbol = (int32_t *)(e.weight + most);
        e.table = (uint8_t *)(e.symbol + most), e.quantiser = e.table + most;
        const walk_tile tile = {step, rows, cols, layout, reference, reference_step, symbols, latents, lost, shifts, many, WALK_CHANNELS};
        const walk_coder coder = {&e, 0, encoding_hyper, encoding_latents, costs != NULL};
        answer = walk_whole(m, &tile, &coder);
    }
    const int64_t base = count - (WALK_CHANNELS - MODEL_SIZE[0]) * cells;
    if (answer == SARC_OK)
        answer = SARC_JOIN(sarc_rans_encode, SARC_LEVEL)(cumulative, layout, tables + base, symbols + base, count - base, words, room, first + 1, state + 1);
    if (answer == SARC_OK) answer = SARC_JOIN(sarc_rans_encode, SARC_LEVEL)(cumulative, layout, tables, symbols, base, words, first[1], first, state);
    search_room_drop(e.room);
    free(arrays);
    free(tables);
    return answer;
}
