// The market page: chart, book, trades and last price live. Events are kept and drawn some times a second, however many come.
import { trimmed, decimalsOf, written } from "./trading/amounts";
import { BookView, type Book } from "./trading/book";
import { CandleChart, type Candle } from "./trading/candles";
import { atMostEvery, everyFrame } from "./trading/frames";
import { Live, type State } from "./trading/live";
import { TAPE_ROWS, Tape, type Trade } from "./trading/tape";

interface Day {
  last: string;
  open: string;
  high: string;
  low: string;
  volume: string;
}

interface Balances {
  items: { asset: string; free: string }[];
}

const STATES: Record<State, string> = { live: "Live", waiting: "Reconnecting", ended: "Signed out", crowded: "Too many windows" };
const DRAW_MS = 125;
const TITLE_MS = 2_000;
const ORDERS_MS = 1_000;
const CANDLES_MS = 1_000;

class Market {
  private readonly query: URLSearchParams;
  private readonly chart: CandleChart | null;
  private readonly book: BookView;
  private readonly tape: Tape;
  private readonly decimals: number;
  private nextBook: Book | null = null;
  private nextDay: Day | null = null;
  private nextCandles: Candle[] = [];
  private nextTrades: Trade[] = [];
  private readonly draw = everyFrame(DRAW_MS, () => this.drawn());
  private nextTitle = "";
  private readonly titled = atMostEvery(TITLE_MS, () => {
    document.title = this.nextTitle;
  });
  private readonly readCandles = atMostEvery(CANDLES_MS, () => void this.candlesRead());
  private readonly ordersChanged = atMostEvery(ORDERS_MS, () => document.body.dispatchEvent(new Event("orders-changed")));

  constructor(private readonly root: HTMLElement) {
    const { symbol = "", interval = "", account = "", priceStep = "" } = root.dataset;
    this.query = new URLSearchParams({ symbol, interval });
    this.decimals = decimalsOf(priceStep);
    const place = root.querySelector<HTMLElement>("[data-chart]");
    place?.replaceChildren();
    this.chart = place === null ? null : new CandleChart(place, this.decimals);
    this.book = new BookView(root);
    this.tape = new Tape(root);
    this.readCandles();
    root.addEventListener("click", (event) => this.priceTaken(event));
    const events = new URLSearchParams(this.query);
    if (account !== "") {
      events.set("account", account);
    }
    new Live(`/market/events?${events}`, this.listeners(), (state) => this.say(state));
  }

  private listeners(): Record<string, (content: unknown) => void> {
    return {
      book: (content) => {
        this.nextBook = content as Book;
        this.draw();
      },
      day: (content) => {
        this.nextDay = content as Day;
        this.draw();
      },
      candle: (content) => {
        this.nextCandles.push(content as Candle);
        this.nextCandles.splice(0, this.nextCandles.length - TAPE_ROWS);
        this.draw();
      },
      trade: (content) => {
        this.nextTrades.push(content as Trade);
        this.nextTrades.splice(0, this.nextTrades.length - TAPE_ROWS);
        this.draw();
      },
      again: () => {
        this.readCandles();
        this.ordersChanged();
      },
      order: () => this.ordersChanged(),
      balances: (content) => this.free(content as Balances),
    };
  }

  /** Draws what came since the last frame. */
  private drawn(): void {
    if (this.nextBook !== null) {
      this.book.show(this.nextBook);
      this.nextBook = null;
    }
    for (const candle of this.nextCandles.splice(0)) {
      this.chart?.update(candle);
    }
    const trades = this.nextTrades.splice(0);
    const last = trades.at(-1);
    if (last !== undefined) {
      this.tape.add(trades);
      this.last(last.price, last.sold ? "down" : "up");
    }
    if (this.nextDay !== null) {
      this.day(this.nextDay);
      this.nextDay = null;
    }
  }

  private async candlesRead(): Promise<void> {
    const answer = await fetch(`/market/candles.json?${this.query}`).catch(() => null);
    if (answer?.ok === true) {
      this.chart?.show(((await answer.json()) as { items: Candle[] }).items);
    }
  }

  private day(day: Day): void {
    const change = Number(day.open) > 0 ? (Number(day.last) / Number(day.open) - 1) * 100 : 0;
    const place = this.put("[data-change]", `${change >= 0 ? "+" : ""}${change.toFixed(2)} %`);
    place?.classList.toggle("up", change > 0);
    place?.classList.toggle("down", change < 0);
    this.put("[data-high]", written(day.high, this.decimals));
    this.put("[data-low]", written(day.low, this.decimals));
    this.put("[data-volume]", written(day.volume, 2));
  }

  private last(price: string, way: "up" | "down"): void {
    const text = written(price, this.decimals);
    for (const name of ["[data-last]", "[data-book-last]"]) {
      const place = this.put(name, text);
      place?.classList.toggle("up", way === "up");
      place?.classList.toggle("down", way === "down");
    }
    this.nextTitle = `${text} ${this.query.get("symbol") ?? ""} · Watchword`;
    this.titled();
  }

  /** A click on a level takes its price into the form. */
  private priceTaken(event: Event): void {
    const row = event.target instanceof Element ? event.target.closest("[data-side] tr") : null;
    const price = row?.querySelector("td")?.textContent.replaceAll(",", "") ?? "";
    const field = this.root.querySelector<HTMLInputElement>("#f-price");
    if (price !== "" && field !== null) {
      field.value = price;
    }
  }

  private free(balances: Balances): void {
    for (const { asset, free } of balances.items) {
      for (const place of this.root.querySelectorAll<HTMLElement>("[data-free]")) {
        if (place.dataset["free"] === asset) {
          place.textContent = trimmed(free);
        }
      }
    }
  }

  private put(name: string, text: string): HTMLElement | null {
    const place = this.root.querySelector<HTMLElement>(name);
    if (place !== null && place.textContent !== text) {
      place.textContent = text;
    }
    return place;
  }

  private say(state: State): void {
    const place = this.put("[data-live]", STATES[state]);
    place?.setAttribute("data-state", state);
  }
}

const root = document.querySelector<HTMLElement>("[data-market]");
if (root !== null) {
  new Market(root);
}
