#ifndef WHORL_CZLIB_SHIM_H
#define WHORL_CZLIB_SHIM_H

#include <zlib.h>

/* inflateInit2 is a macro, which Swift does not import; -15 means a raw deflate stream, as zip stores it. */
static inline int whorl_inflate_init_raw(z_stream *stream) {
    return inflateInit2(stream, -15);
}

#endif
