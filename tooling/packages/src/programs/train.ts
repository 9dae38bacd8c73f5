/**
 * What every fresh project runs: the tour's gradient on the default device, then a step of training on WebAssembly, or where that
 * is not to be had on the default device again.
 */
import * as torch from "taeda"

export interface Report {
  /** The gradient as it is printed. */
  readonly gradient: string
  /** The backend that trained. */
  readonly backend: string
  /** Why WebAssembly is not to be had; empty where it is. */
  readonly refusal: string
  /** The loss before the step and after it. */
  readonly losses: readonly number[]
}

/** The gradient of the mean of 3·(x + 2)² at ones. */
function gradient(): string {
  const x = torch.ones(2, 2, { requiresGrad: true })
  const y = x.add(2)
  y.mul(y).mul(3).mean().backward()
  return String(x.grad)
}

async function refusalOf(device: string): Promise<string> {
  try {
    await torch.setDefaultDevice(device)
    return ""
  } catch (error) {
    return (error as Error).message
  }
}

export async function train(): Promise<Report> {
  const tour = gradient()
  const refusal = await refusalOf("wasm")
  torch.manualSeed(0)
  const model = new torch.nn.Sequential(new torch.nn.Linear(4, 8), new torch.nn.ReLU(), new torch.nn.Linear(8, 3))
  const optimizer = new torch.optim.SGD(model.parameters(), { lr: 0.1 })
  const inputs = torch.randn(16, 4)
  const labels = torch.randint(3, [16])
  const criterion = new torch.nn.CrossEntropyLoss()
  const losses: number[] = []
  for (let step = 0; step < 2; step++) {
    const loss = criterion(model(inputs), labels)
    losses.push(Number(await loss.item()))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
  }
  return { gradient: tour, backend: inputs.device.backend.name, refusal, losses }
}
