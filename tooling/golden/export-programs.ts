/** Writes the Python of every program of the conformance suite to standard output as JSON, for programs.py. */

import { stdout } from "node:process"
import { PRINTING } from "../../packages/conformance/src/programs/printing.ts"
import { RANDOM } from "../../packages/conformance/src/programs/random.ts"
import { TRAINING } from "../../packages/conformance/src/programs/training.ts"

stdout.write(JSON.stringify([...RANDOM, ...PRINTING, ...TRAINING].map(({ python }) => python)))
