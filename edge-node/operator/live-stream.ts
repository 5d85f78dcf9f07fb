import type { History, Snapshot } from '../admin/snapshot.ts';
import { isFinal, RefusedError } from '../browser/refusal.ts';
import { EventParser } from './event-parser.ts';
import { api } from './operator-api.ts';

interface LiveParts {
  /** What is to be seen, as the query of `/events`. */
  readonly query: () => URLSearchParams;
  readonly history: (history: History) => void;
  readonly snapshot: (snapshot: Snapshot) => void;
  /** The stream broke off, and is opened again. */
  readonly lost: () => void;
  /** The edge node will not, and asking again changes nothing. */
  readonly refused: (error: RefusedError) => void;
}

const RETRY_MS = 2_000;
/** The edge node sends each second. */
const SILENCE_MS = 8_000;

/** Takes `GET /events` for as long as it is wanted: an EventSource could not send the token. */
export class LiveStream {
  readonly #parts: LiveParts;
  #wanted: AbortController | undefined;

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** Begins, or begins anew where something else is to be seen. */
  open(): void {
    this.close();
    this.#wanted = new AbortController();
    void this.#keep(this.#wanted.signal);
  }

  close(): void {
    this.#wanted?.abort();
    this.#wanted = undefined;
  }

  async #keep(wanted: AbortSignal): Promise<void> {
    while (!wanted.aborted) {
      try {
        await this.#take(wanted);
      } catch (error) {
        if (wanted.aborted) return;
        if (error instanceof RefusedError && isFinal(error)) {
          this.#parts.refused(error);
          return;
        }
      }
      if (wanted.aborted) return;
      this.#parts.lost();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Returns when the stream ends or falls silent. */
  async #take(wanted: AbortSignal): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const signal = AbortSignal.any([wanted, silence.signal]);
    try {
      const answer = await api.ask(`events?${this.#parts.query()}`, { signal });
      const parser = new EventParser((name, data) => this.#event(name, data));
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const part = await reader?.read();
        if (part === undefined || part.done || wanted.aborted) return;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        parser.push(part.value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #event(name: string, data: string): void {
    if (name === 'history') this.#parts.history(JSON.parse(data));
    else if (name === 'snapshot') this.#parts.snapshot(JSON.parse(data));
  }
}
