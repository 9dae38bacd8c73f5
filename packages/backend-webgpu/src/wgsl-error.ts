/** The error function and its kin in float32. As in `wgsl-elementary.ts`. */
import { floatText, horner } from "./wgsl-text.ts"

/** erf(x)/x − 1 in x² − 1, |x| ≤ 1.375. */
const ERF = [
  -0.1572992, -0.21379663, 0.056570727, -0.012550013, 0.0023324187, -0.00036975672, 5.2228675e-5, -6.588865e-6,
]
/** The sixteenth root of erfc(x), x from 1.375 to 3.93. */
const ERFC_ROOT = [1.0008184, -0.073301524, -0.033261783, -0.0070037437, 0.004093181, -0.00052991306, 2.258079e-5]
/** exp(x²)·erfc(x)·(x + 1) in (x − 3.5)/(x + 2.5), x from 0.5 to 10.1. */
const ERFCX = [
  0.6988214, -0.18397467, 0.0554801, -0.0004888399, -0.009718841, 0.005073677, -0.00084860617, -0.000304171,
  0.00014081331, 2.6575546e-5, -6.8233494e-6,
]
/** erfinv(y)/y in w − 2.5, w = −log(1 − y²) ≤ 5 (right at w = 0 as rounded by the second), and in √w − 3.125 beyond. */
const ERFINV = [
  1.5014094, 0.24664031, -0.004177387, -0.0012527419, 0.0002183444, -4.9633686e-6, -3.4626942e-6, 4.6617657e-7,
  2.3231626e-8, -8.791564e-9,
]
const ERFINV_TAIL = [
  2.9583201, 1.0037187, 0.007049232, -0.0053006792, 0.003780238, -0.0025231296, 0.0013140471, -0.00031863514,
  -0.00017620632, 0.00012617122,
]

const t = floatText

export const ERROR = {
  // A multiple of a number that is not 0 and may be subnormal.
  f_timesTiny: `fn f_timesTiny(factor: f32, x: f32) -> f32 {
  let p = f_split(f_abs(x));
  return f_withSign(f_scale(p.m * factor, p.n), x);
}`,
  f_erf: `fn f_erf(x: f32) -> f32 {
  if (f_isNan(x) || f_magnitude(x) == 0u) { return x; }
  if (f_magnitude(x) < 0x3fb00000u) {
    if (f_magnitude(x) < 0x20000000u) { return f_timesTiny(${t(2 / Math.sqrt(Math.PI))}, x); }
    let s = x * x - 1f;
    return x + x * ${horner(ERF, "s")};
  }
  // From 3.93 on erfc is below half a unit in the last place of 1.
  let y = bitcast<f32>(min(f_magnitude(x), 0x407b851fu));
  var power = ${horner(ERFC_ROOT, "y")};
  power *= power;
  power *= power;
  power *= power;
  power *= power;
  return f_withSign(1f - power, x);
}`,
  // For 0.5 ≤ x; exp(−x²) by an exact square of a rounded x, and the rest.
  f_erfcLarge: `fn f_erfcLarge(x: f32) -> f32 {
  if (f_magnitude(x) > 0x41220000u) { return 0f; }
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let p = f_expParts(-(high * high), -f_opaque(x - high) * (x + high));
  let s = (x - 3.5f) / (x + 2.5f);
  return f_scale(p.m * ${horner(ERFCX, "s")} / (x + 1f), p.n);
}`,
  f_erfc: `fn f_erfc(x: f32) -> f32 {
  if (f_isNan(x)) { return x; }
  if (f_magnitude(x) < 0x3f000000u) { return 1f - f_erf(x); }
  if (bitcast<u32>(x) < 0x80000000u) { return f_erfcLarge(x); }
  return 2f - f_erfcLarge(f_abs(x));
}`,
  f_erfinv: `fn f_erfinv(y: f32) -> f32 {
  let magnitude = f_abs(y);
  if (f_magnitude(y) >= 0x3f800000u) {
    return select(f_nan(), f_withSign(f_inf(), y), f_magnitude(y) == 0x3f800000u);
  }
  if (f_magnitude(y) == 0u) { return y; }
  let w = f_neg(f_log((1f - magnitude) * (1f + magnitude)));
  var ratio = 0f;
  if (w < 5f) {
    let s = w - 2.5f;
    ratio = ${horner(ERFINV, "s")};
  } else {
    let s = f_sqrt(w) - 3.125f;
    ratio = ${horner(ERFINV_TAIL, "s")};
  }
  if (f_magnitude(y) < 0x20000000u) { return f_timesTiny(ratio, y); }
  return y * ratio;
}`,
} as const
