// The chart of candles with their volume. Draws what it is given; times are shown in UTC as everywhere on these pages.
import {
  CandlestickSeries,
  ColorType,
  HistogramSeries,
  createChart,
  type IChartApi,
  type ISeriesApi,
  type UTCTimestamp,
} from "lightweight-charts";
import { faded, onScheme, readPalette } from "./palette";

export interface Candle {
  open_us: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
}

export class CandleChart {
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<"Candlestick">;
  private readonly volumes: ISeriesApi<"Histogram">;
  private palette = readPalette();
  private lastUs = 0;

  constructor(place: HTMLElement, decimals: number) {
    this.chart = createChart(place, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11 },
      timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, rightOffset: 4 },
      rightPriceScale: { borderVisible: false },
      handleScroll: { vertTouchDrag: false },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals },
    });
    this.volumes = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.24 } });
    this.paint();
    onScheme(() => this.paint());
  }

  show(candles: Candle[]): void {
    this.candles.setData(candles.map((one) => this.bar(one)));
    this.volumes.setData(candles.map((one) => this.column(one)));
    this.lastUs = candles.at(-1)?.open_us ?? 0;
  }

  /** Takes the current candle as it stands; one from before the last is over already. */
  update(candle: Candle): void {
    if (candle.open_us < this.lastUs) {
      return;
    }
    this.lastUs = candle.open_us;
    this.candles.update(this.bar(candle));
    this.volumes.update(this.column(candle));
  }

  private bar(one: Candle) {
    return {
      time: (one.open_us / 1e6) as UTCTimestamp,
      open: Number(one.open),
      high: Number(one.high),
      low: Number(one.low),
      close: Number(one.close),
    };
  }

  private column(one: Candle) {
    const rose = Number(one.close) >= Number(one.open);
    return {
      time: (one.open_us / 1e6) as UTCTimestamp,
      value: Number(one.volume),
      color: faded(rose ? this.palette.up : this.palette.down, 0.35),
    };
  }

  private paint(): void {
    this.palette = readPalette();
    const { quiet, line, panel, up, down } = this.palette;
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: panel }, textColor: quiet },
      grid: { vertLines: { color: faded(line, 0.5) }, horzLines: { color: faded(line, 0.5) } },
    });
    this.candles.applyOptions({
      upColor: up,
      downColor: down,
      wickUpColor: up,
      wickDownColor: down,
      borderVisible: false,
    });
  }
}
