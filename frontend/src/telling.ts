// Says what changed to those who hear a page: what was copied, what a search found, the toast. Shows nothing.
import type htmxType from "htmx.org";

/** Screen readers notice text that is put into a region, not the one that came with it. */
const NOTICED_MS = 100;
const SHOWN_MS = 8_000;

/** Says something once. Behind an open dialogue nothing is heard, so the dialogue has a region of its own. */
export function tell(words: string): void {
  const region = document.querySelector("dialog[open] [data-told]") ?? document.querySelector("[data-told]");
  if (region !== null) {
    region.textContent = "";
    window.setTimeout(() => {
      region.textContent = words;
    }, NOTICED_MS);
  }
}

/** What a list has now, in a few words: its own foot, or what stands there in its place. */
function summary(list: Element): string {
  if (!list.classList.contains("list")) {
    return `${list.querySelectorAll("tbody tr, .rows > li").length} found`;
  }
  const place = list.querySelector("[role=alert] .empty-title, .empty-title");
  if (place !== null) {
    return place.textContent?.trim() ?? "";
  }
  const foot = list.querySelector(".list-foot > .quiet")?.textContent?.trim() ?? "";
  const caption = list.querySelector("caption")?.textContent?.trim() ?? "";
  const rows = list.querySelectorAll("tbody tr").length;
  return `${caption}: ${/\d/.test(foot) ? foot : rows}`;
}

function startToast(): void {
  const toast = document.querySelector<HTMLElement>("[data-toast]");
  const region = toast?.parentElement ?? null;
  if (toast !== null && region !== null) {
    toast.remove();
    window.setTimeout(() => region.append(toast), NOTICED_MS);
    window.setTimeout(() => toast.remove(), SHOWN_MS);
  }
}

export function startTelling(htmx: typeof htmxType): void {
  startToast();
  htmx.on("htmx:afterSwap", (event) => {
    // A list that looks again by itself says nothing: nobody asked.
    const asked = (event as CustomEvent<{ requestConfig: { elt: Element } }>).detail.requestConfig.elt;
    if (event.target instanceof Element && event.target.id === "list" && asked.matches("form")) {
      tell(summary(event.target));
    }
  });
}
