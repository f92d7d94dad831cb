/* The floor, and the step as one writes it in C. Compiled when the benchmark runs. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define PARALLEL_SUM _Pragma("omp parallel for schedule(static) reduction(+ : sum)")
#define PARALLEL _Pragma("omp parallel for schedule(static)")

/* A plain loop over an array: what it costs to read it, and nothing else. */

double read_doubles(const double *x, size_t n) {
    double sum = 0;
    PARALLEL_SUM
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

int64_t read_indices(const int32_t *x, size_t n) {
    int64_t sum = 0;
    PARALLEL_SUM
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* The same array read from four places at once, which the memory likes better. */

double read_doubles_tuned(const double *x, size_t n) {
    double sum = 0;
    size_t quarter = n / 4;
    const double *y = x + quarter, *z = y + quarter, *w = z + quarter;
    PARALLEL_SUM
    for (size_t i = 0; i < quarter; i++) sum += (x[i] + y[i]) + (z[i] + w[i]);
    return sum;
}

int64_t read_indices_tuned(const int32_t *x, size_t n) {
    int64_t sum = 0;
    size_t quarter = n / 4;
    const int32_t *y = x + quarter, *z = y + quarter, *w = z + quarter;
    PARALLEL_SUM
    for (size_t i = 0; i < quarter; i++) sum += ((int64_t)x[i] + y[i]) + ((int64_t)z[i] + w[i]);
    return sum;
}

void write_doubles(double *x, size_t n, double value) {
    PARALLEL
    for (size_t i = 0; i < n; i++) x[i] = value;
}

/* One variational step, V(s) = log sum_a exp(paid(a, s) + sum_s' P(s' | s, a) v(s')). */

void dense_step(const double *P, const double *paid, const double *v, double *out, size_t S, size_t A) {
    PARALLEL /* P is indexed [s, a, s'], paid [a, s] */
    for (size_t s = 0; s < S; s++) {
        double q[64], peak = -INFINITY, total = 0;
        for (size_t a = 0; a < A; a++) {
            const double *row = P + (s * A + a) * S;
            double mean = 0;
            for (size_t next = 0; next < S; next++) mean += row[next] * v[next];
            q[a] = paid[a * S + s] + mean;
            peak = q[a] > peak ? q[a] : peak;
        }
        for (size_t a = 0; a < A; a++) total += exp(q[a] - peak);
        out[s] = peak + log(total);
    }
}

/* The same over lists of successors, indexed [k, a, s]; in pieces that stay in the cache. */

#define PIECE 512

void sparse_step(const double *p, const int32_t *next, const double *paid, const double *v, double *out,
                 size_t S, size_t A, size_t K) {
    size_t pieces = (S + PIECE - 1) / PIECE;
    PARALLEL
    for (size_t piece = 0; piece < pieces; piece++) {
        double q[PIECE], peak[PIECE], total[PIECE], all[16][PIECE];
        size_t first = piece * PIECE, n = S - first < PIECE ? S - first : PIECE;
        for (size_t i = 0; i < n; i++) { peak[i] = -1e300; total[i] = 0; }
        for (size_t a = 0; a < A; a++) {
            for (size_t i = 0; i < n; i++) q[i] = paid[a * S + first + i];
            for (size_t k = 0; k < K; k++) {
                const double *pk = p + (k * A + a) * S + first;
                const int32_t *nk = next + (k * A + a) * S + first;
                for (size_t i = 0; i < n; i++) q[i] += pk[i] * v[nk[i]];
            }
            for (size_t i = 0; i < n; i++) {
                all[a][i] = q[i];
                peak[i] = q[i] > peak[i] ? q[i] : peak[i];
            }
        }
        for (size_t a = 0; a < A; a++)
            for (size_t i = 0; i < n; i++) total[i] += exp(all[a][i] - peak[i]);
        for (size_t i = 0; i < n; i++) out[first + i] = peak[i] + log(total[i]);
    }
}
