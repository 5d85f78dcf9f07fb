import { DelayHistogram } from '../delivery/histogram.ts';
import type { EdgeView } from './edge-view.ts';

/** What a histogram has counted: values by bucket, and their sum. */
export type HistogramFigures = Pick<DelayHistogram, 'counts' | 'sumMs'>;

const histogram = (name: string, help: string, read: (view: EdgeView) => DelayHistogram) => ({
  name: `streaming_${name}`,
  help,
  read,
});

const HISTOGRAMS = [
  histogram(
    'delivery_delay_seconds',
    "From a write's first packet's arrival at this node until the user's kernel socket has taken it",
    ({ sessions }) => sessions.deliveryDelay,
  ),
  histogram(
    'event_loop_delay_seconds',
    'How late the event loop called a timer',
    ({ loopDelay }) => loopDelay.histogram,
  ),
];

/** The figures of all histograms, in the order in which /metrics has them. */
export function histogramFigures(view: EdgeView): HistogramFigures[] {
  return HISTOGRAMS.map(({ read }) => {
    const { counts, sumMs } = read(view);
    return { counts, sumMs };
  });
}

/** The histograms' part of /metrics, in Prometheus' text format. */
export function histogramsText(all: readonly HistogramFigures[]): Buffer {
  const texts = HISTOGRAMS.map(({ name, help }, at) => histogramText(name, help, all[at]));
  return Buffer.from(texts.join(''));
}

/** The histograms' part of /metrics of this process. */
export function histogramMetricsText(view: EdgeView): Buffer {
  return histogramsText(histogramFigures(view));
}

function histogramText(name: string, help: string, figures: HistogramFigures | undefined): string {
  const { counts, sumMs } = figures ?? new DelayHistogram();
  const bounds = [...DelayHistogram.BOUNDS_MS.map((ms) => String(ms / 1000)), '+Inf'];
  let total = 0;
  let text = `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
  for (const [bucket, bound] of bounds.entries()) {
    total += counts[bucket] ?? 0;
    text += `${name}_bucket{le="${bound}"} ${total}\n`;
  }
  return `${text}${name}_sum ${sumMs / 1000}\n${name}_count ${total}\n`;
}
