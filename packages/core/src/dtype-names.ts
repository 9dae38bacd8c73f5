/** The dtypes as names of the namespace, as in PyTorch: `torch.float64` is `"float64"`. */

/** 32 bits, 24 of them significant: the default. */
export const float32 = "float32"
/** 64 bits, 53 of them significant. */
export const float64 = "float64"
/** 16 bits, 11 of them significant; up to 65504. */
export const float16 = "float16"
/** 16 bits, 8 of them significant, with the range of float32. */
export const bfloat16 = "bfloat16"
/** −128 to 127. */
export const int8 = "int8"
/** 0 to 255. */
export const uint8 = "uint8"
/** −32768 to 32767. */
export const int16 = "int16"
/** −2³¹ to 2³¹ − 1: the default of integers. */
export const int32 = "int32"
/** −2⁶³ to 2⁶³ − 1, where the backend has it. */
export const int64 = "int64"
/** true or false, a byte each. */
export const bool = "bool"

// PyTorch's other names of the same.
/** Another name of float32. */
export const float = float32
/** Another name of float64. */
export const double = float64
/** Another name of float16. */
export const half = float16
/** Another name of int16. */
export const short = int16
/** Another name of int32. */
export const int = int32
/** Another name of int64. */
export const long = int64

/** The dtype behind each of PyTorch's other names, for errors that say which was meant. */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  float,
  double,
  half,
  short,
  int,
  long,
  byte: uint8,
  char: int8,
}
