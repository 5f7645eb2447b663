/* Which width and amplitude of a bump brings a target's energies and peak nearest to the original's; sarcodec/encoding/bump_fitting.py says the same in NumPy. Doubles. */
#include "level.h"

enum {
    BUMP_NEAR = 4,                         /* half side of what a fit looks at */
    BUMP_SIDE = 2 * BUMP_NEAR + 1,
    BUMP_PIXELS = BUMP_SIDE * BUMP_SIDE,
    BUMP_REACH = 6,
    BUMP_SHAPE = (2 * BUMP_REACH + 1) * (2 * BUMP_REACH + 1),
    BUMP_MOVED = BUMP_NEAR + 1,            /* half side of what a bump moves while it is fitted */
    BUMP_ENERGY = 2,
    BUMP_DECIDING = 3,
    BUMP_LARGEST = 166,
    BUMP_AMPLITUDES = 2 * BUMP_LARGEST + 1,
    BUMP_WIDTHS = 4,                       /* of gains, and of added bumps that are no single pixel */
    BUMP_CANDIDATES = BUMP_WIDTHS * BUMP_AMPLITUDES
};
#define BUMP_NOTHING_DB (-300.0)
#define BUMP_LEAST_ENERGY 0.02
#define BUMP_GROUND_SHARE 0.75
#define BUMP_UNIT_DB 0.5
#define BUMP_BONUS 0.1
#define BUMP_AS_GOOD 0.02
#define BUMP_PEAK_SHARE 0.45
#define BUMP_ENERGY_WEIGHT 2.0
#define BUMP_INNER_WEIGHT 0.5
#define BUMP_PEAK_WEIGHT 0.55
#define BUMP_SHAPE_WEIGHT 0.02

/* A bump as it stands in a table of int32: its pixel, the target's, the target's number, and what is stored of it. */
typedef struct {
    int32_t pixel[2], target[2], index, added, width, quarters[2], amplitude;
} bump;

/* A tile: its levels in dB as they stand with the bumps, what they should be (-inf where nothing counts), and whether the tile decides a pixel. */
typedef struct {
    double *image;
    const float *original;
    const uint8_t *own;
    int64_t rows, cols;
} bump_tile;

/* Shapes: gains' (4, 13, 13), added ones' (5, 4, 4, 13, 13); factors of gains' powers by width and amplitude (4, 333, 9, 9); powers of amplitudes from 1 (166). */
typedef struct {
    const float *gain_shapes, *added_shapes;
    const double *factors, *heights;
} bump_tables;

static double bump_power(double level_db) { return exp(level_db * 0.23025850929940458); }

static int bump_inside(const bump_tile *tile, int64_t r, int64_t c) { return r >= 0 && c >= 0 && r < tile->rows && c < tile->cols; }

static double bump_wanted(const bump_tile *tile, int64_t r, int64_t c) {
    return bump_inside(tile, r, c) ? bump_power((double)tile->original[r * tile->cols + c]) : 0;
}

static double bump_given(const bump_tile *tile, int64_t r, int64_t c) {
    return bump_inside(tile, r, c) ? bump_power(tile->image[r * tile->cols + c]) : 0;
}

static int bump_decided(const bump_tile *tile, const int32_t *pixel) {
    for (int64_t y = -BUMP_DECIDING; y <= BUMP_DECIDING; y++)
        for (int64_t x = -BUMP_DECIDING; x <= BUMP_DECIDING; x++) {
            const int64_t r = SARC_MIN(SARC_MAX(pixel[0] + y, 0), tile->rows - 1), c = SARC_MIN(SARC_MAX(pixel[1] + x, 0), tile->cols - 1);
            if (!tile->own[r * tile->cols + c]) return 0;
        }
    return 1;
}

/* Error in dB of an energy less the ground's share. */
static double bump_off_db(double given, double wanted, double ground) {
    const double share = SARC_MIN(ground, BUMP_GROUND_SHARE * wanted), ratio = (given - share) / (wanted - share);
    return 10 * log10(SARC_MAX(ratio, BUMP_LEAST_ENERGY));
}

static const float *bump_added_shape(const bump_tables *tables, const bump *it, int32_t width) {
    return tables->added_shapes + ((width * 4 + it->quarters[0]) * 4 + it->quarters[1]) * BUMP_SHAPE;
}

static void bump_add(const bump_tile *tile, const bump_tables *tables, const bump *it, double sign) {
    const float *shape = it->added ? bump_added_shape(tables, it, it->width) : tables->gain_shapes + it->width * BUMP_SHAPE;
    const double height = it->amplitude * BUMP_UNIT_DB, above = bump_power(height) - 1;
    for (int64_t y = -BUMP_MOVED; y <= BUMP_MOVED; y++)
        for (int64_t x = -BUMP_MOVED; x <= BUMP_MOVED; x++) {
            const int64_t r = it->pixel[0] + y, c = it->pixel[1] + x;
            const double part = (double)shape[(y + BUMP_REACH) * (2 * BUMP_REACH + 1) + x + BUMP_REACH];
            if (part == 0 || !bump_inside(tile, r, c)) continue;
            tile->image[r * tile->cols + c] += sign * (it->added ? 10 * log10(1 + above * part) : height * part);
        }
}

/* What one fit compares: powers of the 5 x 5 px without the bump and of the original. */
typedef struct {
    double other[25], wanted[25], other_db[25], wanted_db[25];
    double energy, inner, peak, ground, inner_ground;
    int64_t corner; /* of the 5 x 5 px in the 9 x 9 around the bump's pixel */
    int32_t counts;
} bump_view;

static bump_view bump_look(const bump_tile *tile, const bump *it, double ground) {
    bump_view view = {.corner = (BUMP_NEAR + it->target[0] - it->pixel[0] - BUMP_ENERGY) * BUMP_SIDE + BUMP_NEAR + it->target[1] - it->pixel[1] - BUMP_ENERGY};
    int32_t inner = 0;
    for (int i = 0; i < 25; i++) {
        const int64_t y = i / 5 - 2, x = i % 5 - 2, r = it->target[0] + y, c = it->target[1] + x;
        const int near = y >= -1 && y <= 1 && x >= -1 && x <= 1, inside = bump_inside(tile, r, c);
        view.other_db[i] = inside ? tile->image[r * tile->cols + c] : BUMP_NOTHING_DB;
        view.wanted_db[i] = inside ? (double)tile->original[r * tile->cols + c] : -INFINITY;
        view.other[i] = bump_power(view.other_db[i]);
        view.wanted[i] = inside ? bump_power(view.wanted_db[i]) : 0;
        view.energy += view.wanted[i];
        view.counts += view.wanted[i] > 0;
        if (!near) continue;
        view.inner += view.wanted[i];
        inner += view.wanted[i] > 0;
        view.peak = SARC_MAX(view.peak, view.wanted[i]);
    }
    view.ground = view.counts * ground, view.inner_ground = inner * ground;
    return view;
}

/* The factors of the 25 powers by a bump of a width and amplitude. */
static void bump_factors(const bump_tables *tables, const bump *it, const bump_view *view, int32_t width, int32_t amplitude, double *out) {
    if (it->added) {
        const float *shape = bump_added_shape(tables, it, width) + (BUMP_REACH - BUMP_NEAR) * (2 * BUMP_REACH + 2);
        const double above = tables->heights[amplitude - 1] - 1;
        for (int i = 0; i < 25; i++) {
            const int64_t at = view->corner + i / 5 * BUMP_SIDE + i % 5;
            out[i] = 1 + above * (double)shape[at / BUMP_SIDE * (2 * BUMP_REACH + 1) + at % BUMP_SIDE];
        }
    } else {
        const double *factors = tables->factors + (width * BUMP_AMPLITUDES + amplitude + BUMP_LARGEST) * BUMP_PIXELS + view->corner;
        for (int i = 0; i < 25; i++) out[i] = factors[i / 5 * BUMP_SIDE + i % 5];
    }
}

static double bump_energy(const bump_view *view, const double *factors) {
    double sum = 0;
    for (int i = 0; i < 25; i++) sum += factors[i] * view->other[i];
    return sum;
}

/* What the bump costs beside the error of its energy; what is above `enough` already is not counted to its end. */
static double bump_cost(const bump_tables *tables, const bump *it, const bump_view *view, int32_t width, int32_t amplitude, const double *factors,
                        double cost, double enough) {
    double inner = 0, peak = 0, shape = 0;
    for (int i = 0; i < 25; i++) {
        if (i / 5 < 1 || i / 5 > 3 || i % 5 < 1 || i % 5 > 3) continue;
        const double given = factors[i] * view->other[i];
        inner += given, peak = SARC_MAX(peak, given);
    }
    const double off = bump_off_db(inner, view->inner, view->inner_ground), peak_off = bump_off_db(peak, view->peak, 0);
    cost += BUMP_INNER_WEIGHT * off * off + BUMP_PEAK_WEIGHT * peak_off * peak_off;
    if (cost > enough) return cost;
    const float *gain = tables->gain_shapes + width * BUMP_SHAPE + (BUMP_REACH - BUMP_NEAR) * (2 * BUMP_REACH + 2);
    for (int i = 0; i < 25; i++) {
        if (!(view->wanted[i] > 0)) continue;
        const int64_t at = view->corner + i / 5 * BUMP_SIDE + i % 5;
        const double image = it->added ? 10 * log10(factors[i])
                                       : amplitude * BUMP_UNIT_DB * (double)gain[at / BUMP_SIDE * (2 * BUMP_REACH + 1) + at % BUMP_SIDE];
        const double lacks = view->wanted_db[i] - view->other_db[i];
        shape += (image - lacks) * (image - lacks);
    }
    return cost + BUMP_SHAPE_WEIGHT * shape / view->counts;
}

typedef struct {
    double cost, excess;
    int32_t width, amplitude;
} bump_candidate;

typedef struct {
    bump_candidate all[BUMP_CANDIDATES];
    int32_t count;
    double least;
} bump_search;

/* Weighs one width and amplitude; 0 where the error of the energy alone says that neither it nor any that is farther from the energy can be chosen. */
static int bump_weigh(const bump_tables *tables, const bump *it, const bump_view *view, int32_t width, int32_t amplitude, bump_search *search) {
    double factors[25];
    bump_factors(tables, it, view, width, amplitude, factors);
    const double energy = bump_energy(view, factors), off = bump_off_db(energy, view->energy, view->ground);
    const double bonus = it->added && width == it->width && amplitude == it->amplitude ? BUMP_BONUS : 0;
    const double cost = BUMP_ENERGY_WEIGHT * off * off, enough = search->least + BUMP_AS_GOOD;
    if (cost - (it->added ? BUMP_BONUS : 0) > enough) return 0;
    const double whole = bump_cost(tables, it, view, width, amplitude, factors, cost, enough + bonus) - bonus;
    if (whole <= enough) search->all[search->count++] = (bump_candidate){whole, energy - view->energy, width, amplitude};
    search->least = SARC_MIN(search->least, whole);
    return 1;
}

/* Both ways from the amplitude at which the energy is right: it rises with the amplitude. */
static void bump_weigh_width(const bump_tables *tables, const bump *it, const bump_view *view, int32_t width, bump_search *search) {
    int32_t low = it->added ? 1 : -BUMP_LARGEST, high = BUMP_LARGEST + 1;
    const int32_t first = low;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        double factors[25];
        bump_factors(tables, it, view, width, middle, factors);
        if (bump_energy(view, factors) < view->energy) low = middle + 1;
        else high = middle;
    }
    for (int32_t a = low; a <= BUMP_LARGEST && bump_weigh(tables, it, view, width, a, search); a++) {}
    for (int32_t a = low - 1; a >= first && bump_weigh(tables, it, view, width, a, search); a--) {}
}

/* The width and amplitude that cost least; among what is as good, that which leaves the tile's power as it is. others: by how much that is too high without it. */
static void bump_fit(const bump_tile *tile, const bump_tables *tables, bump *it, double ground, double others, double *excess, bump_search *search) {
    const bump_view view = bump_look(tile, it, ground);
    const int32_t first = it->added && it->width > 0, last = it->added && it->width == 0 ? 0 : BUMP_WIDTHS - 1 + first;
    search->count = 0, search->least = INFINITY;
    for (int32_t width = first; width <= last; width++) bump_weigh_width(tables, it, &view, width, search);
    const bump_candidate *best = 0;
    for (int32_t i = 0; i < search->count; i++) {
        const bump_candidate *one = search->all + i;
        if (one->cost <= search->least + BUMP_AS_GOOD && (!best || fabs(one->excess + others) < fabs(best->excess + others))) best = one;
    }
    if (best) it->width = best->width, it->amplitude = best->amplitude, *excess = best->excess;
}

static int bump_possible(const bump_tile *tile, const bump *it, int64_t targets) {
    int possible = it->index >= 0 && it->index < targets && it->width >= 0 && it->width <= (it->added ? BUMP_WIDTHS : BUMP_WIDTHS - 1);
    for (int axis = 0; axis < 2; axis++) {
        possible &= it->quarters[axis] >= 0 && it->quarters[axis] < 4 && it->pixel[axis] >= 0 && it->pixel[axis] < (axis ? tile->cols : tile->rows);
        possible &= it->target[axis] - it->pixel[axis] >= -1 && it->target[axis] - it->pixel[axis] <= 1;
    }
    return possible && it->amplitude >= -BUMP_LARGEST && it->amplitude <= BUMP_LARGEST;
}

/* Puts bumps from number `first` on onto the image, then fits every one of which the tile decides, in turns, until nothing changes, at most as often as `sweeps` says. grounds: of
   targets; bumps: int32 (count, 10), changed, with `excesses`. How many the last turn changed. */
SARC_EXPORT(int32_t, fit_bumps)(double *image, const float *original, const uint8_t *own, int64_t rows, int64_t cols, const float *gain_shapes,
                                const float *added_shapes, const double *factors, const double *heights, const double *grounds, int64_t targets,
                                int32_t *bumps, double *excesses, int64_t count, int64_t first, int32_t sweeps) {
    const bump_tile tile = {image, original, own, rows, cols};
    const bump_tables tables = {gain_shapes, added_shapes, factors, heights};
    bump *all = (bump *)bumps;
    for (int64_t n = 0; n < count; n++)
        if (!bump_possible(&tile, all + n, targets)) return SARC_REFUSED;
    bump_search *search = malloc(sizeof *search);
    if (!search) return SARC_NO_MEMORY;
    for (int64_t n = first; n < count; n++) bump_add(&tile, &tables, all + n, 1);
    int32_t changed = 1;
    for (int32_t sweep = 0; sweep < sweeps && changed; sweep++) {
        changed = 0;
        for (int64_t n = 0; n < count; n++) {
            const bump before = all[n];
            double others = 0;
            if (!bump_decided(&tile, all[n].pixel)) continue;
            for (int64_t m = 0; m < count; m++) others += m == n ? 0 : excesses[m];
            bump_add(&tile, &tables, all + n, -1);
            bump_fit(&tile, &tables, all + n, grounds[all[n].index], others, excesses + n, search);
            bump_add(&tile, &tables, all + n, 1);
            changed += before.width != all[n].width || before.amplitude != all[n].amplitude;
        }
    }
    free(search);
    return changed;
}

/* How far each target (count, 2) is off, in dB of its energy or, where that is more, in a share of those of its peak; 0 where the tile does not decide alone. */
SARC_EXPORT(int32_t, target_errors)(double *image, const float *original, const uint8_t *own, int64_t rows, int64_t cols, const int32_t *targets,
                                    const double *grounds, int64_t count, double *errors) {
    const bump_tile tile = {image, original, own, rows, cols};
    for (int64_t n = 0; n < count; n++) {
        const int32_t *place = targets + 2 * n;
        double given = 0, wanted = 0, given_peak = 0, wanted_peak = 0;
        int32_t counts = 0;
        errors[n] = 0;
        if (!bump_inside(&tile, place[0], place[1])) return SARC_REFUSED;
        if (!bump_decided(&tile, place)) continue;
        for (int64_t y = -BUMP_ENERGY; y <= BUMP_ENERGY; y++)
            for (int64_t x = -BUMP_ENERGY; x <= BUMP_ENERGY; x++) {
                const double has = bump_given(&tile, place[0] + y, place[1] + x), should = bump_wanted(&tile, place[0] + y, place[1] + x);
                given += has, wanted += should, counts += should > 0;
                if (y < -1 || y > 1 || x < -1 || x > 1) continue;
                given_peak = SARC_MAX(given_peak, has), wanted_peak = SARC_MAX(wanted_peak, should);
            }
        const double energy = fabs(bump_off_db(given, wanted, counts * grounds[n])), peak = fabs(bump_off_db(given_peak, wanted_peak, 0));
        errors[n] = SARC_MAX(energy, BUMP_PEAK_SHARE * peak);
    }
    return SARC_OK;
}

/* For each target (count, 2) the number of its block of 8 x 8 px, and the block's brightest pixel, where a reader finds the target there: the pixel is the target's
   or beside it, leads all others by `lead_db`, the block does not lie on the tile's border and is the tile's own; else block -1. side: blocks a row of a tile. */
SARC_EXPORT(int32_t, target_blocks)(const float *levels, const uint8_t *own, int64_t rows, int64_t cols, const int32_t *targets, int64_t count, float lead_db,
                                    int32_t side, int32_t *blocks, int32_t *pixels) {
    enum { PX = 8 };
    for (int64_t n = 0; n < count; n++) {
        const int64_t row = targets[2 * n], col = targets[2 * n + 1], top = row / PX, left = col / PX;
        float first = -INFINITY, second = -INFINITY;
        int64_t brightest[2] = {0, 0};
        int whole = row >= 0 && col >= 0 && row < rows && col < cols && top > 0 && left > 0 && top < side - 1 && left < side - 1;
        for (int64_t r = top * PX; whole && r < SARC_MIN(top * PX + PX, rows); r++)
            for (int64_t c = left * PX; c < SARC_MIN(left * PX + PX, cols); c++) {
                const float level = levels[r * cols + c];
                whole &= own[r * cols + c] != 0;
                if (level > first) second = first, first = level, brightest[0] = r, brightest[1] = c;
                else if (level > second) second = level;
            }
        const int64_t down = brightest[0] - row, right = brightest[1] - col;
        whole = whole && first - second >= lead_db && down >= -1 && down <= 1 && right >= -1 && right <= 1;
        blocks[n] = whole ? (int32_t)(top * side + left) : -1;
        pixels[2 * n] = (int32_t)(whole ? brightest[0] : row), pixels[2 * n + 1] = (int32_t)(whole ? brightest[1] : col);
    }
    return SARC_OK;
}
