// The newest trades: rows are reused, so that a busy market makes no new elements. Knows no stream.
import { decimalsOf, hourOf, written } from "./amounts";

export interface Trade {
  price: string;
  quantity: string;
  time_us: number;
  sold: boolean;
}

export const TAPE_ROWS = 20;

export class Tape {
  private readonly body: HTMLElement | null;
  private readonly priceDecimals: number;
  private readonly quantityDecimals: number;

  constructor(root: HTMLElement) {
    this.body = root.querySelector("[data-trades]");
    this.priceDecimals = decimalsOf(root.dataset["priceStep"] ?? "");
    this.quantityDecimals = decimalsOf(root.dataset["quantityStep"] ?? "");
  }

  /** Puts trades, oldest first, above the others. */
  add(trades: Trade[]): void {
    const body = this.body;
    if (body === null) {
      return;
    }
    body.querySelector(".none")?.remove();
    for (const trade of trades.slice(-TAPE_ROWS)) {
      const row = body.children.length >= TAPE_ROWS ? (body.lastElementChild as HTMLTableRowElement) : newRow();
      const [price, quantity, time] = row.cells;
      if (price !== undefined && quantity !== undefined && time !== undefined) {
        price.textContent = written(trade.price, this.priceDecimals);
        price.className = trade.sold ? "down" : "up";
        quantity.textContent = written(trade.quantity, this.quantityDecimals);
        time.textContent = hourOf(trade.time_us);
      }
      body.prepend(row);
    }
  }
}

function newRow(): HTMLTableRowElement {
  const row = document.createElement("tr");
  row.append(document.createElement("td"), document.createElement("td"), document.createElement("td"));
  row.cells[2]?.classList.add("quiet");
  return row;
}
