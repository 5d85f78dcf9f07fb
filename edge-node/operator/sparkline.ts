const SVG = 'http://www.w3.org/2000/svg';
const SECONDS = 60;
const HEIGHT = 20;

/** A small line of what came in each of the last seconds. It tells what the figure beside it tells, to the eye. */
export class Sparkline {
  readonly svg = document.createElementNS(SVG, 'svg');
  readonly #line = document.createElementNS(SVG, 'polyline');

  constructor() {
    this.svg.setAttribute('class', 'spark');
    this.svg.setAttribute('viewBox', `0 0 ${SECONDS} ${HEIGHT}`);
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('aria-hidden', 'true');
    this.svg.append(this.#line);
  }

  show(rates: readonly number[]): void {
    const most = Math.max(1, ...rates);
    const from = SECONDS - rates.length;
    const points = rates.map((rate, i) => {
      const y = HEIGHT - 1 - (rate / most) * (HEIGHT - 2);
      return `${from + i},${y.toFixed(1)}`;
    });
    this.#line.setAttribute('points', points.join(' '));
  }
}
