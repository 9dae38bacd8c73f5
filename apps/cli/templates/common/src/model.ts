/** The network: two numbers in, a score for each arm out. */
import { nn } from "taeda"

export const newModel = () =>
  new nn.Sequential(new nn.Linear(2, 64), new nn.Tanh(), new nn.Linear(64, 64), new nn.Tanh(), new nn.Linear(64, 2))
