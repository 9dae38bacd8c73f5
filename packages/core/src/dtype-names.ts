/** The dtypes as names of the namespace, as in PyTorch: `torch.float64` is `"float64"`. */

export const float32 = "float32"
export const float64 = "float64"
export const float16 = "float16"
export const bfloat16 = "bfloat16"
export const int8 = "int8"
export const uint8 = "uint8"
export const int16 = "int16"
export const int32 = "int32"
export const int64 = "int64"
export const bool = "bool"

// PyTorch's other names of the same.
export const float = float32
export const double = float64
export const half = float16
export const short = int16
export const int = int32
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
