import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import type { History, Snapshot } from '../admin/snapshot.ts';

/** What an operator who looks on is sent by `/events`. It leaves with the test. */
export class Onlooker {
  readonly history: History[] = [];
  readonly snapshots: Snapshot[] = [];
  isEnded = false;
  #text = '';

  static async open(origin: string, query = ''): Promise<Onlooker> {
    const request = get(`${origin}/events?${query}`, { agent: false });
    onTestFinished(() => void request.destroy());
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(answer.headers['content-type']).toMatch(/^text\/event-stream/);
    const onlooker = new Onlooker();
    answer.setEncoding('utf8').on('data', (text: string) => onlooker.#heard(text));
    answer.on('close', () => {
      onlooker.isEnded = true;
    });
    return onlooker;
  }

  get newest(): Snapshot | undefined {
    return this.snapshots.at(-1);
  }

  #heard(text: string): void {
    const events = (this.#text + text).split('\n\n');
    this.#text = events.pop() ?? '';
    for (const event of events) {
      const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (name === 'history') this.history.push(JSON.parse(data));
      else if (name === 'snapshot') this.snapshots.push(JSON.parse(data));
    }
  }
}
