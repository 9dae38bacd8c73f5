#!/usr/bin/env node
// The command `taeda`: syntax that Node 6 reads, so that an old one is told what is wrong, and not where it stumbled.
"use strict"

const OLDEST = 20

if (Number.parseInt(process.versions.node, 10) >= OLDEST) require("./load.cjs")
else {
  const here = `and this is ${process.version}: get one from https://nodejs.org`
  process.stderr.write(`taeda needs Node ${OLDEST} or newer, ${here}\n`)
  process.exitCode = 1
}
