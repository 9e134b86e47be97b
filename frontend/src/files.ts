// A key's file, read into the form by the browser: nobody has to open it in an editor. The file itself is never sent.

/** As the form takes them; what is longer is no key. */
const BYTES_MAX = 16_384;
const PROTECTED = /ENCRYPTED/;
/** As this console writes an HMAC key into a file. */
const OWN_FILE = /^API key: (\S+)\s+Secret key: (\S+)\s*$/;

async function take(picker: HTMLInputElement): Promise<void> {
  const target = document.querySelector<HTMLTextAreaElement>(picker.dataset["fileInto"] ?? "");
  const file = picker.files?.[0];
  if (target === null || file === undefined) {
    return;
  }
  picker.setCustomValidity(file.size > BYTES_MAX ? "This file is too large to be a key." : "");
  if (!picker.reportValidity()) {
    return;
  }
  const text = await file.text();
  const own = OWN_FILE.exec(text);
  const name = target.form?.querySelector<HTMLInputElement>("[name=api_key]");
  if (own !== null && name?.value === "") {
    name.value = own[1] ?? "";
  }
  target.value = own?.[2] ?? text.trim();
  target.dispatchEvent(new Event("input", { bubbles: true }));
  if (PROTECTED.test(text)) {
    target.form?.querySelector<HTMLInputElement>("[name=passphrase]")?.focus();
  }
}

export function startFiles(): void {
  document.addEventListener("change", (event) => {
    const picker = event.target;
    if (picker instanceof HTMLInputElement && picker.dataset["fileInto"] !== undefined) {
      void take(picker);
    }
  });
}
