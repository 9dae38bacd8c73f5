/** `npm start`: the tour, then a network trained on MNIST. Further arguments go to the training. */
import { prepareCli, taeda } from "./cli.mjs"
import { main } from "./steps.mjs"

await main(async () => {
  await prepareCli()
  return (await taeda("tour")) || (await taeda("train", "mnist", ...process.argv.slice(2)))
})
