/** What the compiler says of the lean entry, in a program that has no other. */
import * as torch from "taeda/lean"

const x: torch.Tensor = torch.ones(2, 3).requiresGrad_()
const y: torch.Tensor = torch.view(torch.add_(torch.relu(x), 1), 3, 2)
torch.sum(y).backward()
const numbers: Promise<torch.Tensor["dtype"]> = x.item().then(() => x.dtype)
// @ts-expect-error no methods
x.relu()
// @ts-expect-error not those in place either
x.add_(1)
// @ts-expect-error nor is it a list of its slices
const slices: Iterable<torch.Tensor> = x

export { numbers, slices }
