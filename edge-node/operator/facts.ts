import type { NodeStatus } from '../admin/snapshot.ts';
import { element, say } from '../browser/elements.ts';
import { bytesText, countText, durationText, percentText } from './figures.ts';

/** How well something is: what is bad wants somebody now. */
export type Level = 'good' | 'warn' | 'bad';

interface Fact {
  readonly name: string;
  readonly value: string;
  readonly more: string;
  readonly level: Level;
}

/** Silent for longer than any pause between packets. */
const SILENT_SECONDS = 3;
/** From there on newcomers are refused. */
const FULL_SHARE = 0.8;
const OLD_ROWS_MS = 60_000;

/** The node in a few figures, each with a word where it is not as it should be. */
export class Facts {
  readonly #list = element('facts', HTMLDListElement);

  show(node: NodeStatus): void {
    const facts = factsOf(node);
    while (this.#list.children.length < facts.length) this.#list.append(tile());
    for (const [i, { name, value, more, level }] of facts.entries()) {
      const at = this.#list.children[i];
      if (!(at instanceof HTMLElement)) continue;
      at.dataset.level = level;
      const [dt, dd, small] = at.children;
      for (const [where, text] of [
        [dt, name],
        [dd, value],
        [small, more],
      ] as const) {
        if (where instanceof HTMLElement) say(where, text);
      }
    }
  }
}

function tile(): HTMLElement {
  const box = document.createElement('div');
  const more = document.createElement('dd');
  more.className = 'more';
  box.append(document.createElement('dt'), document.createElement('dd'), more);
  return box;
}

function factsOf(node: NodeStatus): Fact[] {
  const { memory, store } = node;
  const logShare = memory.logBytes / memory.logMaxBytes;
  const isFull = node.deliveryShare > FULL_SHARE;
  return [
    {
      name: 'Users',
      value: countText(node.usersTotal),
      more: `of ${countText(node.usersMax)}; ${countText(node.usersWaiting)} wait for a channel`,
      level: node.usersTotal >= node.usersMax ? 'warn' : 'good',
    },
    sourceFact(node),
    {
      name: 'Store',
      value: store.answers ? 'answers' : 'does not answer',
      more: store.name,
      level: store.answers ? 'good' : 'bad',
    },
    usageFact(node),
    spoolFact(node),
    {
      name: 'Delivery',
      value: percentText(node.deliveryShare),
      more: `of the event loop; batches ×${node.loadFactor.toFixed(1)}${isFull ? '; newcomers are refused' : ''}`,
      level: isFull ? 'bad' : 'good',
    },
    {
      name: 'Memory',
      value: bytesText(memory.rssBytes),
      more: `channel logs ${bytesText(memory.logBytes)} of ${bytesText(memory.logMaxBytes)}`,
      level: logShare > 0.95 ? 'warn' : 'good',
    },
    { name: 'Up', value: durationText(node.uptimeSeconds), more: 'since its start', level: 'good' },
  ];
}

function sourceFact({ source, sources }: NodeStatus): Fact {
  const away = sources.filter(({ state }) => state !== 'connected');
  const isConnected = source.state === 'connected';
  const isSilent = source.silentSeconds >= SILENT_SECONDS;
  const value = isConnected && isSilent ? 'silent' : source.state;
  if (!isConnected || isSilent) {
    const silence = `no packet for ${durationText(source.silentSeconds)}`;
    const more = `${silence}${source.reason ? `: ${source.reason}` : ''}`;
    return { name: 'Source', value, more, level: 'bad' };
  }
  if (away.length > 0) {
    const names = away.map((each) => each.source).join(', ');
    return { name: 'Sources', value, more: `but for ${names}`, level: 'warn' };
  }
  const count = sources.length > 1 ? `${sources.length} sources, ` : '';
  const more = `${count}${bytesText(source.bytes)} so far`;
  return { name: 'Source', value, more, level: 'good' };
}

function usageFact({ store: { usage } }: NodeStatus): Fact {
  const lost = usage.rowsTooOld + usage.rowsWithoutRoom;
  const isOld = usage.oldestPendingMs > OLD_ROWS_MS;
  const oldest = `the oldest waits ${durationText(usage.oldestPendingMs / 1000)}`;
  const why = usage.reachable || usage.lastError === '' ? '' : `: ${usage.lastError}`;
  return {
    name: 'Usage',
    value: lost > 0 ? `${countText(lost)} rows lost` : `${countText(usage.pendingRows)} rows wait`,
    more: usage.pendingRows > 0 ? oldest + why : `${countText(usage.rowsSaved)} stored`,
    level: lost > 0 ? 'bad' : isOld || !usage.reachable ? 'warn' : 'good',
  };
}

function spoolFact({ store }: NodeStatus): Fact {
  const { files, health } = store.usage.spool;
  const isWritable = health.kind === 'writable';
  return {
    name: 'Spool',
    value: isWritable ? `${countText(files)} files` : 'not writable',
    more: health.reason ?? 'takes files',
    level: isWritable ? (files > 0 ? 'warn' : 'good') : 'bad',
  };
}
