/** A worker: writes to the shared memory that it is given. */
addEventListener("message", ({ data }: MessageEvent<Int32Array>) => {
  Atomics.add(data, 0, 42)
  Atomics.notify(data, 0)
})
