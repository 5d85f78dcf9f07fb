import uPlot from 'uplot';
import type { Sample } from '../admin/snapshot.ts';
import { element, say } from '../browser/elements.ts';
import { clockText, countText, percentText } from './figures.ts';

interface ChartKind {
  readonly id: string;
  readonly title: string;
  /** One line each, with the custom property of its colour. */
  readonly lines: readonly { readonly colour: string; readonly of: (sample: Sample) => number }[];
  readonly now: (sample: Sample) => string;
  /** What its scale reaches at least. */
  readonly least: number;
}

const BITS_OF_MBIT = 1_000_000;
const mbits = (bytes: number): number => (8 * bytes) / BITS_OF_MBIT;

const KINDS: readonly ChartKind[] = [
  {
    id: 'chart-users',
    title: 'Users',
    lines: [{ colour: '--accent', of: ({ users }) => users }],
    now: ({ users }) => countText(users),
    least: 5,
  },
  {
    id: 'chart-traffic',
    title: 'Traffic in Mbit/s, to users and from the source',
    lines: [
      { colour: '--accent', of: ({ bytesOut }) => mbits(bytesOut) },
      { colour: '--second', of: ({ bytesIn }) => mbits(bytesIn) },
    ],
    now: ({ bytesOut, bytesIn }) => `${mbits(bytesOut).toFixed(1)} / ${mbits(bytesIn).toFixed(1)}`,
    least: 1,
  },
  {
    id: 'chart-cpu',
    title: 'CPU in per cent of a core',
    lines: [{ colour: '--accent', of: ({ cpu }) => 100 * cpu }],
    now: ({ cpu }) => percentText(cpu),
    least: 10,
  },
  {
    id: 'chart-delay',
    title: 'Event loop delay in milliseconds, the worst of each second',
    lines: [{ colour: '--accent', of: ({ loopDelayMs }) => loopDelayMs }],
    now: ({ loopDelayMs }) => `${loopDelayMs.toFixed(1)} ms`,
    least: 10,
  },
];

const HEIGHT = 120;
const SPAN_SECONDS = 600;
const AXIS_WIDTH = 44;

/** The charts of the last ten minutes. */
export class Charts {
  readonly #charts = KINDS.map((kind) => new Chart(kind));
  #samples: Sample[] = [];

  constructor() {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', () => {
      for (const chart of this.#charts) chart.paint();
      this.#draw();
    });
  }

  begin(samples: readonly Sample[]): void {
    this.#samples = [...samples];
    this.#draw();
  }

  add(sample: Sample): void {
    if (this.#samples.at(-1)?.at === sample.at) return;
    this.#samples.push(sample);
    while (this.#samples.length > SPAN_SECONDS) this.#samples.shift();
    this.#draw();
  }

  #draw(): void {
    for (const chart of this.#charts) chart.draw(this.#samples);
  }
}

class Chart {
  readonly #kind: ChartKind;
  readonly #place: HTMLElement;
  readonly #now: HTMLElement;
  #plot: uPlot;

  constructor(kind: ChartKind) {
    this.#kind = kind;
    this.#place = element(kind.id, HTMLElement);
    this.#now = element(`${kind.id}-now`, HTMLElement);
    this.#plot = this.#make();
    new ResizeObserver(() => {
      const width = this.#place.clientWidth;
      if (width > 0) this.#plot.setSize({ width, height: HEIGHT });
    }).observe(this.#place);
  }

  /** Colours are the style sheet's, which a canvas does not follow by itself. */
  paint(): void {
    this.#plot.destroy();
    this.#plot = this.#make();
  }

  draw(samples: readonly Sample[]): void {
    const { lines, now, title } = this.#kind;
    const times = samples.map(({ at }) => at / 1000);
    this.#plot.setData([times, ...lines.map(({ of }) => samples.map(of))]);
    const newest = samples.at(-1);
    if (newest === undefined) return;
    say(this.#now, now(newest));
    this.#place.setAttribute('aria-label', `${title}: now ${now(newest)}`);
  }

  #make(): uPlot {
    const colour = (name: string): string => colourOf(name, this.#place);
    const { lines, least } = this.#kind;
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    return new uPlot(
      {
        width: this.#place.clientWidth || 300,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 8, 0, 0],
        scales: {
          x: { range: (_plot, _min, max) => [max - SPAN_SECONDS, max] },
          y: { range: (_plot, _min, max) => [0, Math.max(least, max * 1.1)] },
        },
        axes: [
          {
            ...axis,
            size: 24,
            space: 90,
            values: (_plot, at) => at.map((seconds) => clockText(seconds * 1000)),
          },
          { ...axis, size: AXIS_WIDTH, space: 30 },
        ],
        series: [
          {},
          ...lines.map(({ colour: name }) => ({
            stroke: colour(name),
            width: 1.5,
            points: { show: false },
          })),
        ],
      },
      [[], ...lines.map(() => [])],
      this.#place,
    );
  }
}

/** What a custom property comes to, light or dark: a canvas does not understand it by its name. */
function colourOf(property: string, place: HTMLElement): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
