/* The encoder's choice of symbols: the path through the 256 or 1,024 states of a trellis of least bits + weight * squared error.

   docs/format.md, 9.9, says what is chosen; sarcodec/encoding/quantiser.py does it in NumPy, symbol for symbol. Costs are whole numbers, so that the path is
   the same at every level: bits in 1/64, residuals and places in 1/256 step. The one float operation is weight * error * error, products alone, which
   IEEE 754 rounds alike everywhere.

   How the states lie. With 256 of them, the state after s is T s by an even symbol and T s ^ 121 by an odd one, where T s = s >> 1 ^ (s & 1 ? 166 : 0). T is linear
   over GF(2), and T^255 is the identity. The cost of state T^k p after k symbols is kept at place p, for good: so a step of Viterbi's search takes for
   each place p the cheaper of p itself (even symbol) and of p ^ T^-k 242 (odd symbol), and nothing moves but by that one exclusive or. 1,024 states have other
   numbers (trellis.c). The quantiser of
   the state at place p is the lowest bit of T^k p: the parity of p & kind, with a kind for every k. */
#include "level.h"
#include "lanes.h"
#include "trellis.c"

#include <math.h>

enum {
    SEARCH_STATES = 1024, /* at most */
    SEARCH_BLOCK = 8192, /* a path is decided in blocks of so many coded symbols, to bound memory */
    SEARCH_HALF = 168,   /* a half step of the trellis, in 1/256 step */
    SEARCH_NEAR = 32,    /* half steps of |residual| that the tables reach to */
    SEARCH_LIMIT = 4095, /* of a branch above the best of its four, in units: one for each bit of a state is the most that two states' costs can differ by */
    SEARCH_HEADROOM = 16, /* bits of a state, and symbols from one lowering of all costs to the next: 16 * SEARCH_LIMIT < 2^16, so that int16 holds them */
    SEARCH_CODE_MAX = 16384
};
#define SEARCH_UNIT 256.0f       /* of residuals and places, a step */
#define SEARCH_LARGEST 2e7f      /* residuals in steps: beyond, no symbol that may be coded is near */
#define SEARCH_HEAVIEST 128.0f   /* of weights: products below fit int32 */
#define SEARCH_DEAR 536870912.0f /* 2^29 */

/* Symbols of a place p >= 0 on the grid of half steps: class p & 3 has quantiser p & 1, and an even symbol in classes 0 and 3. Of any four places in a row,
   each is of another class, and the four branches out of a state's kind are those classes. Place -1 stands for quantiser 1's symbol 0.

   near: int16 by table of quantiser 0 (256), sign, half steps below |residual| (32): bits of the four classes, then the size of their values. zero: int32 by table
   (256) and class: bits of the symbol 0 (classes 0 and 3; out of reach in the others). price: int16, bits of every symbol, aligned with `cumulative`. layout,
   centroids: as the model has them. */
typedef struct {
    const int16_t *near;
    const int32_t *zero;
    const int16_t *price;
    const uint32_t *layout;
    const uint8_t *centroids;
} search_tables;

typedef int16_t search_shorts __attribute__((vector_size(8), aligned(2), may_alias));
typedef int32_t search_wholes __attribute__((vector_size(16), aligned(4), may_alias));
typedef float search_reals __attribute__((vector_size(16)));

/* What four branches cost, and where they lead: half steps below the residual's size, times 4, plus 1 and 2 where 0 is cheaper in class 0 and 3. */
typedef struct {
    int16_t cost[4];
} search_branches;

typedef struct {
    uint16_t partner, kind;
} search_turn;

enum { SEARCH_VECTORS = SEARCH_STATES / LANES };

/* Room for one thread's search. */
typedef struct {
    void *whole; /* as it was allocated */
    _Alignas(64) int16_t costs[2][SEARCH_STATES];
    const trellis *code;
    _Alignas(32) uint16_t odd[SEARCH_BLOCK * (SEARCH_STATES / 16)]; /* bits, a sixteenth of the states a symbol: whether the cheaper way to a place is an odd symbol */
    search_branches branches[SEARCH_BLOCK];
    int32_t offers[SEARCH_BLOCK];
    search_turn turns[SEARCH_STATES];
    uint8_t kinds[SEARCH_VECTORS][SEARCH_VECTORS]; /* parity of a & b */
    _Alignas(32) int16_t lanes[LANES][LANES]; /* -1 where the parity of a & b is odd */
} search_room;

/* T^states-1 is the identity: after so many turns they begin anew. */
static void search_prepare(search_room *room, const trellis *code) {
    const unsigned back = (unsigned)code->back, states = (unsigned)code->states;
    search_turn turn = {(uint16_t)(2 * code->odd), 1};
    room->code = code;
    for (unsigned k = 0; k < states - 1; k++) {
        room->turns[k] = turn;
        const unsigned d = turn.partner;
        turn.partner = (uint16_t)(d & states / 2 ? (d ^ back) << 1 | 1 : d << 1);
        turn.kind = (uint16_t)((turn.kind << 1 | __builtin_parity(turn.kind & back)) & (states - 1));
    }
    for (int a = 0; a < SEARCH_VECTORS; a++)
        for (int b = 0; b < SEARCH_VECTORS; b++) room->kinds[a][b] = (uint8_t)__builtin_parity((unsigned)(a & b));
    for (int a = 0; a < LANES; a++)
        for (int b = 0; b < LANES; b++) room->lanes[a][b] = (int16_t)-__builtin_parity((unsigned)(a & b));
}

/* NULL where there is no memory. Its vectors lie on whole lines of the cache. */
static search_room *search_room_make(const trellis *code) {
    char *whole = malloc(sizeof(search_room) + 63);
    if (!whole) return NULL;
    search_room *room = (search_room *)(whole + (-(uintptr_t)whole & 63));
    room->whole = whole;
    search_prepare(room, code);
    return room;
}

static void search_room_drop(search_room *room) {
    if (room) free(room->whole);
}

/* Bits in 1/64 of a symbol of some size under a table; raw low bits, the same for all choices, are left out. */
static int64_t search_price(const search_tables *tables, uint32_t row, int64_t size, int negative) {
    const uint32_t layout = tables->layout[row];
    const int64_t symbol = (negative ? -size : size) >> (layout >> 20 & 15);
    const int64_t index = symbol < 0 ? -2 * symbol - 1 : 2 * symbol, escape = 2 * (int64_t)(layout >> 24 & 127) + 1;
    const int16_t *price = tables->price + (layout & 0xfffff);
    if (index < escape) return price[index];
    return price[escape] + 64 * (2 * (63 - __builtin_clzll((uint64_t)(index - escape + 1))) + 1);
}

SARC_INLINE int32_t search_squared(float error, float weight) {
    const float cost = error * error * weight;
    return (int32_t)(cost < SEARCH_DEAR ? cost : SEARCH_DEAR);
}

/* The same as search_offer for residuals beyond the tables' reach. */
static search_wholes search_far(const search_tables *tables, uint32_t row, int64_t value, int64_t below, int negative, float weight) {
    search_wholes cost = {0};
    const int64_t inwards = 8 * tables->centroids[8 * row + 7];
    for (int64_t place = below - 1; place < below + 3; place++) {
        const int64_t kind = place & 1, size = (place + kind) >> 1;
        cost[place & 3] = (int32_t)search_price(tables, row + 256 * (uint32_t)kind, size, negative) +
                          search_squared((float)(value - (SEARCH_HALF * place - inwards)), weight);
    }
    return cost;
}

/* What the four branches cost beyond the cheapest of them, in units of 2^coarse / 64 bit. */
SARC_INLINE int32_t search_offer(const search_tables *tables, uint32_t row, float residual, float weight, int coarse, int16_t out[4]) {
    const int negative = residual < 0;
    float size = fabsf(residual);
    size = (size < SEARCH_LARGEST ? size : SEARCH_LARGEST) * SEARCH_UNIT + 0.5f;
    search_wholes cost;
    int32_t below;
    float value;
    if (__builtin_expect(size < SEARCH_NEAR * SEARCH_HALF, 1)) {
        const int32_t whole = (int32_t)size;
        value = (float)whole;
        below = (int32_t)((uint32_t)whole * 49933u >> 23); /* whole / 168 */
        const int16_t *near = tables->near + (((size_t)row * 2 + (size_t)negative) * SEARCH_NEAR + (size_t)below) * 8;
        const search_wholes price = __builtin_convertvector(*(const search_shorts *)near, search_wholes);
        const search_reals error = __builtin_convertvector(whole - __builtin_convertvector(*(const search_shorts *)(near + 4), search_wholes), search_reals);
        cost = price + __builtin_convertvector(error * error * weight, search_wholes);
    } else {
        const int64_t whole = (int64_t)size;
        value = (float)whole;
        below = (int32_t)(whole / SEARCH_HALF);
        cost = search_far(tables, row, whole, below, negative, weight);
    }
    const search_wholes zero = *(const search_wholes *)(tables->zero + 4 * (size_t)row) + search_squared(value, weight);
    const search_wholes cheaper = zero < cost;
    cost = (cost & ~cheaper) | (zero & cheaper);
    const int32_t one = SARC_MIN(cost[0], cost[1]), two = SARC_MIN(cost[2], cost[3]);
    cost = (cost - SARC_MIN(one, two)) >> coarse;
    const search_wholes within = cost < SEARCH_LIMIT;
    cost = (cost & within) | (SEARCH_LIMIT & ~within);
    *(search_shorts *)out = __builtin_convertvector(cost, search_shorts);
    return (int32_t)((uint32_t)below << 2) | (cheaper[0] & 1) | (cheaper[3] & 2);
}

/* One step of the search. from, to: costs by place; cost: of the four classes; odd: one bit a place. */
SARC_INLINE void search_step(const search_room *room, const int16_t *from, int16_t *to, const int16_t cost[4], search_turn turn, uint16_t *odd, int vectors) {
    const lanes mask = *(const lanes *)room->lanes[turn.kind & (LANES - 1)];
    const lanes even = lanes_all(cost[0] ^ cost[3]) & mask, other = lanes_all(cost[2] ^ cost[1]) & mask;
    const lanes branch[2][2] = {{lanes_all(cost[0]) ^ even, lanes_all(cost[2]) ^ other}, {lanes_all(cost[3]) ^ even, lanes_all(cost[1]) ^ other}};
    const uint8_t *kinds = room->kinds[turn.kind / LANES];
    const lanes_turn turned = lanes_turning(turn.partner & 7);
    const int far = turn.partner / 8 * 16;
    for (int first = 0; first < vectors; first += 16) {
        lanes_bits bits = {0};
#pragma GCC unroll 16
        for (int v = first; v < first + 16; v++) {
            const lanes one = ((const lanes *)from)[v] + branch[kinds[v]][0];
            const lanes two = lanes_turned(lanes_across(from, v * 2 * LANES, far), turned) + branch[kinds[v]][1];
            ((lanes *)to)[v] = lanes_least(one, two);
            bits = bits + bits - (lanes_bits)(two < one);
        }
        *(lanes_bits *)(odd + first / 16 * LANES) = bits;
    }
}

/* Lowers all costs so that the least is the lowest number there is. */
static void search_lower(int16_t *costs, int vectors) {
    lanes *all = (lanes *)costs, least = all[0];
    for (int v = 1; v < vectors; v++) least = lanes_least(least, all[v]);
    int16_t lowest = least[0];
    for (int l = 1; l < LANES; l++) lowest = SARC_MIN(lowest, least[l]);
    const lanes_bits off = (lanes_bits){0} + (uint16_t)(lowest - INT16_MIN);
    for (int v = 0; v < vectors; v++) all[v] = (lanes)((lanes_bits)all[v] - off);
}

/* T^turns of a place: the state that it stands for. */
static int32_t search_state(const trellis *code, int32_t place, int64_t turns) {
    int32_t state = place;
    for (int64_t k = turns % (code->states - 1); k > 0; k--) state = trellis_next(code, state, 0);
    return state;
}

/* The place of the least cost; of several, that of the lowest state. */
static int32_t search_end(const trellis *code, const int16_t *costs, int64_t n, int32_t *state) {
    int32_t best = 0;
    *state = code->states;
    for (int32_t p = 0; p < code->states; p++) {
        if (costs[p] > costs[best]) continue;
        const int32_t found = search_state(code, p, n);
        if (costs[p] < costs[best] || found < *state) best = p, *state = found;
    }
    return best;
}

/* The symbol of a class among those offered. */
SARC_INLINE int32_t search_symbol(int32_t offer, int32_t class, float residual) {
    const int32_t first = (offer >> 2) - 1, place = first + ((class - first) & 3), kind = class & 1;
    const int32_t zero = (class == 0 && offer & 1) || (class == 3 && offer & 2);
    const int32_t size = zero ? 0 : (place + kind) >> 1;
    return residual < 0 ? -size : size;
}

/* The steps of one block through so many states. */
SARC_INLINE void search_forth(search_room *room, int64_t n, int states) {
    const int vectors = states / LANES, period = states - 1, round = SEARCH_HEADROOM - room->code->bits;
    for (int64_t i = 0, k = 0; i < n; i++, k = k + 1 == period ? 0 : k + 1) {
        if (i && i % round == 0) search_lower(room->costs[i & 1], vectors);
        search_step(room, room->costs[i & 1], room->costs[~i & 1], room->branches[i].cost, room->turns[k], room->odd + i * (states / 16), vectors);
    }
}

/* The cheapest path of one block of n <= SEARCH_BLOCK symbols whose branches are known. Fills symbols and quantisers; gives the state behind it. */
static int32_t search_block(search_room *room, const float *residual, int64_t n, int32_t state, int32_t *symbols, uint8_t *quantisers) {
    const int32_t states = room->code->states, period = states - 1;
    for (int p = 0; p < states; p++) room->costs[0][p] = (int16_t)(INT16_MIN + room->code->bits * SEARCH_LIMIT + 1);
    room->costs[0][state] = INT16_MIN;
    if (states == 256)
        search_forth(room, n, 256);
    else
        search_forth(room, n, SEARCH_STATES);
    int32_t place = search_end(room->code, room->costs[n & 1], n, &state);
    for (int64_t i = n - 1, k = (n - 1) % period; i >= 0; i--, k = k ? k - 1 : period - 1) {
        const search_turn turn = room->turns[k];
        const int32_t lane = place & (LANES - 1), v = place / LANES;
        const int32_t odd = room->odd[i * (states / 16) + v / 16 * LANES + lane] >> (15 - (v & 15)) & 1, kind = __builtin_parity((unsigned)(place & turn.kind));
        place ^= turn.partner & -odd;
        quantisers[i] = (uint8_t)kind;
        symbols[i] = search_symbol(room->offers[i], 2 * odd ^ 3 * kind, residual[i]);
    }
    return state;
}

/* The cheapest symbol where one stands, without a look ahead. */
static int32_t search_follow(search_room *room, const float *residual, int64_t n, int32_t state, int32_t *symbols, uint8_t *quantisers) {
    for (int64_t i = 0; i < n; i++) {
        const int16_t *cost = room->branches[i].cost;
        const int32_t kind = state & 1, even = 3 * kind, odd = 2 ^ even, taken = cost[even] <= cost[odd] ? even : odd;
        quantisers[i] = (uint8_t)kind;
        symbols[i] = search_symbol(room->offers[i], taken, residual[i]);
        state = trellis_next(room->code, state, taken == odd);
    }
    return state;
}

/* By how many bits costs are made coarser, so that the heaviest errors of a pass keep their differences. */
static int search_coarse(const float *weights, int64_t n) {
    float most = 0;
    for (int64_t i = 0; i < n; i++) most = SARC_MAX(most, weights[i]);
    most = SARC_MIN(most, SEARCH_HEAVIEST);
    int coarse = 0;
    while (most * (4 * SEARCH_HALF * SEARCH_HALF) > (float)(3072 << coarse)) coarse++;
    return coarse;
}

/* Symbols of n residuals in steps, all of tables that code. rows: tables of quantiser 0 (0..255); weights: of a squared 1/256 step, in 1/64 bit. state: before,
   and then behind. */
static void search_pass(search_room *room, const search_tables *tables, const float *residual, const uint8_t *rows, const float *weights, int64_t n, int greedy,
                        int32_t *state, int32_t *symbols, uint8_t *quantisers) {
    const int coarse = search_coarse(weights, n);
    for (int64_t begin = 0; begin < n; begin += SEARCH_BLOCK) {
        const int64_t count = SARC_MIN(n - begin, SEARCH_BLOCK);
        for (int64_t i = 0; i < count; i++)
            room->offers[i] = search_offer(tables, rows[begin + i], residual[begin + i], SARC_MIN(weights[begin + i], SEARCH_HEAVIEST), coarse, room->branches[i].cost);
        *state = (greedy ? search_follow : search_block)(room, residual + begin, count, *state, symbols + begin, quantisers + begin);
    }
}

SARC_EXPORT(int32_t, search)(const int16_t *near, const int32_t *zero, const int16_t *price, const uint32_t *layout, const uint8_t *centroids,
                             const float *residual, const uint8_t *rows, const float *weights, int64_t n, int32_t greedy, int32_t many,
                             int32_t *state, int32_t *symbols, uint8_t *quantisers) {
    const search_tables tables = {near, zero, price, layout, centroids};
    search_room *room = search_room_make(&TRELLISES[many != 0]);
    if (!room) return SARC_NO_MEMORY;
    search_pass(room, &tables, residual, rows, weights, n, greedy, state, symbols, quantisers);
    search_room_drop(room);
    return SARC_OK;
}
