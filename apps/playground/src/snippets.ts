/** Examples for the prompt: the tour's chapters, which the command shows too, and two that go on from there. */
import { CHAPTERS } from "@taeda/examples"

export interface Snippet {
  readonly title: string
  readonly text: string
  readonly code: readonly string[]
}

export const SNIPPETS: readonly Snippet[] = [
  ...CHAPTERS,
  {
    title: "A network",
    text: "Fits y = x² with a hidden layer: 300 steps of Adam.",
    code: [
      "const model = new nn.Sequential(new nn.Linear(1, 16), new nn.Tanh(), new nn.Linear(16, 1))",
      "const adam = new optim.Adam(model.parameters(), { lr: 0.03 })",
      "const points = linspace(-1, 1, 64).unsqueeze(1)",
      `for (let i = 0; i < 300; i++) {
  adam.zeroGrad()
  const loss = nn.functional.mseLoss(model(points), points.square())
  loss.backward()
  adam.step()
  if (i % 100 === 99) console.log(i + 1, loss)
}`,
      "model(tensor([[0.5]])) // 0.25",
    ],
  },
  {
    title: "A faster device",
    text: "The same product on every device that this browser has, and the best of them for what comes next.",
    code: [
      `async function seconds(device) {
  const a = rand(512, 512, { device })
  await a.matmul(a).sum().item() // once ahead, which compiles
  const start = performance.now()
  await a.matmul(a).sum().item()
  return (performance.now() - start) / 1000
}`,
      `for (const { device, reason, choice } of await devices())
  console.log(choice.device, device ? await seconds(device) : reason)`,
      'await setDefaultDevice("auto").then((device) => device.name)',
    ],
  },
]
