/* A tile's stream to latents: the walk_coder that reads symbols by rANS and follows the trellis (docs/format.md, 6 and 9.3).

   Reads strangers' bytes: whatever they hold, nothing outside the arrays is touched, no sum overflows and the loops end. */
#include "walk.h"
#include "trellis.c"

enum { READING_PLACES = 1280 };

/* A table of latents as the loop over symbols wants it. */
typedef struct {
    uint32_t start; /* of its cumulative frequencies */
    uint32_t rare;  /* symbols from here on go on: the escape, or all where raw bits follow */
} reading_table;

typedef struct {
    const rans_tables *tables;
    rans_reader from;
    const trellis *code;
    uint32_t state; /* of the trellis */
    reading_table latents[2 * WALK_TABLES];
} reading;

/* SARC_REFUSED where one quantiser skips a table and the other does not: the loop over symbols asks only once. */
static int32_t reading_prepare(reading *r) {
    for (int32_t t = 0; t < WALK_TABLES; t++)
        if ((r->tables->layout[t] ^ r->tables->layout[WALK_TABLES + t]) >> 31) return SARC_REFUSED;
    for (int32_t t = 0; t < 2 * WALK_TABLES; t++) {
        const uint32_t table = r->tables->layout[t];
        r->latents[t] = (reading_table){table & 0xfffff, table >> 20 & 15 ? 0 : 2 * (table >> 24 & 127) + 1};
    }
    return SARC_OK;
}

static int32_t reading_hyper(void *self, const uint16_t *tables, int32_t count, int32_t *symbols) {
    reading *r = self;
    for (int32_t i = 0; i < count; i++) {
        symbols[i] = r->tables->layout[tables[i]] >> 31 ? 0 : rans_pull(r->tables, &r->from, tables[i]);
        if (symbols[i] == INT32_MIN) return SARC_DAMAGED;
    }
    return r->from.state ? SARC_OK : SARC_DAMAGED;
}

/* A value of a table with raw bits, or an escape: what is rare, out of the way of the others. z: the symbol in the table's alphabet. */
static __attribute__((noinline)) int32_t reading_rare(rans_reader *from, uint32_t table, int64_t z) {
    if (z == 2 * (int64_t)(table >> 24 & 127) + 1) {
        const int64_t excess = rans_pull_escape(from);
        if (excess < 0) return INT32_MIN;
        z += excess;
    }
    int64_t value = (z >> 1) ^ -(z & 1);
    const uint32_t shift = table >> 20 & 15;
    if (shift) value = (int64_t)((uint64_t)value << shift | rans_pull_bits(from, shift));
    return value > -RANS_MAX_MAGNITUDE && value < RANS_MAX_MAGNITUDE ? (int32_t)value : INT32_MIN;
}

/* The symbols of a run. As rans_pull, but with the coder's state in registers, and the trellis between the symbols. */
static int32_t reading_latents(void *self, const walk_run *run) {
    reading *r = self;
    const uint16_t *const cumulative = r->tables->cumulative, *const words = r->from.words;
    const uint8_t *const lookup = r->tables->lookup;
    const int64_t count = r->from.count;
    int64_t place = r->from.place;
    uint64_t x = r->from.state;
    uint32_t state = r->state;
    const uint32_t back = (uint32_t)r->code->back, odd = (uint32_t)r->code->odd;
    for (int32_t n = 0; n < run->codes; n++) {
        const int32_t i = run->coded[n];
        const uint32_t b = state & 1, row = run->table[i] + WALK_TABLES * b;
        const reading_table table = r->latents[row];
        const uint16_t *symbols = cumulative + table.start;
        const uint64_t slot = x & ((1 << RANS_PRECISION) - 1);
        uint32_t z = lookup[row << (RANS_PRECISION - RANS_LOOKUP) | slot >> RANS_LOOKUP];
        while (symbols[z + 1] <= slot) z++;
        x = (uint64_t)(uint32_t)(symbols[z + 1] - symbols[z]) * (x >> RANS_PRECISION) + slot - symbols[z];
        if (x < 1 << 16 && place < count) x = x << 16 | words[place++];
        int32_t symbol = (int32_t)(z >> 1) ^ -(int32_t)(z & 1);
        if (z >= table.rare) {
            rans_reader from = {words, count, place, x};
            symbol = reading_rare(&from, r->tables->layout[row], z);
            if (symbol == INT32_MIN) return SARC_DAMAGED;
            x = from.state, place = from.place;
        }
        state = state >> 1 ^ (back & -b) ^ (symbol & 1 ? odd : 0);
        walk_put(run, i, symbol, (int32_t)b);
    }
    r->from.state = x, r->from.place = place, r->state = state;
    return x ? SARC_OK : SARC_DAMAGED;
}

/* The state that a stream opens with: as many bytes as leave whole words, the highest not 0. Gives their number, -1 where no encoder writes them. */
static int32_t reading_opened(rans_reader *from, const uint8_t *stream, int64_t length) {
    const int32_t head = length < 3 ? (int32_t)length : 4 - (int32_t)(length % 2);
    from->state = head ? 0 : 1;
    for (int32_t i = 0; i < head; i++) from->state |= (uint64_t)stream[i] << 8 * i;
    return head && (stream[head - 1] == 0 || from->state == 1) ? -1 : head;
}

/* A stream that is opened: its state and words, which `from->words` owns. */
static int32_t reading_open(rans_reader *from, const uint8_t *stream, int64_t length) {
    const int32_t head = reading_opened(from, stream, length);
    if (head < 0) return SARC_DAMAGED;
    const int64_t count = (length - head) / 2;
    uint16_t *words = malloc((size_t)(count + 1) * sizeof *words);
    if (!words) return SARC_NO_MEMORY;
    for (int64_t i = 0; i < count; i++) words[i] = (uint16_t)(stream[head + 2 * i] | stream[head + 2 * i + 1] << 8);
    words[count] = 0;
    from->words = words, from->count = count, from->place = 0;
    return SARC_OK;
}

/* Groups `first` to `last` of a walk from a stream of their own, or the hyper symbols too where *w is not begun. The stream has to end where they do. */
static int32_t reading_groups(walk **w, const model *m, const rans_tables *tables, const walk_tile *tile, const uint8_t *stream, int64_t length, int32_t first,
                              int32_t last) {
    reading r = {.tables = tables, .code = &TRELLISES[tile->many != 0]};
    reading_prepare(&r);
    int32_t answer = reading_open(&r.from, stream, length);
    const walk_coder coder = {&r, READING_PLACES, reading_hyper, reading_latents, 0};
    if (answer == SARC_OK && !*w) answer = walk_begin(w, m, tile, &coder);
    for (int32_t g = first; answer == SARC_OK && g <= last; g++) answer = walk_group(*w, g, &coder);
    if (answer == SARC_OK && (r.from.state != 1 || r.from.place != r.from.count)) answer = SARC_DAMAGED;
    free((void *)r.from.words);
    return answer;
}

/* Symbols and latents of a tile of rows by cols cells, and expected errors where lost is not NULL: hyper symbols and group 0 from the stream `base`, the other groups from
   `rest`, where that is not NULL. Where it is, reference, latents and lost have the 16 numbers a cell of group 0 alone, and symbols end with it. The three arrays of the tables are those of FrozenTables, all 752 of them.
   reference: latents of the band that it leans on, or NULL; shifts, many: as in walk_tile. symbols has room for 24 a hyper cell and 1024 a cell, latents and lost for 1024 a cell. */
SARC_EXPORT(int32_t, tile_read)(const model *m, const uint16_t *cumulative, const uint32_t *layout, const uint8_t *lookup, const uint8_t *base,
                                int64_t base_length, const uint8_t *rest, int64_t rest_length, int32_t step, int32_t rows, int32_t cols,
                                const int32_t *reference, int32_t reference_step, const int32_t *shifts, int32_t many, int32_t *symbols, int32_t *latents, float *lost) {
    const rans_tables tables = {cumulative, layout, lookup};
    const walk_tile tile = {step, rows, cols, layout, reference, reference_step, symbols, latents, lost, shifts, many, rest ? WALK_CHANNELS : MODEL_SIZE[0]};
    walk *w = NULL;
    int32_t answer = reading_groups(&w, m, &tables, &tile, base, base_length, 0, 0);
    if (answer == SARC_OK && rest) answer = reading_groups(&w, m, &tables, &tile, rest, rest_length, 1, WALK_GROUPS - 1);
    walk_end(w);
    return answer;
}
