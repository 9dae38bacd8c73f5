/** The picture: in colours what the network says of every place, over it the points. */
import * as torch from "taeda"

/** Places along each side. */
const SIDE = 60

/** What of the plane is seen: from -EDGE to EDGE. */
const EDGE = 1.15

/** Red, green and blue of the two arms. */
const COLOURS = [
  [230, 120, 60],
  [60, 130, 220],
] as const

/** Every place of the picture, row by row: [SIDE², 2]. */
export function places(): torch.Tensor {
  const along = torch.linspace(-EDGE, EDGE, SIDE)
  const [y, x] = torch.meshgrid([along, along], { indexing: "ij" })
  return torch.stack([x!.reshape(-1), y!.reshape(-1)], 1)
}

/** `shares`: of each place, how sure the network is of the second arm; `points` and `arms` row by row. */
export function draw(
  canvas: HTMLCanvasElement,
  shares: ArrayLike<number>,
  points: ArrayLike<number>,
  arms: ArrayLike<number>,
): void {
  const context = canvas.getContext("2d")!
  const cell = canvas.width / SIDE
  for (let i = 0; i < SIDE * SIDE; i++) {
    const share = shares[i]!
    const mixed = [0, 1, 2].map((k) => Math.round(COLOURS[0][k]! * (1 - share) + COLOURS[1][k]! * share))
    context.fillStyle = `rgb(${mixed.join(" ")} / 60%)`
    context.clearRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell, cell)
    context.fillRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell, cell)
  }
  const pixel = (value: number): number => ((value + EDGE) / (2 * EDGE)) * canvas.width
  for (let i = 0; i < arms.length; i++) {
    context.beginPath()
    context.arc(pixel(points[2 * i]!), pixel(points[2 * i + 1]!), 2, 0, 2 * Math.PI)
    context.fillStyle = `rgb(${COLOURS[arms[i] === 0 ? 0 : 1].join(" ")})`
    context.fill()
  }
}
