/**
 * DER to PEM, byte to byte: a private key never becomes a JavaScript string, because strings cannot be wiped.
 *
 * Source: RFC 7468.
 */

export type Label = "PUBLIC KEY" | "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY";

const LINE_LENGTH = 64;
const LINE_FEED = 10;
const PADDING = 61;
const ALPHABET = ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

/** Armour DER; who gets the answer for a private key wipes it. */
export function pem(label: Label, der: Uint8Array): Uint8Array<ArrayBuffer> {
  const begin = ascii(`-----BEGIN ${label}-----\n`);
  const end = ascii(`-----END ${label}-----\n`);
  const letters = Math.ceil(der.length / 3) * 4;
  const out = new Uint8Array(begin.length + letters + Math.ceil(letters / LINE_LENGTH) + end.length);
  out.set(begin);
  const at = writeBody(der, out, begin.length);
  out.set(end, at);
  return out;
}

/** Write base64 in lines; returns where it ended. */
function writeBody(der: Uint8Array, out: Uint8Array, start: number): number {
  let at = start;
  let column = 0;
  for (let from = 0; from < der.length; from += 3) {
    const held = Math.min(3, der.length - from);
    const group = ((der[from] ?? 0) << 16) | ((der[from + 1] ?? 0) << 8) | (der[from + 2] ?? 0);
    for (let letter = 0; letter < 4; letter += 1) {
      out[at] = letter <= held ? (ALPHABET[(group >> (18 - 6 * letter)) & 63] ?? 0) : PADDING;
      at += 1;
    }
    column += 4;
    if (column === LINE_LENGTH || from + 3 >= der.length) {
      out[at] = LINE_FEED;
      at += 1;
      column = 0;
    }
  }
  return at;
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
