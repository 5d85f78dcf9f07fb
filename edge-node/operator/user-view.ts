import type { SessionStatus, UserReport } from '../admin/snapshot.ts';
import { element, say } from '../browser/elements.ts';
import { whyNot } from '../browser/refusal.ts';
import { userColumns } from './columns.ts';
import { clockText, countText, durationText } from './figures.ts';
import { colourOf, hourBars, hourLabels, sumOf } from './hour-bars.ts';
import { classOf, type Head, headingOf } from './live-list.ts';
import { api } from './operator-api.ts';

const REFRESH_MS = 5_000;

/** One user: what is watched now, and the last 24 hours. */
export class UserView {
  readonly #section = element('user', HTMLElement);
  readonly #title = element('user-title', HTMLElement);
  readonly #note = element('user-note', HTMLElement);
  readonly #body = element('user-body', HTMLElement);
  readonly #close: (session: SessionStatus) => void;
  readonly #failed: (error: unknown) => void;
  #shown: AbortController | undefined;
  #report = '';

  /** @param failed is told what went wrong */
  constructor(close: (session: SessionStatus) => void, failed: (error: unknown) => void) {
    this.#close = close;
    this.#failed = failed;
  }

  open(user: string): void {
    this.close();
    this.#shown = new AbortController();
    this.#section.hidden = false;
    say(this.#title, user);
    say(this.#note, 'Asking the store…');
    this.#body.replaceChildren();
    this.#report = '';
    this.#title.focus();
    void this.#keep(user, this.#shown.signal);
  }

  close(): void {
    this.#shown?.abort();
    this.#shown = undefined;
    this.#section.hidden = true;
  }

  async #keep(user: string, shown: AbortSignal): Promise<void> {
    while (!shown.aborted) {
      try {
        this.#show(await api.user(user, shown));
      } catch (error) {
        if (shown.aborted) return;
        say(this.#note, whyNot(error));
        this.#failed(error);
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  }

  #show(report: UserReport): void {
    const text = JSON.stringify({ ...report, at: 0 });
    if (text === this.#report) return;
    this.#report = text;
    const { sessions, usage } = report;
    const channels = Object.entries(usage.sessions)
      .sort(([, one], [, other]) => other - one)
      .map(([channel]) => channel);
    const total = durationText(sumOf(usage.sessions));
    const here = sessions.length === 0 ? 'Not connected to this node.' : '';
    say(
      this.#note,
      channels.length === 0
        ? `${here} Nothing was watched in the last 24 hours.`.trim()
        : `${here} Watched ${total} in the last 24 hours, on all edge nodes.`.trim(),
    );
    const isOpen = this.#body.querySelector('details')?.open ?? false;
    const parts: HTMLElement[] = [];
    if (sessions.length > 0) parts.push(this.#sessions(sessions));
    if (channels.length > 0) {
      parts.push(hoursCard(report, channels), hoursTable(report, channels, isOpen));
    }
    this.#body.replaceChildren(...parts);
  }

  #sessions(sessions: readonly SessionStatus[]): HTMLElement {
    const columns = userColumns(this.#close).filter(({ title }) => title !== 'User');
    const rows = sessions.map((session) => {
      const row = document.createElement('tr');
      for (const { isFigure, isWide, show } of columns) {
        const cell = row.insertCell();
        cell.className = classOf(isFigure, isWide);
        show(cell, session);
      }
      return row;
    });
    const count = sessions.length === 1 ? '1 session' : `${countText(sessions.length)} sessions`;
    return card(`${count} on this node`, scrolling(table(columns, rows), 'Sessions'));
  }
}

function hoursCard({ usage, at }: UserReport, channels: readonly string[]): HTMLElement {
  const legend = document.createElement('ul');
  legend.className = 'legend';
  for (const [place, channel] of channels.entries()) {
    const entry = document.createElement('li');
    const swatch = document.createElement('span');
    swatch.className = `swatch ${colourOf(place)}`;
    const seconds = document.createElement('strong');
    seconds.append(durationText(usage.sessions[channel] ?? 0));
    entry.append(swatch, `${channel} `, seconds);
    legend.append(entry);
  }
  const bars = hourBars(usage.hours, channels, at);
  return card('The last 24 hours, hour by hour', bars, hourLabels(at), legend);
}

function hoursTable(
  { usage }: UserReport,
  channels: readonly string[],
  isOpen: boolean,
): HTMLElement {
  const rows = usage.hours.toReversed().map(({ from, sessions }) => {
    const row = document.createElement('tr');
    row.insertCell().append(clockText(Date.parse(from)));
    for (const channel of channels) {
      const cell = row.insertCell();
      cell.className = 'figure';
      cell.append(channel in sessions ? countText(sessions[channel] ?? 0) : '–');
    }
    return row;
  });
  const heads = channels.map((channel) => ({ title: channel, isFigure: true }));
  const details = document.createElement('details');
  details.open = isOpen;
  const summary = document.createElement('summary');
  summary.append('As a table, in seconds');
  const of = table([{ title: 'Hour from' }, ...heads], rows);
  details.append(summary, scrolling(of, 'Seconds by hour'));
  return details;
}

function card(title: string, ...parts: readonly Element[]): HTMLElement {
  const box = document.createElement('section');
  box.className = 'list';
  const heading = document.createElement('h3');
  heading.append(title);
  box.append(heading, ...parts);
  return box;
}

function table(heads: readonly Head[], rows: readonly HTMLTableRowElement[]): HTMLTableElement {
  const made = document.createElement('table');
  made
    .createTHead()
    .insertRow()
    .append(...heads.map(headingOf));
  made.createTBody().append(...rows);
  return made;
}

/** A table that is wider than its place can be moved by keys, too. */
function scrolling(of: HTMLTableElement, label: string): HTMLElement {
  const box = document.createElement('div');
  box.className = 'scroll';
  box.tabIndex = 0;
  box.role = 'region';
  box.ariaLabel = label;
  box.append(of);
  return box;
}
