// How many requests wait for people: beside the link to them, and in the title of every page.
import { tell } from "../telling";
import type { Change } from "./stream";

const PREFIX = /^\(\d+\) /;

function mark(link: Element, count: number): void {
  const before = link.querySelector("[data-waiting]");
  if (count === 0) {
    before?.remove();
    return;
  }
  const badge = before ?? document.createElement("span");
  badge.className = "badge warn nav-count";
  badge.setAttribute("data-waiting", "");
  const words = document.createElement("span");
  words.className = "unseen";
  words.textContent = " waiting";
  badge.replaceChildren(String(count), words);
  if (before === null) {
    link.append(badge);
  }
}

/** Returns what is to be called with each change; null where the page has no link to approvals. */
export function startWaiting(): ((change: Change) => void) | null {
  const link = document.querySelector('nav a[href="/approvals"]');
  const title = document.querySelector("title");
  if (link === null || title === null) {
    return null;
  }
  let known: number | null = null;
  const entitle = (): void => {
    const bare = title.text.replace(PREFIX, "");
    const wanted = known === null || known === 0 ? bare : `(${known}) ${bare}`;
    if (title.text !== wanted) {
      title.text = wanted;
    }
  };
  // The market's page says its price there again and again.
  new MutationObserver(entitle).observe(title, { childList: true, characterData: true, subtree: true });
  return (change) => {
    if (change.topic !== "approvals" || change.count === undefined || change.count === known) {
      return;
    }
    if (known !== null && change.count > known) {
      tell(`${change.count} ${change.count === 1 ? "request waits" : "requests wait"} for approval`);
    }
    known = change.count;
    mark(link, known);
    entitle();
  };
}
