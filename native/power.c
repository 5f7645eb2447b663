/* Levels of least error to levels of unbiased power, and to levels with their texture again. docs/format.md, 15; sarcodec/signal/correction.py and
   law.py say the same in NumPy. Numbers of a tile come from strangers: every index is held within its table. */
#include "planes.c"

enum { POWER_KNOTS = 5, DETAIL_VALUES = 3, LAW_LEAST_OCTAVE = -8, LAW_STEPS_A_OCTAVE = 8, LAW_STEPS = 121, LAW_SCORES = 161, LAW_REACH = 5 };

/* A place between two of the law's variances: the lower one's number, and the share of the next one. */
typedef struct {
    int32_t row;
    float part;
} law_place;

SARC_INLINE law_place law_variance(float variance) {
    const float least = 1.0f / (1 << -LAW_LEAST_OCTAVE);
    const float place = (log2_of(variance > least ? variance : least) - LAW_LEAST_OCTAVE) * LAW_STEPS_A_OCTAVE;
    const float held = place > 0 ? place < LAW_STEPS - 1 ? place : LAW_STEPS - 1 : 0;
    const int32_t row = SARC_MIN((int32_t)held, LAW_STEPS - 2);
    return (law_place){row, held - (float)row};
}

/* By how much the mean power lies above the mean level, dB; below the table it falls with the variance. */
SARC_INLINE float law_shift(const float *shifts, float variance) {
    const law_place at = law_variance(variance);
    const float share = variance * (1 << -LAW_LEAST_OCTAVE);
    return (shifts[at.row] * (1 - at.part) + shifts[at.row + 1] * at.part) * (share > 0 ? share < 1 ? share : 1 : 0);
}

/* Linear between the factors at rising levels, held beyond them: the first factor, and what each stretch between two levels adds. */
typedef struct {
    float first, begin[POWER_KNOTS - 1], width[POWER_KNOTS - 1], slope[POWER_KNOTS - 1];
} power_law;

static power_law power_law_of(const double *knots, const double *factors) {
    power_law law = {.first = (float)factors[0]};
    for (int k = 0; k < POWER_KNOTS - 1; k++) {
        law.begin[k] = (float)knots[k], law.width[k] = (float)(knots[k + 1] - knots[k]);
        law.slope[k] = (float)((factors[k + 1] - factors[k]) / (knots[k + 1] - knots[k]));
    }
    return law;
}

SARC_INLINE float power_factor(const power_law *law, float level) {
    float factor = law->first;
    for (int k = 0; k < POWER_KNOTS - 1; k++) {
        const float over = level - law->begin[k], above = over > 0 ? over : 0;
        factor += law->slope[k] * (above < law->width[k] ? above : law->width[k]);
    }
    return factor > 1e-30f ? factor : 1e-30f;
}

/* What is added to the power at each block, dB: the stored corrections, `restored_db`, and the law's shift for the lost variances of the cells
   (cell rows + 2, cell cols + 2) where `lost` is not NULL. blocks: means of the levels (block rows, block cols). */
SARC_EXPORT(int32_t, power_blocks)(const float *blocks, int64_t rows, int64_t cols, const float *lost, const float *shifts, const double *knots,
                                   const double *factors, float restored_db, float *out) {
    float shift[(PLANE_MOST_PX / PLANE_CELL + 2) * (PLANE_MOST_PX / PLANE_CELL + 2)];
    if (!plane_fits(rows, cols)) return SARC_REFUSED;
    const plane_size size = plane_of(rows, cols);
    const int64_t cell_rows = plane_cells(rows), cell_cols = plane_cells(cols);
    const int64_t cells = (cell_rows + 2) * (cell_cols + 2), n = size.block_rows * size.block_cols;
    memset(out, 0, (size_t)n * sizeof *out);
    if (lost) {
        for (int64_t i = 0; i < cells; i++) shift[i] = law_shift(shifts, lost[i]);
        plane_cells_to_blocks(shift, cell_rows, cell_cols, &size, out);
    }
    const power_law law = power_law_of(knots, factors);
    for (int64_t i = 0; i < n; i++) out[i] += log2_of(power_factor(&law, blocks[i])) * (1 / SARC_OCTAVES_A_DB) + restored_db;
    return SARC_OK;
}
