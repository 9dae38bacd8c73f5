/** `npm run repl`: a prompt with all of taeda in scope. */
import { prepareCli, taeda } from "./cli.mjs"
import { main } from "./steps.mjs"

await main(async () => {
  await prepareCli()
  return taeda("repl", ...process.argv.slice(2))
})
