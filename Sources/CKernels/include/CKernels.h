#ifndef WHORL_CKERNELS_H
#define WHORL_CKERNELS_H

/*
 * The C kernels, one header a family:
 *
 *   cpu.h            what this CPU offers, and the probe of its tile unit
 *   float_kernels.h  float32 convolutions: plain C, AVX2, AVX-512, chosen at run time
 *   gradient_kernels.h  the backward pass of the float32 convolutions and what stands between them
 *   tile_kernels.h   bfloat16 convolutions on AMX tiles
 *   image_kernels.h  pixels to network input, resampling, boxes; reductions of the network's output
 *   optimiser_kernels.h  an optimiser's step over a run of floats
 *   augment_kernels.h  pictures changed for training
 *
 * No kernel allocates or keeps state. Pointers need their element's alignment only and, unless a comment says otherwise, must not overlap.
 */

#include "augment_kernels.h"
#include "cpu.h"
#include "float_kernels.h"
#include "gradient_kernels.h"
#include "image_kernels.h"
#include "optimiser_kernels.h"
#include "tile_kernels.h"

#endif
