#ifndef WHORL_CZLIB_SHIM_H
#define WHORL_CZLIB_SHIM_H

#include <zlib.h>

/* inflateInit2 and deflateInit2 are macros, which Swift does not import. */

/* -15 means a raw deflate stream, as zip stores it. */
static inline int whorl_inflate_init_raw(z_stream *stream) {
    return inflateInit2(stream, -15);
}

/* 15 + 16 means the gzip format (RFC 1952). */
static inline int whorl_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
