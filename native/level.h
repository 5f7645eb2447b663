/* What every part of libsarcodec shares: how a function is exported, and the answers it gives.

   The library is one translation unit, level.c, compiled once for each level of processors: `plain` (whatever the compiler takes for granted, NEON
   on aarch64), `avx2` and `avx512` on x86-64. Everything is static but what SARC_EXPORT names, which carries the level behind its name. A caller asks
   sarc_best_level() and takes the functions of that level. */
#ifndef SARC_LEVEL_H
#define SARC_LEVEL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef SARC_LEVEL
#define SARC_LEVEL plain
#endif
#define SARC_JOIN_(a, b) a##_##b
#define SARC_JOIN(a, b) SARC_JOIN_(a, b)
#if defined(_WIN32)
#define SARC_PUBLIC __declspec(dllexport)
#else
#define SARC_PUBLIC __attribute__((visibility("default")))
#endif
/* SARC_EXPORT(int, add)(int a, int b) { ... } defines sarc_add_avx2 in the library's part for AVX2. */
#define SARC_EXPORT(type, name) SARC_PUBLIC type SARC_JOIN(sarc_##name, SARC_LEVEL)

/* What functions give back; Python's names for them are in sarcodec/native/answers.py. */
enum {
    SARC_OK = 0,
    SARC_DAMAGED = -1,  /* bytes that no encoder writes */
    SARC_REFUSED = -2,  /* arguments out of their limits */
    SARC_NO_MEMORY = -3
};

#define SARC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SARC_MAX(a, b) ((a) > (b) ? (a) : (b))
#define SARC_INLINE static inline __attribute__((always_inline))

#endif
