import type { UserReport } from '../admin/snapshot.ts';
import { clockText, durationText } from './figures.ts';

type Hours = UserReport['usage']['hours'];

const SVG = 'http://www.w3.org/2000/svg';
const HOUR_MS = 3_600_000;
const HOUR_SECONDS = 3_600;
/** The last 24 hours have a part in so many hours of the clock. */
const SLOTS = 25;
const SLOT = 24;
const BAR = 18;
const HEIGHT = 140;
const LABEL_EVERY = 6;
/** Colours that there are in the style sheet; further channels share the last. */
const COLOURS = 6;

/** The class of the colour of a channel, by its place among a user's channels. */
export function colourOf(place: number): string {
  return `colour-${Math.min(place, COLOURS - 1)}`;
}

/** A bar for each hour, of the seconds of each channel, the present hour last. */
export function hourBars(hours: Hours, channels: readonly string[], nowMs: number): SVGSVGElement {
  const svg = node('svg', {
    class: 'hours',
    viewBox: `0 0 ${SLOTS * SLOT} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': summary(hours),
  });
  const byHour = new Map(hours.map(({ from, sessions }) => [Date.parse(from), sessions]));
  const totals = hours.map(({ sessions }) => sumOf(sessions));
  const most = Math.max(HOUR_SECONDS, ...totals);
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const from = beginOf(slot, nowMs);
    const x = slot * SLOT + (SLOT - BAR) / 2;
    svg.append(node('rect', { class: 'empty', x, y: 0, width: BAR, height: HEIGHT }));
    const sessions = byHour.get(from) ?? {};
    let y = HEIGHT;
    for (const [place, channel] of channels.entries()) {
      const height = ((sessions[channel] ?? 0) / most) * HEIGHT;
      y -= height;
      if (height > 0)
        svg.append(node('rect', { class: colourOf(place), x, y, width: BAR, height }));
    }
  }
  return svg;
}

/** The hours of some of the bars, below them. */
export function hourLabels(nowMs: number): HTMLElement {
  const labels = document.createElement('div');
  labels.className = 'hour-labels';
  labels.ariaHidden = 'true';
  for (let slot = 0; slot < SLOTS; slot += LABEL_EVERY) {
    const label = document.createElement('span');
    label.append(clockText(beginOf(slot, nowMs)));
    labels.append(label);
  }
  return labels;
}

/** When the hour of a bar begins; the last one is now. */
function beginOf(slot: number, nowMs: number): number {
  return (Math.floor(nowMs / HOUR_MS) - (SLOTS - 1 - slot)) * HOUR_MS;
}

export function sumOf(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, seconds) => sum + seconds, 0);
}

function summary(hours: Hours): string {
  const total = hours.reduce((sum, { sessions }) => sum + sumOf(sessions), 0);
  return `Watched ${durationText(total)} in ${hours.length} of the last hours; the table below has each`;
}

function node<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
