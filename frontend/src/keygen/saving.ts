/** Hands a file to the browser's own downloads. It stays in this page: a `blob:` address is known to nobody else. */

/** Save a file; its address is let go as soon as the browser has taken it. */
export function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), REVOKE_AFTER_MS);
}

/** Browsers start reading after the click has returned. */
const REVOKE_AFTER_MS = 10_000;
