// The pure parts of key generation, and the making of files by Node's WebCrypto, read back by OpenSSL inside Node.
// tests/contract/frontend/ runs this; the real browser's turn is in tests/contract/frontend/test_browser_keys.py.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { test } from "node:test";

import { fromBER } from "asn1js";

import { fileNames } from "../src/keygen/file_names.ts";
import { algorithm, isKind, keyType, KINDS, spoken } from "../src/keygen/kinds.ts";
import { makePair } from "../src/keygen/pair.ts";
import { pem } from "../src/keygen/pem.ts";
import { estimate } from "../src/keygen/estimator.ts";
import { judge, PASSPHRASE_BYTES_MAX, PASSPHRASE_LENGTH_MIN, SCORE_MIN } from "../src/keygen/strength.ts";
import { probe, reason } from "../src/keygen/support.ts";

const PASSPHRASE = "seven purple giraffes – Ω";
const PAYLOAD = Buffer.from("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001&timestamp=1699564800000");
const { subtle } = globalThis.crypto;

const estimated = (score) => ({ score, crackTime: "3 years", warning: "Common.", suggestions: ["Add a word.", "More."] });
const fileOf = async (pair) => Buffer.from(await pair.privateFile.arrayBuffer());

test("PEM is what Node writes, for every length of the last group and line", () => {
  for (let length = 1; length < 200; length += 1) {
    const der = randomBytes(length);
    const body = der.toString("base64").match(/.{1,64}/g).join("\n");
    const armoured = Buffer.from(pem("PUBLIC KEY", der)).toString("ascii");
    assert.equal(armoured, `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`);
  }
});

test("kinds have the API's key types and spoken names, and nothing else is a kind", () => {
  assert.deepEqual(KINDS.map(keyType), ["ED25519", "RSA", "RSA", "RSA"]);
  assert.deepEqual(KINDS.map(spoken), ["Ed25519", "RSA 2048", "RSA 3072", "RSA 4096"]);
  assert.equal(algorithm("rsa-3072").modulusLength, 3072);
  for (const other of ["", "rsa-1024", "rsa-2048 ", "ED25519", "hmac", "toString"]) {
    assert.equal(isKind(other), false, other);
  }
});

test("file names hold nothing a shell or file system minds", () => {
  const cases = {
    "Grid bot": "grid-bot",
    "../../etc/passwd": "etc-passwd",
    "Überschuß $(rm -rf ~)": "uberschu-rm-rf",
    "—": "watchword",
    "": "watchword",
    [`${"x".repeat(47)} y`]: "x".repeat(47),
    "CON.pem\u0000\n": "con-pem",
  };
  for (const [label, stem] of Object.entries(cases)) {
    assert.deepEqual(fileNames(label, "ed25519"), {
      privateName: `${stem}-ed25519.pem`,
      publicName: `${stem}-ed25519.pub.pem`,
      restrict: `chmod 600 ${stem}-ed25519.pem`,
    });
  }
});

test("a passphrase is taken from twelve characters and the highest score on, and not one below", () => {
  const long = "x".repeat(PASSPHRASE_LENGTH_MIN);
  assert.equal(judge(long, estimated(SCORE_MIN)).isAcceptable, true);
  assert.equal(judge(long.slice(1), estimated(SCORE_MIN)).isAcceptable, false);
  assert.equal(judge(long, estimated(SCORE_MIN - 1)).isAcceptable, false);
  assert.equal(judge("Ω".repeat(PASSPHRASE_BYTES_MAX / 2), estimated(4)).isAcceptable, true);
  assert.equal(judge(`${"Ω".repeat(PASSPHRASE_BYTES_MAX / 2)}x`, estimated(4)).isAcceptable, false);
  assert.equal(judge("", estimated(0)).words, "");
  assert.equal(judge("😀".repeat(11), null).words, "11 of at least 12 characters.");
});

test("what is weak gets a reason and one piece of advice, what is good neither", () => {
  assert.equal(
    judge("x".repeat(12), estimated(1)).words,
    "Too weak: guessed in 3 years by one graphics card. Common. Add a word.",
  );
  assert.equal(judge("x".repeat(12), estimated(4)).words, "Good: guessed in 3 years by one graphics card.");
});

test("without an estimate length alone is judged, and that is said", () => {
  assert.equal(judge("x".repeat(12), null).isAcceptable, true);
  assert.match(judge("x".repeat(12), null).words, /did not load/);
  assert.equal(judge("x".repeat(11), null).isAcceptable, false);
});

test("the estimator sees through what people take for strong, and knows the label", () => {
  const acceptable = (text, known = []) => judge(text, estimate(text, known)).isAcceptable;
  for (const weak of ["Password12345", "qwertyuiop12", "aaaaaaaaaaaaaaaa", "P@ssw0rd!2024"]) {
    assert.equal(acceptable(weak), false, weak);
  }
  assert.equal(acceptable("seven purple giraffes"), true);
  assert.equal(acceptable("zorbatronixquill"), true);
  assert.equal(acceptable("zorbatronixquill", ["zorbatronixquill"]), false);
});

test("what is missing is found by trying, and each has its own words", async () => {
  assert.deepEqual(await probe({ isSecureContext: true, subtle }), { kinds: KINDS, missing: null });
  assert.deepEqual(await probe({ isSecureContext: false, subtle }), { kinds: [], missing: "secure-context" });
  assert.deepEqual(await probe({ isSecureContext: true, subtle: undefined }), { kinds: [], missing: "webcrypto" });
  const old = { generateKey: async () => Promise.reject(new DOMException("", "NotSupportedError")) };
  const found = await probe({ isSecureContext: true, subtle: old });
  assert.deepEqual(found, { kinds: KINDS.slice(1), missing: "ed25519" });
  const words = ["secure-context", "webcrypto", "ed25519"].map(reason);
  assert.equal(new Set(words).size, 3);
});

for (const kind of ["ed25519", "rsa-2048"]) {
  test(`a pair (${kind}) in plain signs what its public half verifies, one bit off it does not`, async () => {
    const pair = await makePair(kind, null);
    const file = await fileOf(pair);
    assert.match(file.toString(), /^-----BEGIN PRIVATE KEY-----\n/);
    const digest = kind === "ed25519" ? null : "sha256";
    const signature = sign(digest, PAYLOAD, createPrivateKey(file));
    const key = createPublicKey(pair.publicPem);
    assert.equal(verify(digest, PAYLOAD, key, signature), true);
    signature[7] ^= 1;
    assert.equal(verify(digest, PAYLOAD, key, signature), false);
    const spki = key.export({ type: "spki", format: "der" });
    const expected = createHash("sha256").update(spki).digest("base64").replace(/=+$/, "");
    assert.equal(pair.fingerprint, `SHA256:${expected}`);
  });

  test(`a pair (${kind}) with a passphrase opens with it and with no other`, async () => {
    const pair = await makePair(kind, PASSPHRASE);
    assert.equal(pair.isEncrypted, true);
    const file = await fileOf(pair);
    assert.match(file.toString(), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const key = createPrivateKey({ key: file, passphrase: PASSPHRASE });
    assert.equal(createPublicKey(key).export({ type: "spki", format: "pem" }), pair.publicPem);
    assert.throws(() => createPrivateKey({ key: file, passphrase: PASSPHRASE.slice(0, -1) }));
    assert.throws(() => createPrivateKey({ key: file }));
  });
}

test("an encrypted file is DER, not only BER: everything in one piece", async () => {
  const file = await fileOf(await makePair("rsa-2048", PASSPHRASE));
  const { result } = fromBER(Buffer.from(file.toString().split("\n").slice(1, -2).join(""), "base64"));
  const [, data] = result.valueBlock.value;
  assert.equal(data.idBlock.isConstructed, false);
  assert.equal(result.lenBlock.isIndefiniteForm, false);
});

test("the buffers a private key went through are overwritten, also where encryption failed", async (context) => {
  const exported = [];
  const real = subtle.exportKey.bind(subtle);
  context.mock.method(subtle, "exportKey", async (format, key) => {
    const der = await real(format, key);
    if (format === "pkcs8") exported.push(der);
    return der;
  });
  const wiped = () => exported.every((der) => new Uint8Array(der).every((byte) => byte === 0));
  await makePair("ed25519", null);
  await makePair("ed25519", PASSPHRASE);
  context.mock.method(subtle, "deriveKey", async () => Promise.reject(new Error("out of memory")));
  await assert.rejects(makePair("ed25519", PASSPHRASE));
  assert.equal(exported.length, 3);
  assert.equal(wiped(), true);
});
