// Copies and downloads what a page shows; sends nothing anywhere.
import { tell } from "./telling";

const SHOWN_MS = 1_600;

function textOf(id: string): string {
  const source = document.getElementById(id);
  return source instanceof HTMLTextAreaElement ? source.value : (source?.textContent ?? "");
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  const before = button.getAttribute("aria-label");
  try {
    await navigator.clipboard.writeText(text);
    button.classList.add("copied");
    button.setAttribute("aria-label", "Copied");
    tell("Copied");
  } catch {
    button.setAttribute("aria-label", "Copying was refused by the browser");
    tell("Copying was refused by the browser");
  }
  window.setTimeout(() => {
    button.classList.remove("copied");
    if (before === null) {
      button.removeAttribute("aria-label");
    } else {
      button.setAttribute("aria-label", before);
    }
  }, SHOWN_MS);
}

function download(text: string, filename: string): void {
  const url = URL.createObjectURL(new Blob([text.endsWith("\n") ? text : `${text}\n`], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  URL.revokeObjectURL(url);
}

export function startClipboard(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy], [data-copy-of], [data-download-of]");
    if (button === null) {
      return;
    }
    const { copy: value, copyOf, downloadOf, filename } = button.dataset;
    if (downloadOf !== undefined) {
      download(textOf(downloadOf), filename ?? "watchword.txt");
    } else {
      void copy(button, value ?? textOf(copyOf ?? ""));
    }
  });
}
