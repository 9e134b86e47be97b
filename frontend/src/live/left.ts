// Counts down what is left of a time, in place. Reads nothing again: that it is over is told by the stream.

const SECOND_MS = 1_000;

function written(seconds: number): string {
  const rest = String(seconds % 60).padStart(2, "0");
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${rest} s` : `${seconds} s`;
}

/** Elements have `data-left`, in seconds; each is counted from when it was first seen with this number. */
export function startLeft(): void {
  const ends = new WeakMap<HTMLElement, { left: string; endMs: number }>();
  window.setInterval(() => {
    for (const place of document.querySelectorAll<HTMLElement>("[data-left]")) {
      const left = place.dataset["left"] ?? "0";
      let known = ends.get(place);
      if (known?.left !== left) {
        known = { left, endMs: performance.now() + Number(left) * SECOND_MS };
        ends.set(place, known);
      }
      const text = written(Math.max(0, Math.floor((known.endMs - performance.now()) / SECOND_MS)));
      if (place.textContent !== text) {
        place.textContent = text;
      }
    }
  }, SECOND_MS);
}
