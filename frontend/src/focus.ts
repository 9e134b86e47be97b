// Keeps the focus where somebody was when htmx puts another piece of page in its place. Moves it nowhere else.
import type htmxType from "htmx.org";

const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";

/** Where somebody was: what the element is called, and how many stood before it. */
interface Place {
  name: string;
  index: number;
}

interface Swap {
  xhr: XMLHttpRequest;
  target: Element;
}

/** What can have the focus now, in the order of the page. */
export function focusable(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (one) => one.tabIndex >= 0 && !one.matches(":disabled") && one.checkVisibility({ visibilityProperty: true }),
  );
}

/** Puts the focus on something that is no control, such as a heading. */
export function focusOn(element: HTMLElement): void {
  if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) {
    element.tabIndex = -1;
  }
  element.focus();
}

function nameOf(element: Element): string {
  const row = element.closest("form")?.querySelector<HTMLInputElement>("input[name=order]")?.value ?? "";
  const own = ["id", "href", "name", "value", "aria-label"].map((name) => element.getAttribute(name) ?? "");
  return [element.tagName, ...own, element.getAttribute("aria-label") === null ? element.textContent?.trim() : "", row].join("\n");
}

export function placeOf(element: Element, root: ParentNode): Place {
  const all: Element[] = [...root.querySelectorAll(FOCUSABLE)].filter((one) => one.getAttribute("type") !== "hidden");
  return { name: nameOf(element), index: all.indexOf(element) };
}

/** Whether the focus is nowhere: on nothing, or on what is no more. */
export function isLost(): boolean {
  const active = document.activeElement;
  return active === null || active === document.body || !active.isConnected || active.matches(":disabled");
}

/** Puts the focus where it was: on the same thing, else on what must be mended, on what stands there now, on the piece itself. */
export function restore(place: Place, root: HTMLElement): void {
  const all = focusable(root);
  const same = all.find((one) => nameOf(one) === place.name);
  const wrong = all.find((one) => one.getAttribute("aria-invalid") === "true");
  focusOn(wrong ?? same ?? all[Math.min(Math.max(place.index, 0), all.length - 1)] ?? root);
}

export function startFocus(htmx: typeof htmxType): void {
  const places = new WeakMap<XMLHttpRequest, Place>();
  const note = (event: Event): void => {
    const { xhr, target } = (event as CustomEvent<Swap>).detail;
    const active = document.activeElement;
    // The dialogue finds its own.
    if (active !== null && target.id !== "dialog-body" && target.contains(active)) {
      places.set(xhr, placeOf(active, target));
    }
  };
  // Before it: a button is disabled while its request is under way, and loses the focus. And again, for who went on meanwhile.
  htmx.on("htmx:beforeRequest", note);
  htmx.on("htmx:beforeSwap", note);
  htmx.on("htmx:afterSwap", (event) => {
    const { xhr } = (event as CustomEvent<Swap>).detail;
    const place = places.get(xhr);
    if (place !== undefined && isLost() && event.target instanceof HTMLElement) {
      restore(place, event.target);
    }
  });
}
