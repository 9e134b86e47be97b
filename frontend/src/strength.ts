// How strong a new password looks while it is typed. Only a hint: the server judges, with word lists this page does not have.
const WORDS = ["Too short", "Weak", "Fair", "Good", "Strong"] as const;
const LENGTH_MIN = 12;

/** Rates by length, by how many different characters there are, and by runs such as `aaaa`, `1234`, `qwerty`. */
export function rate(password: string): number {
  if (password.length < LENGTH_MIN) {
    return 0;
  }
  const plain = password.toLowerCase();
  const different = new Set(plain).size;
  let runs = 0;
  for (let at = 2; at < plain.length; at += 1) {
    const step = plain.charCodeAt(at) - plain.charCodeAt(at - 1);
    if (Math.abs(step) <= 1 && step === plain.charCodeAt(at - 1) - plain.charCodeAt(at - 2)) {
      runs += 1;
    }
  }
  for (const row of ["qwertyuiop", "asdfghjkl", "zxcvbnm", "password", "binance", "watchword", "bitcoin"]) {
    for (let size = row.length; size >= 4; size -= 1) {
      if (plain.includes(row.slice(0, size))) {
        runs += size - 1;
        break;
      }
    }
  }
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(password)).length;
  const bits = Math.min(password.length - runs, different * 1.6) * (2.2 + kinds * 0.7);
  return bits < 28 ? 1 : bits < 42 ? 2 : bits < 58 ? 3 : 4;
}

export function startStrength(): void {
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || field.dataset["strength"] === undefined) {
      return;
    }
    const shown = document.getElementById(field.dataset["strength"]);
    const meter = shown?.querySelector("meter");
    const words = shown?.querySelector("span");
    if (meter && words) {
      const level = rate(field.value);
      meter.value = level;
      words.textContent = field.value === "" ? "" : (WORDS[level] ?? "");
    }
  });
}
