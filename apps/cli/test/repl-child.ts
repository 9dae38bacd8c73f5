/** The prompt in a process of its own: `terminal` or not, and the history's file where there is one. */
import { library } from "../src/library.ts"
import { repl } from "../src/repl.ts"

const [kind, history] = process.argv.slice(2)
await repl(await library(), { terminal: kind === "terminal", history: history ?? null })
