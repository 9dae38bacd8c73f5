/** The images and labels of a batch, made up and always the same. */
export const [BATCH, PIXELS, HIDDEN, CLASSES, STEPS] = [64, 784, 256, 10, 10] as const

export const labels: Int32Array<ArrayBuffer> = Int32Array.from({ length: BATCH }, (_, i) => (i * 7) % CLASSES)
/** Each class lights up pixels of its own. */
export const images: Float32Array<ArrayBuffer> = Float32Array.from({ length: BATCH * PIXELS }, (_, i) =>
  i % CLASSES === labels[Math.floor(i / PIXELS)] ? 1 : (i % 13) / 26,
)
