import { escapeHtml } from '../../../models/base/page/html.ts';

/** A series of points of one colour, with its name in the legend. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Half the width of an interval, to each side. */
  readonly xHalf?: number;
  readonly yHalf?: number;
}

export interface Picture {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Points with their intervals, or lines through them. */
  readonly kind: 'points' | 'lines';
}

const SIZE = { width: 620, height: 340 } as const;
const MARGIN = { left: 64, right: 150, top: 28, bottom: 44 } as const;
/** Okabe and Ito's colours, which most colour-blind people tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];
const TICKS = 5;

/** The picture as SVG that needs nothing else: it prints, and goes into a paper as it is. */
export function pictureSvg({ title, xLabel, yLabel, series, kind }: Picture): string {
  const points = series.flatMap((each) => each.points);
  const x = axis(points.flatMap(({ x: at, xHalf = 0 }) => [at - xHalf, at + xHalf]));
  const y = axis(points.flatMap(({ y: at, yHalf = 0 }) => [at - yHalf, at + yHalf]));
  const right = SIZE.width - MARGIN.right;
  const bottom = SIZE.height - MARGIN.bottom;
  const px = (value: number): string =>
    round(MARGIN.left + ((value - x.from) / (x.to - x.from)) * (right - MARGIN.left));
  const py = (value: number): string =>
    round(bottom - ((value - y.from) / (y.to - y.from)) * (bottom - MARGIN.top));
  const grid = [
    ...y.ticks.map((tick) => `<path d="M${MARGIN.left} ${py(tick)}H${right}" stroke="#ddd"/>`),
    ...y.ticks.map((tick) => label(String(MARGIN.left - 6), py(tick), numberText(tick), 'end')),
    ...x.ticks.map((tick) => label(px(tick), String(bottom + 16), numberText(tick), 'middle')),
  ];
  const drawn = series.map(({ points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    if (kind === 'lines') {
      const path = own.map((point, at) => `${at === 0 ? 'M' : 'L'}${px(point.x)} ${py(point.y)}`).join('');
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    }
    return own
      .map(({ x: atX, y: atY, xHalf = 0, yHalf = 0 }) => {
        const bars = `M${px(atX - xHalf)} ${py(atY)}H${px(atX + xHalf)}M${px(atX)} ${py(atY - yHalf)}V${py(atY + yHalf)}`;
        return `<path d="${bars}" stroke="${colour}"/><circle cx="${px(atX)}" cy="${py(atY)}" r="3.5" fill="${colour}"/>`;
      })
      .join('');
  });
  const legend = series.map(({ name }, index) => {
    const at = MARGIN.top + 8 + index * 18;
    const colour = COLOURS[index % COLOURS.length]!;
    return `<rect x="${right + 12}" y="${at - 8}" width="10" height="10" fill="${colour}"/>${label(String(right + 28), String(at + 1), name, 'start')}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" width="${SIZE.width}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="11">`,
    label(String(MARGIN.left), '14', title, 'start'),
    ...grid,
    `<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${right}" fill="none" stroke="#333"/>`,
    ...drawn,
    ...legend,
    label(String((MARGIN.left + right) / 2), String(SIZE.height - 8), xLabel, 'middle'),
    `<text transform="translate(14 ${(MARGIN.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    '</svg>',
  ].join('');
}

function label(x: string, y: string, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" dominant-baseline="middle">${escapeHtml(text)}</text>`;
}

/** Round ticks, and bounds on them. */
function axis(values: readonly number[]): { from: number; to: number; ticks: number[] } {
  const known = values.filter((value) => Number.isFinite(value));
  const least = known.reduce((a, b) => Math.min(a, b), Infinity);
  const most = known.reduce((a, b) => Math.max(a, b), -Infinity);
  const [low, high] = known.length === 0 ? [0, 1] : most > least ? [least, most] : [least - 0.5, most + 0.5];
  const rough = (high - low) / TICKS;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => size >= rough)!;
  const from = Math.floor(low / step) * step;
  const to = Math.ceil(high / step) * step;
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => from + index * step);
  return { from, to, ticks };
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function round(value: number): string {
  return value.toFixed(1);
}
