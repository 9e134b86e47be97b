// How easily a passphrase is guessed: a file of its own, because its word lists weigh more than all pages together.
export { estimate } from "./keygen/estimator";
