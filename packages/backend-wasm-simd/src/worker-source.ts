/**
 * What a worker runs, as text: it is started from this string, so that no bundler has a file to lose, and it evaluates nothing
 * itself. It never returns to its event loop: it looks for work in the control words (`control.ts`), spins a little, and sleeps.
 */
import { CONTROL_WORDS, MESSAGE_UNITS, WORD } from "./control.ts"

/** What a worker is told first. */
export interface WorkerStart {
  /** The shared memory. */
  readonly memory: object
  /** The address of the control words. */
  readonly control: number
  /** The address of this thread's scratch memory. */
  readonly scratch: number
  /** How long to look for work before going to sleep, in milliseconds. */
  readonly spin: number
}

const NAMES = Object.entries(WORD)
  .map(([name, k]) => `${name} = ${k}`)
  .join(", ")

export const WORKER_SOURCE = `"use strict";
const ${NAMES};
const pause = Atomics.pause || (() => {});

function start({ memory, control, scratch, spin }, isReady) {
  const words = new Int32Array(memory.buffer, control, ${CONTROL_WORDS});
  const characters = new Uint16Array(memory.buffer, control + 4 * message, ${MESSAGE_UNITS});
  // Of each kernel its function, or null if there is none here.
  const kernels = [];

  const codeAddress = () => Atomics.load(words, codeHigh) * 2 ** 32 + (Atomics.load(words, codeLow) >>> 0);

  function compile(address, length) {
    const bytes = new Uint8Array(memory.buffer, address, length).slice();
    const module = new WebAssembly.Module(bytes);
    const env = { memory };
    for (const { kind, name } of WebAssembly.Module.imports(module))
      if (kind === "function") env[name] = name === "mod" ? (a, b) => a % b : Math[name.slice(5)];
    return new WebAssembly.Instance(module, { env }).exports.run;
  }

  // Compiles the job's kernel before any of its chunks is claimed, so that nobody waits for that. The job may end meanwhile and
  // the next one's fields be written, which its number tells.
  function prepare() {
    const number = Atomics.load(words, job);
    if (Atomics.load(words, remaining) <= 0) return false;
    const id = Atomics.load(words, kernel), address = codeAddress(), length = Atomics.load(words, codeLength);
    if (Atomics.load(words, job) !== number) return false;
    // Engines tell a thread that memory has grown at their leisure.
    if (address + length > memory.buffer.byteLength) return false;
    if (kernels[id] === undefined) {
      try {
        kernels[id] = compile(address, length);
      } catch {
        kernels[id] = null;
      }
    }
    return kernels[id] !== null;
  }

  function fail(error) {
    if (Atomics.compareExchange(words, thrown, 0, 1) !== 0) return;
    const text = String(error).slice(0, ${MESSAGE_UNITS});
    for (let k = 0; k < text.length; k++) characters[k] = text.charCodeAt(k);
    words[messageLength] = text.length;
  }

  function runChunk(k) {
    try {
      const id = words[kernel];
      if (!kernels[id]) kernels[id] = compile(codeAddress(), words[codeLength]);
      const begin = k * words[grain];
      const end = Math.min(words[units], begin + words[grain]);
      const r = kernels[id](words[frame], begin, end, scratch);
      if (r !== 0) Atomics.compareExchange(words, result, 0, r);
    } catch (error) {
      fail(error);
    }
  }

  function work() {
    if (!prepare()) return;
    for (;;) {
      const left = Atomics.sub(words, remaining, 1);
      if (left <= 0) return;
      const all = words[chunks];
      runChunk(all - left);
      if (Atomics.add(words, done, 1) + 1 === all && Atomics.load(words, callerSleeps) === 1) Atomics.notify(words, done);
    }
  }

  // Whether work came within so many milliseconds.
  function look(patience) {
    const deadline = performance.now() + patience;
    do {
      for (let k = 0; k < 100; k++) {
        if (Atomics.load(words, remaining) > 0) return true;
        pause();
      }
    } while (performance.now() < deadline);
    return false;
  }

  Atomics.add(words, ready, 1);
  isReady();
  let patience = spin;
  while (Atomics.load(words, stop) === 0) {
    work();
    if (look(patience)) {
      patience = Math.min(spin, 2 * patience);
      continue;
    }
    // Looking in vain again and again, it looks for less long, until work comes in quick succession again.
    patience /= 2;
    const seen = Atomics.load(words, signal);
    const asleep = performance.now();
    Atomics.add(words, sleepers, 1);
    if (Atomics.load(words, remaining) <= 0 && Atomics.load(words, stop) === 0) Atomics.wait(words, signal, seen);
    Atomics.sub(words, sleepers, 1);
    for (let k = 0; k < 2 && Atomics.sub(words, toWake, 1) > 0; k++) Atomics.notify(words, signal, 1);
    if (performance.now() - asleep < 4 * spin) patience = spin;
  }
}

const platform = typeof process === "object" && process.versions && process.versions.node
  ? process.getBuiltinModule
    ? process.getBuiltinModule("node:worker_threads")
    : require("node:worker_threads")
  : null;
if (platform && platform.parentPort) platform.parentPort.once("message", (told) => start(told, () => {}));
else self.onmessage = ({ data }) => start(data, () => self.postMessage("ready"));
`
