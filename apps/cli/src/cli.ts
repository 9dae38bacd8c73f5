#!/usr/bin/env node
/** The command `taeda`. */
import { createProgram } from "./program.ts"

// `taeda tour | head` closes the pipe while there is more to write: not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit()
})

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`taeda: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
