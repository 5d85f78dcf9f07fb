import { DelayHistogram } from '../delivery/histogram.ts';
import type { EdgeView } from './edge-view.ts';

/** The histograms' part of /metrics, in Prometheus' text format. */
export function histogramMetricsText({ sessions, loopDelay }: EdgeView): Buffer {
  const histograms = [
    histogram(
      'delivery_delay_seconds',
      "From a write's first packet's arrival at this node until the user's kernel socket has taken it",
      sessions.deliveryDelay,
    ),
    histogram(
      'event_loop_delay_seconds',
      'How late the event loop called a timer',
      loopDelay.histogram,
    ),
  ];
  return Buffer.from(histograms.join(''));
}

function histogram(name: string, help: string, { counts, sumMs }: DelayHistogram): string {
  const full = `streaming_${name}`;
  const bounds = [...DelayHistogram.BOUNDS_MS.map((ms) => String(ms / 1000)), '+Inf'];
  let total = 0;
  let text = `# HELP ${full} ${help}\n# TYPE ${full} histogram\n`;
  for (const [bucket, bound] of bounds.entries()) {
    total += counts[bucket] ?? 0;
    text += `${full}_bucket{le="${bound}"} ${total}\n`;
  }
  return `${text}${full}_sum ${sumMs / 1000}\n${full}_count ${total}\n`;
}
