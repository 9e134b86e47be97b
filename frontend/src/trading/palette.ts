// The page's colours as charts want them: resolved, whatever the theme. Reads styles and sets none that last.

export interface Palette {
  text: string;
  quiet: string;
  line: string;
  panel: string;
  up: string;
  down: string;
  accent: string;
}

/** Resolves a custom property: `light-dark()` has a value only where it is used. */
function resolved(probe: HTMLElement, name: string): string {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

export function readPalette(): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const palette = {
    text: resolved(probe, "--text"),
    quiet: resolved(probe, "--text-2"),
    line: resolved(probe, "--line"),
    panel: resolved(probe, "--panel"),
    up: resolved(probe, "--good"),
    down: resolved(probe, "--bad"),
    accent: resolved(probe, "--accent-text"),
  };
  probe.remove();
  return palette;
}

/** A colour with another opacity; charts take no `color-mix`. */
export function faded(colour: string, opacity: number): string {
  const parts = colour.match(/[\d.]+/g) ?? ["0", "0", "0"];
  return `rgba(${parts.slice(0, 3).join(",")},${opacity})`;
}

/** Calls back when the system changes between light and dark; a theme chosen by hand loads the page anew. */
export function onScheme(change: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", change);
}
