/**
 * Encrypts a PKCS#8 private key with a passphrase. The scheme is pkijs's, the ciphers are the browser's; nothing here computes.
 *
 * Source: RFC 8018 (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC), RFC 5958 (EncryptedPrivateKeyInfo).
 */

import { OctetString } from "asn1js";
import { type ContentEncryptionAlgorithm, CryptoEngine, PKCS8ShroudedKeyBag } from "pkijs";

/** The same as `watchword keygen`. Source: OWASP's password storage cheat sheet for PBKDF2-HMAC-SHA256. */
export const KDF_ROUNDS = 600_000;

/** pkijs draws the vector itself, though its type asks for one. */
const CIPHER = { name: "AES-CBC", length: 256 } as unknown as ContentEncryptionAlgorithm;
/** PKCS #7 data: pkijs asks for a type that the form of a key file has no place for. */
const CONTENT_TYPE = "1.2.840.113549.1.7.1";

/**
 * Return the EncryptedPrivateKeyInfo, DER.
 *
 * @param der The PrivateKeyInfo; who made it wipes it.
 * @param passphrase As typed; readers are given the same UTF-8 bytes. Not empty.
 */
export async function encrypted(der: ArrayBuffer, passphrase: string): Promise<Uint8Array> {
  const engine = new CryptoEngine({ crypto: globalThis.crypto, name: "browser" });
  const password = new Uint8Array(new TextEncoder().encode(passphrase));
  try {
    const content = await engine.encryptEncryptedContentInfo({
      password: password.buffer,
      contentEncryptionAlgorithm: CIPHER,
      hmacHashAlgorithm: "SHA-256",
      iterationCount: KDF_ROUNDS,
      contentToEncrypt: der,
      contentType: CONTENT_TYPE,
    });
    const file = new PKCS8ShroudedKeyBag({
      encryptionAlgorithm: content.contentEncryptionAlgorithm,
      // In one piece: pkijs cuts it up as messages are (BER), which strict readers of key files refuse.
      encryptedData: new OctetString({ valueHex: content.getEncryptedContent() }),
    });
    return new Uint8Array(file.toSchema().toBER());
  } finally {
    password.fill(0);
  }
}
