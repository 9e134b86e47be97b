// Making key pairs: a file of its own, which `keygen/opening.ts` loads when somebody opens that dialogue.
export { install } from "./keygen/dialogue";
