// Keeps what a page shows up to date: one stream says what changed, and the part that shows it is read again.
//
// A part is an element with an id and `data-live="keys"` or `data-live="virtual_keys:vk-abc,audit"`; `data-live-at` says
// when it was rendered. With `data-live-offer` it is not replaced while somebody reads: a button offers what is new.
import type htmxType from "htmx.org";
import { isLost, placeOf, restore } from "./focus";
import { startWaiting } from "./live/badge";
import { startLeft } from "./live/left";
import { Notice } from "./live/notice";
import { Stream, type Change } from "./live/stream";
import { morph } from "./morph";
import { showScripted } from "./scripted";
import { tell } from "./telling";
import { atMostEvery } from "./trading/frames";

const REFRESH_MS = 2_000;
/** A list of busy trails is asked for less often: it is only counted. */
const OFFER_MS = 4_000;
const AGAIN_MS = 10_000;
/** Reading a page again counts as using it, and a page nobody looks at must not keep its session alive. */
const UNUSED_MS = 900_000;
const INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focusin"];

const PARTS = "[data-live]";

function partsOf(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(PARTS)].filter((one) => one.id !== "");
}

function topicsOf(part: HTMLElement): string[] {
  return (part.dataset["live"] ?? "").split(",").filter((one) => one !== "");
}

function concerns(part: HTMLElement, change: Change): boolean {
  return topicsOf(part).some((one) => {
    const [topic, subject] = one.split(":");
    return topic === change.topic && (subject === undefined || change.ids === undefined || change.ids.includes(subject));
  });
}

function rowsOf(part: ParentNode): HTMLElement[] {
  return [...part.querySelectorAll<HTMLElement>("tbody tr")];
}

const leadOf = (row: HTMLElement | undefined): string => row?.querySelector("a[href]")?.getAttribute("href") ?? "";

/** How many rows stand above the one that is the first now. */
function newRows(part: HTMLElement, fresh: HTMLElement): number {
  const rows = rowsOf(fresh);
  const first = leadOf(rowsOf(part)[0]);
  const index = rows.findIndex((row) => leadOf(row) === first);
  return index < 0 ? rows.length : index;
}

function sameButForTime(part: Element, fresh: Element): boolean {
  const [one, other] = [part, fresh].map((element) => {
    const copy = element.cloneNode(true) as HTMLElement;
    copy.removeAttribute("data-live-at");
    return copy;
  });
  return one !== undefined && other !== undefined && one.isEqualNode(other);
}

function isSelectedIn(part: Element): boolean {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
}

class LivePage {
  private readonly stale = new Set<string>();
  private usedMs = Date.now();
  private readonly notice = new Notice();
  private readonly stream: Stream;
  private readonly refreshed = atMostEvery(REFRESH_MS, () => void this.refresh(false));
  private readonly counted = atMostEvery(OFFER_MS, () => void this.refresh(true));

  constructor(
    private readonly htmx: typeof htmxType,
    extra: string[],
    heard: (change: Change) => void,
  ) {
    this.stream = new Stream(
      () => this.address(extra),
      (change) => {
        heard(change);
        this.heard(change);
      },
      (state) => this.notice.say(state, partsOf(document).length > 0),
    );
    for (const name of INPUTS) {
      document.addEventListener(name, () => this.used(), { passive: true });
    }
    document.addEventListener("selectionchange", () => {
      if (this.stale.size > 0 && document.getSelection()?.isCollapsed !== false) {
        this.refreshed();
      }
    });
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-live-show]") : null;
      if (button !== null) {
        void this.show();
      }
    });
  }

  /** Where the stream is, with what the page shows now and since when. */
  private address(extra: string[]): string {
    const parts = partsOf(document);
    const topics = new Set([...parts.flatMap(topicsOf), ...extra]);
    const moments = parts.map((part) => Number(part.dataset["liveAt"] ?? "0")).filter((moment) => moment > 0);
    const query = new URLSearchParams({ topics: [...topics].join(",") });
    if (moments.length > 0) {
      query.set("since_us", String(Math.min(...moments)));
    }
    return `/live/changes?${query}`;
  }

  private heard(change: Change): void {
    if (!change.changed) {
      return;
    }
    for (const part of partsOf(document)) {
      if (concerns(part, change)) {
        this.stale.add(part.id);
        (part.dataset["liveOffer"] === undefined ? this.refreshed : this.counted)();
      }
    }
  }

  private used(): void {
    const before = this.usedMs;
    this.usedMs = Date.now();
    if (this.usedMs - before > UNUSED_MS && this.stale.size > 0) {
      this.refreshed();
      this.counted();
    }
  }

  /** Reads the page again and puts its stale parts in place; those that are offered are only counted. */
  private async refresh(offered: boolean): Promise<void> {
    if (document.hidden || Date.now() - this.usedMs > UNUSED_MS || this.stale.size === 0) {
      return;
    }
    const fresh = await this.read();
    if (fresh === null) {
      return;
    }
    for (const part of partsOf(document)) {
      const found = fresh.getElementById(part.id);
      const isOffered = part.dataset["liveOffer"] !== undefined;
      if (!this.stale.has(part.id) || isOffered !== offered || found === null || (!offered && isSelectedIn(part))) {
        continue;
      }
      this.stale.delete(part.id);
      if (isOffered) {
        this.offer(part, found);
      } else {
        this.put(part, found);
      }
    }
  }

  private async read(): Promise<Document | null> {
    const address = location.pathname + location.search;
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, cache: "no-store" }).catch(() => null);
    // What htmx would be led to elsewhere for: the sign-in.
    if (answer?.status === 204) {
      this.stream.end();
      return null;
    }
    const text = answer?.headers.get("content-type")?.startsWith("text/html") === true ? await answer.text().catch(() => "") : "";
    // Meanwhile something else was searched for, and is there already.
    if (address !== location.pathname + location.search) {
      return null;
    }
    if (text === "" || answer?.status === 429) {
      window.setTimeout(this.refreshed, AGAIN_MS);
      return null;
    }
    const fresh = new DOMParser().parseFromString(text, "text/html");
    showScripted(fresh);
    return fresh;
  }

  private put(part: HTMLElement, fresh: HTMLElement): void {
    if (sameButForTime(part, fresh)) {
      part.dataset["liveAt"] = fresh.dataset["liveAt"] ?? "";
      return;
    }
    const active = document.activeElement;
    const place = active !== null && part.contains(active) ? placeOf(active, part) : null;
    morph(part, fresh);
    this.htmx.process(part);
    if (place !== null && isLost()) {
      restore(place, part);
    }
  }

  private offer(part: HTMLElement, fresh: HTMLElement): void {
    const count = newRows(part, fresh);
    const news = document.querySelector<HTMLElement>("[data-live-news]");
    const button = news?.querySelector("[data-live-show]") ?? null;
    if (news === null || button === null || count === 0) {
      return;
    }
    const all = count === rowsOf(fresh).length && count > 1 ? " or more" : "";
    const words = `${count}${all} new ${count === 1 ? "row" : "rows"}`;
    button.textContent = `${words} – show`;
    if (news.hidden) {
      tell(words);
    }
    news.hidden = false;
  }

  /** Puts what was offered in place: somebody asked. */
  private async show(): Promise<void> {
    const fresh = await this.read();
    for (const part of fresh === null ? [] : partsOf(document)) {
      const found = fresh?.getElementById(part.id) ?? null;
      if (found !== null && part.dataset["liveOffer"] !== undefined) {
        this.stale.delete(part.id);
        this.put(part, found);
      }
    }
    const news = document.querySelector<HTMLElement>("[data-live-news]");
    if (news !== null && fresh !== null) {
      news.hidden = true;
    }
  }
}

export function startLive(htmx: typeof htmxType): void {
  // The market's page has a stream of its own, and browsers open few connections to a host.
  if (document.querySelector("[data-market]") !== null) {
    return;
  }
  const waiting = startWaiting();
  if (waiting === null && partsOf(document).length === 0) {
    return;
  }
  startLeft();
  new LivePage(htmx, waiting === null ? [] : ["approvals"], (change) => waiting?.(change));
}
