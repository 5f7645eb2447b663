/* A tile's stream to latents: the walk_coder that reads symbols by rANS and follows the trellis (docs/format.md, 6 and 9.3).

   Reads strangers' bytes: whatever they hold, nothing outside the arrays is touched, no sum overflows and the loops end. */
#include "walk.h"

typedef struct {
    const model *m;
    const rans_tables *tables;
    rans_reader from;
    uint32_t state; /* of the trellis */
} reading;

static int32_t reading_hyper(void *self, const uint16_t *tables, int32_t count, int32_t *symbols) {
    reading *r = self;
    for (int32_t i = 0; i < count; i++) {
        symbols[i] = r->tables->layout[tables[i]] >> 31 ? 0 : rans_pull(r->tables, &r->from, tables[i]);
        if (symbols[i] == INT32_MIN) return SARC_DAMAGED;
    }
    return r->from.state ? SARC_OK : SARC_DAMAGED;
}

static int32_t reading_latents(void *self, const walk_run *run) {
    reading *r = self;
    const model *m = r->m;
    const rans_tables all = *r->tables;
    rans_reader from = r->from;
    uint32_t state = r->state;
    for (int32_t n = 0; n < run->codes; n++) {
        const int32_t i = run->coded[n];
        const uint32_t b = state & 1;
        const int32_t symbol = rans_pull(&all, &from, run->table[i] + WALK_TABLES * b);
        if (symbol == INT32_MIN) return SARC_DAMAGED;
        walk_put(run, m->centroids, m->errors, i, symbol, (int32_t)b);
        state = state >> 1 ^ (166 & -b) ^ (121 & -((uint32_t)symbol & 1));
    }
    r->from = from;
    r->state = state;
    return from.state ? SARC_OK : SARC_DAMAGED;
}

/* The state that a stream opens with: as many bytes as leave whole words, the highest not 0. Gives their number, -1 where no encoder writes them. */
static int32_t reading_opened(rans_reader *from, const uint8_t *stream, int64_t length) {
    const int32_t head = length < 3 ? (int32_t)length : 4 - (int32_t)(length % 2);
    from->state = head ? 0 : 1;
    for (int32_t i = 0; i < head; i++) from->state |= (uint64_t)stream[i] << 8 * i;
    return head && (stream[head - 1] == 0 || from->state == 1) ? -1 : head;
}

static int32_t reading_tile(const model *m, const rans_tables *tables, const uint8_t *stream, int64_t length, const walk_tile *tile) {
    reading r = {.m = m, .tables = tables};
    const int32_t head = reading_opened(&r.from, stream, length);
    if (head < 0) return SARC_DAMAGED;
    const int64_t count = (length - head) / 2;
    uint16_t *words = malloc((size_t)(count + 1) * sizeof *words);
    if (!words) return SARC_NO_MEMORY;
    for (int64_t i = 0; i < count; i++) words[i] = (uint16_t)(stream[head + 2 * i] | stream[head + 2 * i + 1] << 8);
    words[count] = 0;
    r.from.words = words, r.from.count = count;
    const walk_coder coder = {&r, 4, reading_hyper, reading_latents};
    int32_t answer = walk_whole(m, tile, &coder);
    if (answer == SARC_OK && (r.from.state != 1 || r.from.place != count)) answer = SARC_DAMAGED;
    free(words);
    return answer;
}

/* All symbols and latents of a tile of rows by cols cells from its stream, and expected errors where lost is not NULL. The three arrays of the tables are those of
   FrozenTables, all 752 of them. reference: latents of the band that it leans on, or NULL. symbols has room for 24 a hyper cell and 1024 a cell, latents and lost
   for 1024 a cell. */
SARC_EXPORT(int32_t, tile_read)(const model *m, const uint16_t *cumulative, const uint32_t *layout, const uint8_t *lookup, const uint8_t *stream, int64_t length,
                                int32_t step, int32_t rows, int32_t cols, const int32_t *reference, int32_t reference_step, int32_t *symbols,
                                int32_t *latents, float *lost) {
    const rans_tables tables = {cumulative, layout, lookup};
    const walk_tile tile = {step, rows, cols, layout, reference, reference_step, symbols, latents, lost};
    return reading_tile(m, &tables, stream, length, &tile);
}
