/* Symbols to bytes and back: rANS with a state of 32 bits, words of 16 bits and frequencies of 14 bits. Whole numbers only.

   docs/format.md has every step; sarcodec/entropy/reference.py says the same in plain Python, and a test holds the two together. Reads strangers'
   bytes: whatever they hold, nothing outside the arrays is touched and the loops end. */
#include "level.h"

enum { RANS_PRECISION = 14, RANS_LOOKUP = 6, RANS_CHUNK = 12, RANS_MAX_GAMMA = 24, RANS_MAX_MAGNITUDE = 1 << 24 };

/* Tables as sarcodec.entropy.tables.FrozenTables holds them. layout: start in bits 0..19, shift in 20..23, radius in 24..30, skip in bit 31. lookup:
   256 symbols a table, where the search for a slot begins. */
typedef struct {
    const uint16_t *cumulative;
    const uint32_t *layout;
    const uint8_t *lookup;
} rans_tables;

typedef struct {
    const uint16_t *words;
    int64_t count, place;
    uint64_t state;
} rans_reader;

SARC_INLINE uint64_t rans_pull_bits(rans_reader *from, uint32_t width) {
    const uint64_t value = from->state & ((UINT64_C(1) << width) - 1);
    from->state >>= width;
    if (from->state < 1 << 16 && from->place < from->count) from->state = from->state << 16 | from->words[from->place++];
    return value;
}

/* Elias gamma of excess + 1 (see format.md). Gives excess, or -1 where the length is beyond what any value needs. */
static int64_t rans_pull_escape(rans_reader *from) {
    uint32_t width = 0;
    while (!rans_pull_bits(from, 1))
        if (++width > RANS_MAX_GAMMA) return -1;
    const uint32_t low = SARC_MIN(width, RANS_CHUNK);
    const uint64_t high = rans_pull_bits(from, width - low);
    const uint64_t rest = rans_pull_bits(from, low);
    return (int64_t)(UINT64_C(1) << width | high << low | rest) - 1;
}

/* The next value under a table that does not skip, which `row` names; INT32_MIN where no encoder writes it. */
SARC_INLINE int32_t rans_pull(const rans_tables *tables, rans_reader *from, uint32_t row) {
    const uint32_t table = tables->layout[row];
    const uint16_t *cumulative = tables->cumulative + (table & 0xfffff);
    const uint64_t slot = from->state & ((1 << RANS_PRECISION) - 1);
    int64_t symbol = tables->lookup[(size_t)row << (RANS_PRECISION - RANS_LOOKUP) | slot >> RANS_LOOKUP];
    while (cumulative[symbol + 1] <= slot) symbol++;
    const uint64_t low = cumulative[symbol];
    from->state = (cumulative[symbol + 1] - low) * (from->state >> RANS_PRECISION) + slot - low;
    if (from->state < 1 << 16 && from->place < from->count) from->state = from->state << 16 | from->words[from->place++];
    if (symbol == 2 * (int64_t)(table >> 24 & 127) + 1) {
        const int64_t excess = rans_pull_escape(from);
        if (excess < 0) return INT32_MIN;
        symbol += excess;
    }
    int64_t value = (symbol >> 1) ^ -(symbol & 1);
    const uint32_t shift = table >> 20 & 15;
    if (shift) value = (int64_t)((uint64_t)value << shift | rans_pull_bits(from, shift));
    return value > -RANS_MAX_MAGNITUDE && value < RANS_MAX_MAGNITUDE ? (int32_t)value : INT32_MIN;
}

/* Fills values[n] and modes[n], the mode that each value was read in. In mode m a value's table is rows[i] + jump[m], the next mode next_mode[m][value & 1];
   a skipped value leaves the mode as it is. place, state and mode are where the reader stands, before and after. Every row + jump must name a table. */
SARC_EXPORT(int32_t, rans_decode)(const uint16_t *cumulative, const uint32_t *layout, const uint8_t *lookup, const uint16_t *words, int64_t count,
                                  int64_t *place, uint64_t *state, const uint16_t *rows, int64_t n, const uint16_t *next_mode, const int64_t *jump,
                                  int64_t *mode, int32_t *values, uint16_t *modes) {
    const rans_tables tables = {cumulative, layout, lookup};
    rans_reader from = {words, count, *place, *state};
    int64_t at = *mode;
    int32_t answer = SARC_OK;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t row = (uint32_t)(rows[i] + jump[at]);
        modes[i] = (uint16_t)at;
        if (layout[row] >> 31) {
            values[i] = 0;
            continue;
        }
        values[i] = rans_pull(&tables, &from, row);
        if (values[i] == INT32_MIN) {
            answer = SARC_DAMAGED;
            break;
        }
        at = next_mode[2 * at + (values[i] & 1)];
    }
    *place = from.place, *state = from.state, *mode = at;
    return from.state ? answer : SARC_DAMAGED;
}

typedef struct {
    uint16_t *words;
    int64_t place; /* words are written from the end of their array: this is the last one written */
    uint64_t state;
} rans_writer;

SARC_INLINE void rans_push_bits(rans_writer *to, uint64_t value, uint32_t width) {
    if (to->state >> (32 - width)) {
        to->words[--to->place] = (uint16_t)to->state;
        to->state >>= 16;
    }
    to->state = to->state << width | value;
}

static void rans_push_escape(rans_writer *to, uint64_t excess) {
    const uint64_t number = excess + 1;
    uint32_t width = 0;
    while (number >> (width + 1)) width++;
    const uint64_t rest = number ^ UINT64_C(1) << width;
    const uint32_t low = SARC_MIN(width, RANS_CHUNK);
    rans_push_bits(to, rest & ((UINT64_C(1) << low) - 1), low);
    rans_push_bits(to, rest >> low, width - low);
    rans_push_bits(to, 1, 1);
    for (uint32_t i = 0; i < width; i++) rans_push_bits(to, 0, 1);
}

SARC_INLINE void rans_push(const uint16_t *cumulative, rans_writer *to, uint32_t table, int64_t value) {
    const uint32_t shift = table >> 20 & 15;
    const int64_t quotient = value >> shift, escape = 2 * (int64_t)(table >> 24 & 127) + 1;
    if (shift) rans_push_bits(to, (uint64_t)value & ((UINT64_C(1) << shift) - 1), shift);
    int64_t symbol = quotient >= 0 ? 2 * quotient : -2 * quotient - 1;
    if (symbol >= escape) {
        rans_push_escape(to, (uint64_t)(symbol - escape));
        symbol = escape;
    }
    const uint16_t *at = cumulative + (table & 0xfffff) + symbol;
    const uint32_t begin = at[0], frequency = at[1] - begin;
    if (to->state >> (32 - RANS_PRECISION) >= frequency) {
        to->words[--to->place] = (uint16_t)to->state;
        to->state >>= 16;
    }
    const uint32_t narrow = (uint32_t)to->state, share = narrow / frequency;
    to->state = ((uint64_t)share << RANS_PRECISION) + (narrow - share * frequency + begin);
}

/* Walks backwards and fills `words` from its end, *first its first word then. words has room for 6 a value and 8 more. Gives SARC_REFUSED, and in *first the
   value's index, where a value is not 0 although its table codes nothing. Every row must name a table. */
SARC_EXPORT(int32_t, rans_encode)(const uint16_t *cumulative, const uint32_t *layout, const uint16_t *rows, const int32_t *values, int64_t n, uint16_t *words,
                                  int64_t room, int64_t *first, uint64_t *state) {
    rans_writer to = {words, room, 1};
    for (int64_t i = n - 1; i >= 0; i--) {
        const uint32_t table = layout[rows[i]];
        if (!(table >> 31)) {
            rans_push(cumulative, &to, table, values[i]);
        } else if (values[i]) {
            *first = i;
            return SARC_REFUSED;
        }
    }
    *first = to.place, *state = to.state;
    return SARC_OK;
}
