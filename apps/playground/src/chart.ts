/** A curve that grows while one looks: single values faint, the mean of the last ones bold. */
import type uPlot from "uplot"

export interface ChartOptions {
  readonly title: string
  readonly format: (value: number) => string
  /** The lowest and highest of the axis, given those of the values. */
  readonly range: (least: number, most: number) => [number, number]
}

export interface Chart {
  push(step: number, value: number): void
  clear(): void
  /** The mean of the last values. */
  readonly recent: number
}

const HEIGHT = 200
/** Values that the bold curve averages over. */
const WINDOW = 5

const colour = (element: Element, name: string): string => getComputedStyle(element).getPropertyValue(name).trim()

export function chart(container: HTMLElement, { title, format, range }: ChartOptions): Chart {
  let [steps, values, means]: [number[], number[], number[]] = [[], [], []]
  let plot: uPlot | undefined
  let Plot: typeof uPlot | undefined
  let due = false

  const draw = (): void => {
    if (!Plot) return
    plot?.destroy()
    const ink = colour(container, "--muted")
    const axis: uPlot.Axis = {
      stroke: ink,
      grid: { stroke: colour(container, "--line"), width: 1 },
      ticks: { show: false },
    }
    const line = colour(container, "--accent")
    plot = new Plot(
      {
        width: container.clientWidth || 300,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: (_, least, most) => range(least ?? 0, most ?? 1) } },
        axes: [
          { ...axis, size: 32 },
          { ...axis, size: 56, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          { stroke: line, alpha: 0.3, width: 1, points: { show: false } },
          { stroke: line, width: 2, points: { show: false } },
        ],
      },
      [steps, values, means],
      container,
    )
  }
  const describe = (): void => {
    const text =
      values.length === 0
        ? "nothing yet"
        : `from ${format(values[0])} at step ${steps[0]} to ${format(means[means.length - 1])} at step ${steps.at(-1)}`
    container.setAttribute("aria-label", `${title}: ${text}`)
  }
  const redrawSoon = (): void => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      plot?.setData([steps, values, means])
      describe()
    })
  }

  container.setAttribute("role", "img")
  describe()
  // When the page stands already; it refuses browsers whose language has no proper name, and the figures stay.
  import("uplot").then(
    (module) => {
      Plot = module.default
      draw()
    },
    (error: unknown) => container.append(`No curves in this browser: ${error}`),
  )
  new ResizeObserver(() => plot?.setSize({ width: container.clientWidth || 300, height: HEIGHT })).observe(container)
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw)

  return {
    push(step, value) {
      steps.push(step)
      values.push(value)
      const last = values.slice(-WINDOW)
      means.push(last.reduce((a, b) => a + b, 0) / last.length)
      redrawSoon()
    },
    clear() {
      ;[steps, values, means] = [[], [], []]
      redrawSoon()
    },
    get recent() {
      return means.at(-1) ?? Number.NaN
    },
  }
}
