/** Embedding: rows of a table by index. */
import {
  type Args,
  bind,
  embedding,
  fill_,
  noGrad,
  Parameter,
  parseSignature,
  select,
  type Tensor,
  tensorText,
} from "@taeda/core"
import { normal_ } from "./init.ts"
import { checkSizes } from "./layer.ts"
import { emptyParameter, type Placement } from "./placement.ts"
import { python } from "./repr.ts"
import { LayerBase, type Open, type OwnInput } from "./types/layer.ts"
import type { EmbeddingRule } from "./types/rules.ts"

/** What an embedding can be given by name. */
export interface EmbeddingOptions extends Placement {
  /** The row that stays zero and gets no gradient. */
  paddingIdx: number | null
  /** Rows are scaled down to this norm when they are looked up. */
  maxNorm: number | null
  normType: number
  /** Divides gradients by how often the index occurs. */
  scaleGradByFreq: boolean
}

const SIGNATURE = parseSignature(
  "Embedding(numEmbeddings, embeddingDim, paddingIdx?, maxNorm?, normType?, scaleGradByFreq?, device?, dtype?)",
)
const PRETRAINED = parseSignature(
  "fromPretrained(embeddings, freeze?, paddingIdx?, maxNorm?, normType?, scaleGradByFreq?)",
)

/** A table of `numEmbeddings` learnt vectors; input of integers [...], result [..., embeddingDim]. */
export class Embedding<const V extends number = Open, const E extends number = Open> extends LayerBase<
  EmbeddingRule<E>
> {
  static readonly keepsNothing: unknown = Embedding.prototype.forward

  readonly numEmbeddings: V
  readonly embeddingDim: E
  readonly paddingIdx: number | null
  readonly maxNorm: number | null
  readonly normType: number
  readonly scaleGradByFreq: boolean
  declare weight: Parameter

  constructor(
    ...args: Args<
      [["numEmbeddings", V], ["embeddingDim", E], ["paddingIdx", number | null], ["maxNorm", number | null]],
      Partial<EmbeddingOptions>
    >
  ) {
    super()
    const [
      numEmbeddings,
      embeddingDim,
      paddingIdx = null,
      maxNorm = null,
      normType = 2,
      scaleGradByFreq = false,
      device,
      dtype,
    ] = bind(SIGNATURE, args) as [
      V,
      E,
      (number | null)?,
      (number | null)?,
      number?,
      boolean?,
      Placement["device"]?,
      Placement["dtype"]?,
    ]
    checkSizes("Embedding", { numEmbeddings, embeddingDim })
    if (
      paddingIdx !== null &&
      !(Number.isInteger(paddingIdx) && paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)
    )
      throw new RangeError(`Embedding: paddingIdx must be within numEmbeddings (${numEmbeddings}), got ${paddingIdx}`)
    this.numEmbeddings = numEmbeddings
    this.embeddingDim = embeddingDim
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx
    this.maxNorm = maxNorm
    this.normType = normType
    this.scaleGradByFreq = scaleGradByFreq
    this.weight = emptyParameter([numEmbeddings, embeddingDim], { device, dtype })
    this.resetParameters()
  }

  /** An embedding whose table is this matrix; with `freeze` (the default) it is not trained. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Args<[["freeze", boolean], ["paddingIdx", number | null]], Partial<EmbeddingOptions>>
  ): Embedding {
    const [table, freeze = true, ...more] = bind(PRETRAINED, [embeddings, ...args]) as [Tensor, boolean?, ...unknown[]]
    if (table.ndim !== 2)
      throw new RangeError(
        `Embedding.fromPretrained: embeddings parameter is expected to be 2-dimensional, got ${tensorText(table)}`,
      )
    const made = new Embedding(0, table.shape[1])
    const [paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false] = more
    Object.assign(made, { numEmbeddings: table.shape[0], paddingIdx, maxNorm, normType, scaleGradByFreq })
    made.weight = new Parameter(table, !freeze)
    return made
  }

  /** Draws the table anew. */
  resetParameters(): void {
    normal_(this.weight)
    if (this.paddingIdx !== null) noGrad(() => fill_(select(this.weight, 0, this.paddingIdx!), 0))
  }

  override forward(input: OwnInput): Tensor {
    return embedding(input, this.weight, this.paddingIdx, this.maxNorm, this.normType, this.scaleGradByFreq)
  }

  override extraRepr(): string {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this
    let text = `${this.numEmbeddings}, ${this.embeddingDim}`
    if (paddingIdx !== null) text += `, padding_idx=${paddingIdx}`
    if (maxNorm !== null) text += `, max_norm=${python(maxNorm)}`
    if (normType !== 2) text += `, norm_type=${python(normType)}`
    if (scaleGradByFreq) text += ", scale_grad_by_freq=True"
    return text
  }
}
