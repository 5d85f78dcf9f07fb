/**
 * Takes server-sent events apart, however they are cut: `event: <name>` and `data: <text>`, with an empty line behind.
 * What else the format knows (ids, retry, comments) this edge node does not send; such lines are passed over.
 */
export class EventParser {
  readonly #event: (name: string, data: string) => void;
  #rest = '';
  #name = '';
  #data: string[] = [];

  constructor(event: (name: string, data: string) => void) {
    this.#event = event;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line !== '') {
      const [, field = '', value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (field === 'event') this.#name = value;
      else if (field === 'data') this.#data.push(value);
      return;
    }
    if (this.#data.length > 0) this.#event(this.#name, this.#data.join('\n'));
    this.#name = '';
    this.#data = [];
  }
}
