/** For pages: what is reported, or why nothing is, becomes an attribute of the document. */
import { train } from "./train.ts"

document.documentElement.dataset.report = await train().then(JSON.stringify, String)
