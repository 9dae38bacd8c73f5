/** TypeScript answers here what the editor asks, so that the page never waits. */
import type { Answer, Question, Questions } from "./types-messages.ts"
import { completions, known, mistakes, plain } from "./types-service.ts"
import { errorText, workerScope } from "./worker-scope.ts"

const scope = workerScope<Question, Answer>()

const ANSWERS: { readonly [K in keyof Questions]: (text: string, ask: Questions[K]["ask"]) => Questions[K]["answer"] } =
  {
    mistakes,
    known,
    completions,
    plain,
  }

const answer = <K extends keyof Questions>({ kind, program, ask }: Question<K>): Questions[K]["answer"] =>
  ANSWERS[kind](program, ask)

scope.onmessage = ({ data }) => {
  try {
    scope.postMessage({ id: data.id, answer: answer(data) })
  } catch (error) {
    scope.postMessage({ id: data.id, error: errorText(error) })
  }
}
