// The order book: rows are made once, and only texts that changed are set. Knows no stream.
import { decimalsOf, written } from "./amounts";

export interface Book {
  bids: [string, string][];
  asks: [string, string][];
}

class Row {
  private price = "";
  private quantity = "";
  private depth = -1;

  constructor(
    private readonly row: HTMLTableRowElement,
    private readonly first: HTMLElement,
    private readonly second: HTMLElement,
  ) {}

  set(price: string, quantity: string, depth: number): void {
    if (price !== this.price) {
      this.price = price;
      this.first.textContent = price;
    }
    if (quantity !== this.quantity) {
      this.quantity = quantity;
      this.second.textContent = quantity;
    }
    if (depth !== this.depth) {
      this.depth = depth;
      this.row.style.setProperty("--depth", `${depth}%`);
    }
  }
}

export class BookView {
  private readonly asks: Row[];
  private readonly bids: Row[];
  private readonly priceDecimals: number;
  private readonly quantityDecimals: number;
  private readonly spread: HTMLElement | null;

  constructor(root: HTMLElement) {
    this.priceDecimals = decimalsOf(root.dataset["priceStep"] ?? "");
    this.quantityDecimals = decimalsOf(root.dataset["quantityStep"] ?? "");
    // The best ask is the lowest row of its side.
    this.asks = rowsOf(root, "asks").reverse();
    this.bids = rowsOf(root, "bids");
    this.spread = root.querySelector("[data-spread]");
  }

  show(book: Book): void {
    const levels = Math.min(this.asks.length, this.bids.length);
    const amounts = [...book.asks.slice(0, levels), ...book.bids.slice(0, levels)].map(([, amount]) => Number(amount));
    const most = Math.max(...amounts, 0);
    this.fill(this.asks, book.asks, most);
    this.fill(this.bids, book.bids, most);
    const [ask, bid] = [book.asks[0], book.bids[0]];
    if (this.spread !== null) {
      const gap = ask !== undefined && bid !== undefined ? Number(ask[0]) - Number(bid[0]) : NaN;
      this.spread.textContent = Number.isNaN(gap) ? "" : `Spread ${gap.toFixed(this.priceDecimals)}`;
    }
  }

  private fill(rows: Row[], levels: [string, string][], most: number): void {
    rows.forEach((row, number) => {
      const level = levels[number];
      if (level === undefined) {
        row.set("", "", 0);
      } else {
        const depth = most > 0 ? Math.round((Number(level[1]) / most) * 100) : 0;
        row.set(written(level[0], this.priceDecimals), written(level[1], this.quantityDecimals), depth);
      }
    });
  }
}

function rowsOf(root: HTMLElement, side: string): Row[] {
  return [...root.querySelectorAll<HTMLTableRowElement>(`[data-side="${side}"] tr`)].map(
    (row) => new Row(row, row.cells[0] as HTMLElement, row.cells[1] as HTMLElement),
  );
}
