/** For where there is a console that somebody reads. */
import { train } from "./train.ts"

console.log(JSON.stringify(await train()))
