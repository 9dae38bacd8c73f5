/** What the first page shows at a glance: a program and what it prints, as in the README. */
import { h, type VNode } from "vue"

export const SAMPLE = `import * as torch from "taeda"

const x = torch.ones(2, 2, { requiresGrad: true })
const y = x.add(2)
console.log(y)
// tensor([[3., 3.],
//         [3., 3.]], grad_fn=<AddBackward0>)

y.mul(y).mul(3).mean().backward()
console.log(x.grad)
// tensor([[4.5000, 4.5000],
//         [4.5000, 4.5000]])`

const line = (text: string): VNode => h("span", { class: text.startsWith("//") ? "printed" : "" }, `${text}\n`)

export const sample = (): VNode => h("pre", { class: "sample" }, h("code", SAMPLE.split("\n").map(line)))
