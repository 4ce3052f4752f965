#ifndef WHORL_COPENBLAS_SHIM_H
#define WHORL_COPENBLAS_SHIM_H

#include <cblas.h>

#endif
