/**
 * The kinds of key pairs an exchange takes, as WebCrypto, the API and people name them. Makes nothing.
 *
 * Source: Binance's API key types page: Ed25519, and RSA keys of 2048 to 4096 bits.
 */

export const KINDS = ["ed25519", "rsa-2048", "rsa-3072", "rsa-4096"] as const;
export type Kind = (typeof KINDS)[number];
/** The API's `key_type`. */
export type KeyType = "ED25519" | "RSA";

const RSA_PUBLIC_EXPONENT = new Uint8Array([1, 0, 1]);

export function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}

export function keyType(kind: Kind): KeyType {
  return kind === "ed25519" ? "ED25519" : "RSA";
}

export function spoken(kind: Kind): string {
  return kind === "ed25519" ? "Ed25519" : `RSA ${kind.slice("rsa-".length)}`;
}

/** What `SubtleCrypto.generateKey` is asked for; RSA as Binance verifies it: PKCS#1 v1.5 with SHA-256. */
export function algorithm(kind: Kind): Algorithm | RsaHashedKeyGenParams {
  if (kind === "ed25519") {
    return { name: "Ed25519" };
  }
  return {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: Number(kind.slice("rsa-".length)),
    publicExponent: RSA_PUBLIC_EXPONENT,
    hash: "SHA-256",
  };
}
