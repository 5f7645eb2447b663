/* The whole library for one level of processors; native/build_library.py compiles this file once a level. */
#include "level.h"

#include "rans.c"
#include "filling.c"
#include "pixels.c"
#include "transform.c"
