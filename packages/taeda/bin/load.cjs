// Apart from what checks the version: an old Node cannot read `import()`. The command is bundled into `dist/cli` by tooling/bin.
"use strict"

import("../dist/cli/taeda.mjs").catch((error) => {
  process.stderr.write(`taeda: the command could not be loaded (${error.message}): install the package again\n`)
  process.exitCode = 1
})
