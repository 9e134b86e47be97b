/**
 * What this page and browser can make, found out by trying. Never guesses by the browser's name.
 *
 * WebCrypto is there only in secure contexts (TLS, or the machine's own address); Ed25519 came to it late.
 */

import { algorithm, KINDS, type Kind } from "./kinds";

export type Missing = "secure-context" | "webcrypto" | "ed25519";

export interface Support {
  /** What can be made here. */
  readonly kinds: readonly Kind[];
  /** Why not everything; null where everything can be made. */
  readonly missing: Missing | null;
}

/** The parts of a window that decide. */
export interface Surroundings {
  readonly isSecureContext: boolean;
  readonly subtle: SubtleCrypto | undefined;
}

const REASONS: Readonly<Record<Missing, string>> = {
  "secure-context":
    "This page came over plain HTTP from another machine, and browsers make keys only on pages nobody could have changed on the way. Open the console over TLS, or on the machine it runs on.",
  webcrypto: "This browser has no WebCrypto, so it cannot make keys.",
  ed25519:
    "This browser cannot make Ed25519 keys (Chrome from 137, Firefox from 129 and Safari from 17 can); RSA keys it can.",
};

export function here(): Surroundings {
  // Outside secure contexts `crypto.subtle` is missing, whatever the types say.
  return { isSecureContext: globalThis.isSecureContext, subtle: globalThis.crypto?.subtle };
}

export async function probe({ isSecureContext, subtle }: Surroundings): Promise<Support> {
  if (!isSecureContext) {
    return { kinds: [], missing: "secure-context" };
  }
  if (subtle === undefined) {
    return { kinds: [], missing: "webcrypto" };
  }
  try {
    await subtle.generateKey(algorithm("ed25519"), false, ["sign", "verify"]);
  } catch {
    return { kinds: KINDS.filter((kind) => kind !== "ed25519"), missing: "ed25519" };
  }
  return { kinds: KINDS, missing: null };
}

export function reason(missing: Missing): string {
  return REASONS[missing];
}
