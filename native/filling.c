/* Smooth levels where pixels are invalid: push and pull (Gortler et al., The Lumigraph, 1996). sarcodec/signal/filling.py says the same in NumPy. */
#include "level.h"

/* Levels and which of them are valid: rows of `cols`, `row` apart. */
typedef struct {
    const float *levels;
    const uint8_t *valid;
    ptrdiff_t row;
    int64_t rows, cols;
} filling_plane;

static int64_t filling_count(const filling_plane *plane) {
    int64_t count = 0;
    for (int64_t r = 0; r < plane->rows; r++) {
        int32_t some = 0;
        for (int64_t c = 0; c < plane->cols; c++) some += plane->valid[r * plane->row + c];
        count += some;
    }
    return count;
}

/* The mean of the valid ones of four levels, and whether there is one. A quarter before the sum: four of the largest floats must not overflow. */
SARC_INLINE void filling_mean(const float a[2], const float b[2], const uint8_t a_valid[2], const uint8_t b_valid[2], float *level, uint8_t *present) {
    const float first = (a_valid[0] ? 0.25f * a[0] : 0) + (b_valid[0] ? 0.25f * b[0] : 0);
    const float second = (a_valid[1] ? 0.25f * a[1] : 0) + (b_valid[1] ? 0.25f * b[1] : 0);
    const int32_t count = a_valid[0] + b_valid[0] + a_valid[1] + b_valid[1];
    *level = count ? (first + second) / (0.25f * (float)count) : 0;
    *present = count > 0;
}

/* Means of 2 x 2; an odd edge counts as followed by invalid levels. none: as many zeros as there are columns. */
static void filling_push(const filling_plane *plane, const uint8_t *none, float *coarse, uint8_t *present) {
    const int64_t pairs = plane->cols / 2, coarse_cols = (plane->cols + 1) / 2;
    for (int64_t r = 0; r < plane->rows; r += 2, coarse += coarse_cols, present += coarse_cols) {
        const int has_next = r + 1 < plane->rows;
        const float *a = plane->levels + r * plane->row, *b = has_next ? a + plane->row : a;
        const uint8_t *a_valid = plane->valid + r * plane->row, *b_valid = has_next ? a_valid + plane->row : none;
        for (int64_t c = 0; c < pairs; c++) filling_mean(a + 2 * c, b + 2 * c, a_valid + 2 * c, b_valid + 2 * c, coarse + c, present + c);
        if (pairs < coarse_cols) {
            const int64_t last = plane->cols - 1;
            const float one[2] = {a[last], 0}, other[2] = {b[last], 0};
            const uint8_t one_valid[2] = {a_valid[last], 0}, other_valid[2] = {b_valid[last], 0};
            filling_mean(one, other, one_valid, other_valid, coarse + pairs, present + pairs);
        }
    }
}

/* Twice the coarse levels by linear interpolation (weights 3/4 and 1/4, edges held) where levels are invalid. line: room for a coarse row. */
static void filling_pull(const filling_plane *plane, const float *coarse, float *line, float *out, ptrdiff_t out_row) {
    const int64_t coarse_rows = (plane->rows + 1) / 2, coarse_cols = (plane->cols + 1) / 2;
    for (int64_t r = 0; r < plane->rows; r++) {
        const int64_t near = r / 2, far = SARC_MIN(SARC_MAX(near + (r % 2 ? 1 : -1), 0), coarse_rows - 1);
        const float *a = coarse + near * coarse_cols, *b = coarse + far * coarse_cols, *levels = plane->levels + r * plane->row;
        const uint8_t *valid = plane->valid + r * plane->row;
        for (int64_t c = 0; c < coarse_cols; c++) line[c] = 0.75f * a[c] + 0.25f * b[c];
        for (int64_t c = 0; c < plane->cols; c++) {
            const int64_t beside = SARC_MIN(SARC_MAX(c / 2 + (c % 2 ? 1 : -1), 0), coarse_cols - 1);
            out[r * out_row + c] = valid[c] ? levels[c] : 0.75f * line[c / 2] + 0.25f * line[beside];
        }
    }
}

/* out may be plane->levels, if the rows are as far apart. Gives SARC_OK or SARC_NO_MEMORY. */
static int32_t filling_fill(const filling_plane *plane, float *out, ptrdiff_t out_row) {
    const int64_t count = filling_count(plane), rows = (plane->rows + 1) / 2, cols = (plane->cols + 1) / 2;
    if (count == 0 || count == plane->rows * plane->cols) {
        for (int64_t r = 0; r < plane->rows; r++) {
            if (!count) memset(out + r * out_row, 0, (size_t)plane->cols * sizeof *out);
            else if (out != plane->levels) memcpy(out + r * out_row, plane->levels + r * plane->row, (size_t)plane->cols * sizeof *out);
        }
        return SARC_OK;
    }
    float *coarse = malloc((size_t)(rows * cols + cols) * sizeof *coarse);
    uint8_t *present = calloc((size_t)(rows * cols + plane->cols), 1);
    int32_t answer = coarse && present ? SARC_OK : SARC_NO_MEMORY;
    if (answer == SARC_OK) {
        filling_push(plane, present + rows * cols, coarse, present);
        const filling_plane half = {coarse, present, cols, rows, cols};
        answer = filling_fill(&half, coarse, cols);
    }
    if (answer == SARC_OK) filling_pull(plane, coarse, coarse + rows * cols, out, out_row);
    free(coarse);
    free(present);
    return answer;
}

/* levels and valid (rows, cols), whose rows are `row` apart in both, to out, whose rows are out_row apart. */
SARC_EXPORT(int32_t, fill_invalid)(const float *levels, const uint8_t *valid, int64_t row, int64_t rows, int64_t cols, float *out, int64_t out_row) {
    const filling_plane plane = {levels, valid, row, rows, cols};
    return filling_fill(&plane, out, out_row);
}
