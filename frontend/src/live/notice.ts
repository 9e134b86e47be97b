// Says when a page is not live any more. Shows nothing while it is.
import type { State } from "./stream";

const WORDS: Partial<Record<State, string>> = {
  broken: "Not live: reconnecting…",
  crowded: "Not live: too many windows are open. Close one.",
  ended: "Not live: you are signed out. Reload the page to sign in.",
};

export class Notice {
  private place: HTMLElement | null = null;

  /** A page of which nothing else is live does not complain: it has the number that waits only. */
  say(state: State, complains: boolean): void {
    document.documentElement.dataset["stream"] = state;
    const words = complains ? WORDS[state] : undefined;
    if (words === undefined) {
      this.place?.remove();
      this.place = null;
    } else if (this.place?.textContent !== words) {
      this.place ??= document.createElement("p");
      this.place.className = "toast not-live";
      this.place.dataset["notLive"] = state;
      document.querySelector(".toasts")?.append(this.place);
      this.place.textContent = words;
    }
  }
}
