/* Which level this processor can run. `cpuid` is asked directly: __builtin_cpu_supports says no in a shared library that zig builds. */
#include "level.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>

/* The registers that the operating system saves when it switches between processes. */
static uint64_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

SARC_PUBLIC const char *sarc_best_level(void) {
    uint32_t a, b, c, d;
    const uint32_t avx_fma_osxsave = 1u << 28 | 1u << 12 | 1u << 27;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & avx_fma_osxsave) != avx_fma_osxsave) return "plain";
    const uint64_t saved = saved_registers();
    if ((saved & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return "plain";
    const uint32_t avx2_bmi2 = 1u << 5 | 1u << 8;
    if ((b & avx2_bmi2) != avx2_bmi2) return "plain";
    const uint32_t avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31, vnni = 1u << 11;
    if ((saved & 0xe6) == 0xe6 && (b & avx512_f_dq_bw_vl) == avx512_f_dq_bw_vl && (c & vnni)) return "avx512";
    return "avx2";
}
#else
SARC_PUBLIC const char *sarc_best_level(void) { return "plain"; }
#endif

/* A number that changes whenever a function changes its arguments: what was built must fit what calls it. */
SARC_PUBLIC int32_t sarc_interface(void) { return SARC_INTERFACE; }
