#pragma once
// How limits of images cross.
#include "consilia/c/imaging.h"
#include "consilia/imaging/codec.hpp"

namespace consilia::capi {

/// Null gives all defaults.
imaging::DecodeLimits limits_of(const consilia_image_limits_t* options);

}  // namespace consilia::capi
