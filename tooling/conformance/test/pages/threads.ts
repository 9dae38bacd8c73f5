import { type SharedWork, shareWork } from "./shared-work.ts"

function inWorker(): Promise<SharedWork> {
  const worker = new Worker(new URL("./shared-work-worker.ts", import.meta.url), { type: "module" })
  return new Promise<SharedWork>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data as SharedWork)
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage("work")
  }).finally(() => worker.terminate())
}

/** The same work where the page itself runs and in a worker. */
export const main = async (): Promise<{ main: SharedWork; worker: SharedWork }> => ({
  main: await shareWork(),
  worker: await inWorker(),
})
