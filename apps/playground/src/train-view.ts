/** The section in which a network learns to read digits. */
import { DIGITS, MODEL_NAMES, MODELS, type ModelName } from "@taeda/examples"
import { computesFor } from "./advice.ts"
import { isBundled } from "./bundled.ts"
import { chart } from "./chart.ts"
import { byId, el, fillSelect } from "./dom.ts"
import type { Machine } from "./machine.ts"
import { pad } from "./pad.ts"
import type { FromTrainer, LiveLook, ToTrainer } from "./train-messages.ts"

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`

const EPOCHS = [1, 2, 3, 5]

type State = "idle" | "loading" | "running" | "paused"

/** The ten bars. */
function bars(list: HTMLOListElement): (probabilities: readonly number[] | null) => void {
  const rows = Array.from({ length: DIGITS }, (_, digit) => {
    const bar = el("span", { className: "bar" })
    const text = el("span", { className: "share" }, "–")
    const item = el("li", {}, el("span", { className: "numeral" }, String(digit)), bar, text)
    return { item, bar, text }
  })
  list.append(...rows.map(({ item }) => item))
  return (probabilities) => {
    const most = probabilities ? Math.max(...probabilities) : Number.NaN
    for (const [digit, { item, bar, text }] of rows.entries()) {
      const share = probabilities?.[digit] ?? 0
      bar.style.setProperty("--share", String(share))
      text.textContent = probabilities ? percent(share) : "–"
      item.classList.toggle("most", share === most)
    }
  }
}

/** Fills the section, and gives what tells it of the machine once that is known. */
export function trainView(): (machine: Machine) => void {
  const form = byId("train-form", HTMLFormElement)
  const device = byId("train-device", HTMLSelectElement)
  const network = byId("train-model", HTMLSelectElement)
  const epochs = byId("train-epochs", HTMLSelectElement)
  const start = byId("train-start", HTMLButtonElement)
  const pause = byId("train-pause", HTMLButtonElement)
  const stop = byId("train-stop", HTMLButtonElement)
  const status = byId("train-status", HTMLElement)
  const bar = byId("train-progress", HTMLProgressElement)
  const about = byId("train-about", HTMLElement)
  const said = byId("digit-said", HTMLElement)
  const sample = byId("digit-sample", HTMLButtonElement)
  const figures = {
    step: byId("figure-step", HTMLElement),
    loss: byId("figure-loss", HTMLElement),
    accuracy: byId("figure-accuracy", HTMLElement),
    speed: byId("figure-speed", HTMLElement),
    left: byId("figure-left", HTMLElement),
  }
  const losses = chart(byId("chart-loss", HTMLDivElement), {
    title: "Loss",
    format: (value) => value.toFixed(2),
    range: (_, most) => [0, Math.max(most, 0.1)],
  })
  const accuracies = chart(byId("chart-accuracy", HTMLDivElement), {
    title: "Accuracy",
    format: (value) => percent(value, 0),
    range: () => [0, 1],
  })
  const showBars = bars(byId("digit-bars", HTMLOListElement))

  fillSelect(
    network,
    MODEL_NAMES.map((name) => ({ value: name, label: `${name}: ${MODELS[name].title}` })),
  )
  fillSelect(
    epochs,
    EPOCHS.map((n) => ({ value: String(n), label: n === 1 ? "once" : `${n} times` })),
  )
  const remarkOn = (name: string, machine: Machine): string => {
    const found = machine.find((each) => each.name === name)
    if (!found) return ""
    return found.works ? (found.software ? " (in software: slow)" : "") : " (not here)"
  }
  const devices = (machine: Machine): void =>
    fillSelect(device, [
      { value: "auto", label: "the fastest here" },
      ...computesFor(machine)
        .filter(isBundled)
        .map(({ name, device, title }) => ({ value: device, label: `${device}: ${title}${remarkOn(name, machine)}` })),
    ])
  devices([])

  let state: State = "idle"
  let hasNetwork = false
  /** Of a digit that the page put there itself. */
  let label: number | undefined
  let drawn: Uint8Array | null = null
  const setState = (next: State): void => {
    state = next
    start.disabled = state !== "idle"
    for (const select of [device, network, epochs]) select.disabled = state !== "idle"
    pause.disabled = state !== "running" && state !== "paused"
    stop.disabled = pause.disabled
    pause.textContent = state === "paused" ? "Resume" : "Pause"
    sample.disabled = !hasNetwork
  }

  let worker: Worker | undefined
  const tell = (message: ToTrainer): void => {
    if (!worker) {
      worker = new Worker(new URL("./train-worker.ts", import.meta.url), { type: "module" })
      worker.onmessage = ({ data }: MessageEvent<FromTrainer>) => hear(data)
      worker.onerror = (event) => hear({ kind: "error", text: event.message || "the worker does not start" })
    }
    worker.postMessage(message)
  }

  /** One question at a time: of the strokes meanwhile only the last counts. */
  let isAsked = false
  let isStale = false
  /** What was said last; while the network learns, only another digit is worth saying. */
  let opinion: number | undefined
  const ask = (): void => {
    if (!hasNetwork || !drawn) return
    if (isAsked) {
      isStale = true
      return
    }
    isAsked = true
    isStale = false
    tell({ kind: "classify", pixels: drawn })
  }

  const showLook = ({ step, epoch, done, total, loss, accuracy, imagesPerSecond }: LiveLook): void => {
    losses.push(step, loss)
    accuracies.push(step, accuracy)
    bar.value = done / total
    figures.step.textContent = `${step.toLocaleString("en")} (pass ${epoch})`
    figures.loss.textContent = losses.recent.toFixed(4)
    figures.accuracy.textContent = percent(accuracies.recent)
    figures.speed.textContent = Math.round(imagesPerSecond).toLocaleString("en")
    figures.left.textContent = `${Math.ceil((total - done) / imagesPerSecond)} s`
  }

  const HEARD: { readonly [K in FromTrainer["kind"]]: (message: Extract<FromTrainer, { kind: K }>) => void } = {
    loading: ({ text }) => {
      status.textContent = text
    },
    begun: ({ device: name, images, network: layers }) => {
      hasNetwork = true
      setState("running")
      status.textContent = `Training on ${images.toLocaleString("en")} images, on ${name}.`
      about.textContent = layers
      ask()
    },
    look: ({ look }) => {
      showLook(look)
      // The opinion on what is drawn changes as the network learns.
      ask()
    },
    paused: () => {
      status.textContent = `Paused at step ${figures.step.textContent}: loss ${figures.loss.textContent}.`
    },
    ended: ({ stopped, seconds }) => {
      setState("loading")
      status.textContent = `${stopped ? "Stopped" : "Trained"} after ${seconds.toFixed(1)} s. Testing …`
    },
    tested: ({ right, count }) => {
      status.textContent = `Test accuracy: ${percent(right / count, 2)}, ${right.toLocaleString("en")} of ${count.toLocaleString("en")} digits that the network has never seen.`
      setState("idle")
      ask()
    },
    classified: ({ probabilities }) => {
      isAsked = false
      if (!drawn) return
      showBars(probabilities)
      const best = probabilities.indexOf(Math.max(...probabilities))
      const truth = label === undefined ? "" : ` It is a ${label}.`
      if (best !== opinion || state !== "running")
        said.textContent = `Looks like a ${best} (${percent(probabilities[best], 0)}).${truth}`
      opinion = best
      if (isStale) ask()
    },
    sampled: ({ pixels, label: digit }) => {
      paper.show(pixels)
      label = digit
    },
    error: ({ text }) => {
      isAsked = false
      status.textContent = text
      setState("idle")
    },
  }
  const hear = (message: FromTrainer): void => (HEARD[message.kind] as (message: FromTrainer) => void)(message)

  const paper = pad(byId("digit-pad", HTMLCanvasElement), (pixels) => {
    drawn = pixels
    label = undefined
    opinion = undefined
    if (pixels && hasNetwork) return ask()
    showBars(null)
    said.textContent = pixels ? "The network has not been trained yet." : ""
  })

  form.addEventListener("submit", (event) => {
    event.preventDefault()
    losses.clear()
    accuracies.clear()
    bar.value = 0
    setState("loading")
    tell({
      kind: "start",
      wish: { device: device.value, model: network.value as ModelName, epochs: Number(epochs.value) },
      data: new URL("mnist/", document.baseURI).href,
    })
  })
  pause.addEventListener("click", () => {
    tell({ kind: state === "paused" ? "resume" : "pause" })
    setState(state === "paused" ? "running" : "paused")
    if (state === "running") status.textContent = "Training goes on."
  })
  stop.addEventListener("click", () => tell({ kind: "stop" }))
  sample.addEventListener("click", () => tell({ kind: "sample" }))
  byId("digit-clear", HTMLButtonElement).addEventListener("click", () => paper.clear())
  setState("idle")
  showBars(null)
  return devices
}
