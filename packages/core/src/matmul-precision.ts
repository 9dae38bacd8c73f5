/** How exactly products of float32 are computed, where a backend has a choice. */

const PRECISIONS = ["highest", "high", "medium"] as const
/**
 * How exactly products of float32 are computed: "highest" is exact, "high" and "medium" may round the factors to TF32.
 */
export type MatmulPrecision = (typeof PRECISIONS)[number]

/** What a kernel of products of float32 may do: see `MatmulKernel.precision`. */
export type ReducedPrecision = Exclude<MatmulPrecision, "highest">

/** The setting as kernels have it: undefined is the highest. */
export let reducedPrecision: ReducedPrecision | undefined

/** How exactly products of float32 are computed: "highest" unless `setFloat32MatmulPrecision` changed it. */
export const getFloat32MatmulPrecision = (): MatmulPrecision => reducedPrecision ?? "highest"

/**
 * Sets how exactly matrix products and convolutions of float32 are computed from here on, gradients included:
 * - "highest", the default: in float32;
 * - "high": factors may be rounded to TF32's 11 significant bits;
 * - "medium": to bfloat16's 8.
 *
 * Sums and results stay float32. Only cuda has a choice, and takes TF32 for both, as PyTorch does; other devices compute in
 * float32 always. Convolutions are included, for which PyTorch has `torch.backends.cudnn.allow_tf32`.
 *
 * @throws TypeError where `precision` is not a string, RangeError for another string; the setting stays as it was.
 */
export function setFloat32MatmulPrecision(precision: MatmulPrecision): void {
  if (typeof precision !== "string")
    throw new TypeError(
      `setFloat32MatmulPrecision expects a string, but got ${precision === null ? "null" : typeof precision}`,
    )
  if (!PRECISIONS.includes(precision))
    throw new RangeError(
      `setFloat32MatmulPrecision: ${JSON.stringify(precision)} is not one of 'highest', 'high', or 'medium'`,
    )
  reducedPrecision = precision === "highest" ? undefined : precision
}
