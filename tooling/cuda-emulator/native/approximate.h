// The device's approximate functions, with errors as large as its manual allows.
#pragma once
#include "lanes.h"

/**
 * Where the exact result is no float32, these give one that is off by a pseudo-random part of the documented bound, so
 * that code which needs better results than the hardware promises fails here too. Exact results stay exact.
 */
namespace approximate {

float reciprocal(float x);
float rsqrt(float x);
float sqrt(float x);
float sin(float x);
float cos(float x);
float tanh(float x);
float exp2(float x);
float log2(float x);
/** div.approx: up to 2 ulp, and 0 for very large divisors. */
float divide(float x, float y);
/** div.full: up to 2 ulp. */
float divideFull(float x, float y);

/** Gross approximations whose lower 32 bits are zero. */
double reciprocal(double x);
double rsqrtGross(double x);
double rsqrt(double x);

}  // namespace approximate
