// One stream of server-sent events: opened, reopened, and closed while nobody looks. Knows no event's meaning.
import { Slot } from "../live/slot";

export type State = "live" | "waiting" | "ended" | "crowded";
export type Listeners = Record<string, (content: unknown) => void>;

const AGAIN_MS = 5_000;
const HIDDEN_MS = 60_000;

export class Live {
  private source: EventSource | null = null;
  private timer = 0;
  private ended = false;
  private opening = false;
  private readonly slot = new Slot();

  constructor(
    private readonly address: string,
    private readonly listeners: Listeners,
    private readonly onState: (state: State) => void,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", () => this.look());
    void this.open();
  }

  private async open(): Promise<void> {
    window.clearTimeout(this.timer);
    if (this.source !== null || this.ended || this.opening) {
      return;
    }
    this.opening = true;
    const free = await this.slot.take();
    this.opening = false;
    if (!free) {
      this.onState("crowded");
      this.timer = window.setTimeout(() => void this.open(), AGAIN_MS);
      return;
    }
    const source = new EventSource(this.address);
    this.source = source;
    source.addEventListener("open", () => this.onState("live"));
    source.addEventListener("error", () => {
      this.onState("waiting");
      // What was refused is not tried again by the browser.
      if (source.readyState === EventSource.CLOSED) {
        this.again();
      }
    });
    source.addEventListener("behind", () => this.again());
    source.addEventListener("ended", () => {
      this.ended = true;
      this.close();
      this.onState("ended");
    });
    for (const [name, listen] of Object.entries(this.listeners)) {
      source.addEventListener(name, (event) => listen(JSON.parse((event as MessageEvent<string>).data)));
    }
  }

  private again(): void {
    this.close();
    this.onState("waiting");
    this.timer = window.setTimeout(() => void this.open(), AGAIN_MS);
  }

  /** Hidden pages give their connection back after a while: browsers open six to a host. */
  private look(): void {
    if (document.visibilityState === "visible") {
      void this.open();
    } else {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.close(), HIDDEN_MS);
    }
  }

  private close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.slot.free();
  }
}
