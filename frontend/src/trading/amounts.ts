// Amounts for reading. The server's texts stay texts: numbers are for drawing only.

/** How many decimals a step such as 0.01000000 has. */
export function decimalsOf(step: string): number {
  const fraction = (step.split(".")[1] ?? "").replace(/0+$/, "");
  return fraction.length;
}

/** Writes a decimal text with thousands apart and so many decimals, cut or filled up. */
export function written(amount: string, decimals: number): string {
  const [whole = "0", fraction = ""] = amount.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return decimals > 0 ? `${grouped}.${fraction.padEnd(decimals, "0").slice(0, decimals)}` : grouped;
}

/** Writes it without zeros at the end. */
export function trimmed(amount: string): string {
  const text = written(amount, 8);
  return text.replace(/\.?0+$/, "");
}

export function hourOf(timeUs: number): string {
  return new Date(timeUs / 1000).toISOString().slice(11, 19);
}
