/* The trellises of dependent quantisation (docs/format.md, 9.3); sarcodec/entropy/trellis.py says the same. */
#ifndef SARC_TRELLIS_C
#define SARC_TRELLIS_C

#include "level.h"

/* The state after s is s >> 1, exclusive or `back` where s is odd, exclusive or `odd` where the symbol is. */
typedef struct {
    int32_t bits, states, back, odd;
} trellis;

static const trellis TRELLISES[2] = {{8, 256, 166, 121}, {10, 1024, 534, 163}}; /* the usual one, and the one that tiles may name */

SARC_INLINE int32_t trellis_next(const trellis *code, int32_t state, int32_t odd) { return state >> 1 ^ (code->back & -(state & 1)) ^ (odd ? code->odd : 0); }

#endif
