import { shareWork } from "./shared-work.ts"

/** Does the work when anything is said to it, and posts what came of it. */
self.onmessage = async () => self.postMessage(await shareWork())
