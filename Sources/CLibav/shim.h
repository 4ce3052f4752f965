// libav's constants that are macros with casts or arithmetic, which Swift cannot import.
#ifndef WHORL_CLIBAV_SHIM_H
#define WHORL_CLIBAV_SHIM_H

#include <errno.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

static const int64_t whorl_av_no_timestamp = AV_NOPTS_VALUE;

static const int whorl_averror_eof = AVERROR_EOF;
static const int whorl_averror_exit = AVERROR_EXIT;
static const int whorl_averror_decoder_not_found = AVERROR_DECODER_NOT_FOUND;
static const int whorl_averror_again = AVERROR(EAGAIN);
static const int whorl_averror_access = AVERROR(EACCES);
static const int whorl_averror_no_memory = AVERROR(ENOMEM);

static inline int whorl_averror(int error_number) { return AVERROR(error_number); }

// AVCodecContext.global_quality counts in lambda; a JPEG quantiser scale is one times this.
static const int whorl_lambda_per_quantiser = FF_QP2LAMBDA;

// Macros whose names or types Swift does not see as constants.
static const int whorl_decode_error_any = FF_DECODE_ERROR_INVALID_BITSTREAM | FF_DECODE_ERROR_MISSING_REFERENCE
    | FF_DECODE_ERROR_CONCEALMENT_ACTIVE | FF_DECODE_ERROR_DECODE_SLICES;
static const int whorl_scale_flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP
    | SWS_BITEXACT;

#endif
