/** A place to draw a digit: with a mouse, a pen or a finger. */
import { centred } from "./centre.ts"

export interface Pad {
  clear(): void
  /** Shows a digit of 28 × 28 pixels. */
  show(pixels: Uint8Array): void
}

const SIDE = 28

/** Of the canvas's side. */
const PEN = 0.075

/** `onDrawn` is told of what stands there as MNIST would have it, after each bit of a stroke; of null when it was cleared. */
export function pad(canvas: HTMLCanvasElement, onDrawn: (pixels: Uint8Array | null) => void): Pad {
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (!context) throw new Error("this browser gives no canvas to draw on")
  const { width, height } = canvas
  context.lineCap = "round"
  context.lineJoin = "round"
  context.lineWidth = PEN * width
  // The ink is the opacity: the colours are the style sheet's.
  context.strokeStyle = "#fff"

  const read = (): Uint8Array | null => {
    const { data } = context.getImageData(0, 0, width, height)
    return centred({ width, height, ink: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]) })
  }
  let due = false
  const tellSoon = (): void => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      onDrawn(read())
    })
  }

  const place = ({ clientX, clientY }: PointerEvent): readonly [number, number] => {
    const { left, top, width: across, height: down } = canvas.getBoundingClientRect()
    return [((clientX - left) / across) * width, ((clientY - top) / down) * height]
  }
  let last: readonly [number, number] | undefined
  const stroke = (to: readonly [number, number]): void => {
    context.beginPath()
    context.moveTo(...(last ?? to))
    context.lineTo(...to)
    context.stroke()
    last = to
    tellSoon()
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return
    event.preventDefault()
    canvas.setPointerCapture(event.pointerId)
    last = undefined
    stroke(place(event))
  })
  canvas.addEventListener("pointermove", (event) => {
    if (last) for (const each of event.getCoalescedEvents?.() ?? [event]) stroke(place(each))
  })
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, () => {
      last = undefined
    })

  return {
    clear() {
      context.clearRect(0, 0, width, height)
      onDrawn(null)
    },
    show(pixels) {
      const image = new ImageData(SIDE, SIDE)
      for (const [i, ink] of pixels.entries()) image.data.set([255, 255, 255, ink], 4 * i)
      const small = new OffscreenCanvas(SIDE, SIDE)
      small.getContext("2d")?.putImageData(image, 0, 0)
      context.clearRect(0, 0, width, height)
      context.drawImage(small, 0, 0, width, height)
      onDrawn(pixels)
    },
  }
}
