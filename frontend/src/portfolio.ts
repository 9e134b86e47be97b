// The portfolio page's chart of equity. Draws what the page was rendered with; there is nothing live.
import { AreaSeries, ColorType, createChart, type UTCTimestamp } from "lightweight-charts";
import { faded, onScheme, readPalette } from "./trading/palette";

function startEquity(place: HTMLElement): void {
  const points = JSON.parse(place.dataset["equity"] ?? "[]") as [number, string][];
  const chart = createChart(place, {
    autoSize: true,
    layout: { attributionLogo: false, fontSize: 11 },
    timeScale: { timeVisible: true, secondsVisible: false, borderVisible: false, fixLeftEdge: true, fixRightEdge: true },
    rightPriceScale: { borderVisible: false },
    handleScroll: { vertTouchDrag: false },
  });
  const series = chart.addSeries(AreaSeries, { lineWidth: 2, priceFormat: { type: "price", precision: 2, minMove: 0.01 } });
  // Two points within one second would be out of order.
  const bySecond = new Map(points);
  series.setData([...bySecond].map(([second, worth]) => ({ time: second as UTCTimestamp, value: Number(worth) })));
  // It gets its size only now, and another one when a phone is turned: all of the line is to be seen each time.
  new ResizeObserver(() => requestAnimationFrame(() => chart.timeScale().fitContent())).observe(place);
  const paint = () => {
    const { quiet, line, panel, accent } = readPalette();
    chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: panel }, textColor: quiet },
      grid: { vertLines: { visible: false }, horzLines: { color: faded(line, 0.6) } },
    });
    series.applyOptions({ lineColor: accent, topColor: faded(accent, 0.28), bottomColor: faded(accent, 0.02) });
  };
  paint();
  onScheme(paint);
}

for (const place of document.querySelectorAll<HTMLElement>("[data-equity]")) {
  startEquity(place);
}
