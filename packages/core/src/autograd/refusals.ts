/** Why some views may not be changed in place, in PyTorch's words. Who makes such a view brings the reason along. */

/** `who` is the view, `how` what happens to it. */
export type Refusal = (who: string, how: string) => string

export const MULTIPLE: Refusal = (who, how) =>
  `${who} is a view and ${how} modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.`

export const CUSTOM: Refusal = (who, how) =>
  `${who} is a view and ${how} modified inplace. This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.`

const madeIn =
  (made: string, changed: string, block: string): Refusal =>
  (_who, how) =>
    `A view was created in ${made} mode and ${how} modified inplace ${changed}. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the ${block} block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).`

export const NO_GRAD: Refusal = madeIn("noGrad", "with grad mode enabled", "noGrad")
export const INFERENCE: Refusal = madeIn("inference", "in normal mode", "inferenceMode")
