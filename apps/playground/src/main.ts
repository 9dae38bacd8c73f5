/** The page: five sections that stand in index.html and come to life here. The library itself runs in workers only. */
import { conformanceView } from "./conformance-view.ts"
import { byId } from "./dom.ts"
import { installView } from "./install-view.ts"
import { lookAround } from "./machine.ts"
import { replView } from "./repl-view.ts"
import { trainView } from "./train-view.ts"
import { typesView } from "./types-view.ts"

const listeners = [installView(), trainView(), conformanceView()]
replView()
typesView()

byId("isolation", HTMLElement).hidden = globalThis.crossOriginIsolated

// Without it the page works, in the order of the table: a section that needs a worker says by itself what is wrong.
const machine = await lookAround().catch(() => [])
for (const listener of listeners) listener(machine)
