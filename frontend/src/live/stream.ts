// The stream that says what changed: opened while the page is looked at, opened again after breaks. Changes no page.
import { Slot } from "./slot";

/** `changed`: something did; else only a number became known. */
export interface Change {
  changed: boolean;
  topic: string;
  ids?: string[];
  count?: number;
}

/** `crowded`: other windows have all the streams there may be. */
export type State = "live" | "broken" | "ended" | "crowded";

const FIRST_AGAIN_MS = 1_000;
const LAST_AGAIN_MS = 30_000;
const BROKEN_MS = 10_000;
const CROWDED_MS = 5_000;
/** A hidden page gives its connection back: browsers open six to a host. A look away for a moment costs nothing. */
const HIDDEN_MS = 3_000;

export class Stream {
  private source: EventSource | null = null;
  private again = 0;
  private hiding = 0;
  private breaking = 0;
  private failures = 0;
  private ended = false;
  private opening = false;
  private readonly slot = new Slot();

  constructor(
    private readonly address: () => string,
    private readonly hear: (change: Change) => void,
    private readonly onState: (state: State) => void,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.look());
    this.look();
  }

  /** The session is over: nothing comes any more. */
  end(): void {
    this.ended = true;
    this.close();
    window.clearTimeout(this.breaking);
    this.onState("ended");
  }

  private look(): void {
    window.clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = window.setTimeout(() => this.close(), HIDDEN_MS);
    } else {
      void this.open();
    }
  }

  private async open(): Promise<void> {
    window.clearTimeout(this.again);
    if (this.source !== null || this.opening || this.ended || document.hidden) {
      return;
    }
    this.awaitLive();
    this.opening = true;
    const free = await this.slot.take();
    this.opening = false;
    if (document.hidden || this.ended) {
      this.slot.free();
      return;
    }
    if (!free) {
      window.clearTimeout(this.breaking);
      this.breaking = 0;
      this.onState("crowded");
      this.again = window.setTimeout(() => void this.open(), CROWDED_MS);
      return;
    }
    const source = new EventSource(this.address());
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      window.clearTimeout(this.breaking);
      this.breaking = 0;
      this.onState("live");
    });
    source.addEventListener("error", () => void this.broken());
    source.addEventListener("behind", () => this.reopen(0));
    source.addEventListener("ended", () => this.end());
    for (const name of ["changed", "count"]) {
      source.addEventListener(name, (event) => {
        const told = JSON.parse((event as MessageEvent<string>).data) as Omit<Change, "changed">;
        this.hear({ ...told, changed: name === "changed" });
      });
    }
  }

  /** Says so if it takes too long. */
  private awaitLive(): void {
    if (this.breaking === 0) {
      this.breaking = window.setTimeout(() => this.onState("broken"), BROKEN_MS);
    }
  }

  private async broken(): Promise<void> {
    const refused = this.source?.readyState === EventSource.CLOSED;
    this.failures += 1;
    const waitMs = Math.min(FIRST_AGAIN_MS * 2 ** (this.failures - 1), LAST_AGAIN_MS);
    // Some of it by chance: a console that was restarted is not met by everybody at once.
    this.reopen(waitMs * (0.5 + Math.random() / 2));
    if (refused) {
      const answer = await fetch(this.address(), { method: "HEAD", redirect: "manual" }).catch(() => null);
      // Led elsewhere: to the sign-in.
      if (answer?.type === "opaqueredirect") {
        this.end();
      }
    }
  }

  private reopen(waitMs: number): void {
    this.source?.close();
    this.source = null;
    window.clearTimeout(this.again);
    this.awaitLive();
    this.again = window.setTimeout(() => void this.open(), waitMs);
  }

  private close(): void {
    window.clearTimeout(this.again);
    window.clearTimeout(this.breaking);
    this.breaking = 0;
    this.source?.close();
    this.source = null;
    this.slot.free();
  }
}
