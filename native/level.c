/* The whole library for one level of processors; native/build_library.py compiles this file once a level. */
#include "level.h"

#include "rans.c"
#include "products.c"
#include "model.c"
#include "features.c"
#include "walk.c"
#include "reading.c"
#include "following.c"
#include "search.c"
#include "encode.c"
#include "hyper.c"
