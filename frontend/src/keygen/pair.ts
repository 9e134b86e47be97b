/**
 * Makes a key pair: the private half as a file for its owner, the public half as text for everybody. Sends nothing.
 *
 * The private key is exported once, because WebCrypto has no other way to a file; buffers it went through are overwritten.
 * What the browser itself keeps (the key object, the file until it is let go) is out of a script's reach: see
 * docs/recipes/browser-keys.md.
 */

import { algorithm, type Kind } from "./kinds";
import { pem } from "./pem";
import { encrypted } from "./pkcs8";

export interface Pair {
  readonly kind: Kind;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicPem: string;
  /** `SHA256:` and unpadded base64 over the SubjectPublicKeyInfo, as everywhere in Watchword. */
  readonly fingerprint: string;
  /** PKCS#8, PEM. */
  readonly privateFile: Blob;
  readonly isEncrypted: boolean;
}

const MEDIA = "application/x-pem-file";

/**
 * Make a pair.
 *
 * @param passphrase Encrypts the file; null leaves it in plain, for bots that cannot ask.
 */
export async function makePair(kind: Kind, passphrase: string | null): Promise<Pair> {
  const { subtle } = globalThis.crypto;
  const pair = (await subtle.generateKey(algorithm(kind), true, ["sign", "verify"])) as CryptoKeyPair;
  const spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
  const digest = new Uint8Array(await subtle.digest("SHA-256", spki));
  return {
    kind,
    publicPem: new TextDecoder().decode(pem("PUBLIC KEY", spki)),
    fingerprint: `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, "")}`,
    privateFile: await privateFile(await subtle.exportKey("pkcs8", pair.privateKey), passphrase),
    isEncrypted: passphrase !== null,
  };
}

/** Write the file, and overwrite the key it was written from. */
async function privateFile(der: ArrayBuffer, passphrase: string | null): Promise<Blob> {
  const plain = new Uint8Array(der);
  let armoured: Uint8Array<ArrayBuffer> | null = null;
  try {
    armoured =
      passphrase === null
        ? pem("PRIVATE KEY", plain)
        : pem("ENCRYPTED PRIVATE KEY", await encrypted(der, passphrase));
    return new Blob([armoured], { type: MEDIA });
  } finally {
    plain.fill(0);
    armoured?.fill(0);
  }
}
