import { randomInt } from 'node:crypto';
import type { Config } from '../../../shared/config.ts';
import type { InputError } from '../../../shared/errors.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';
import type { ChannelDefinition } from '../../channel-lists/channel-list.ts';
import { type InputSpec, isShared } from '../../channel-lists/input-url.ts';
import { ChannelFeed } from '../feed/channel-feed.ts';
import type { FeedServer } from '../feed/feed-server.ts';
import type { InputTools } from '../inputs/open-input.ts';
import { Slicer } from '../slicing/slicer.ts';
import { SlotClock } from '../slicing/slot-clock.ts';
import type { StreamSink } from '../slicing/stream-sink.ts';
import { InputKeeper } from './input-keeper.ts';

export interface ChannelParts {
  readonly config: Config;
  readonly tools: InputTools;
  readonly server: FeedServer;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/** What is counted of the slots of a channel. */
export interface SlotCounts {
  readonly jumps: number;
  readonly suspectSlots: number;
  readonly clockLosses: number;
}

/**
 * One channel: keeps its inputs, plays one of them, and slices it. The next input takes over once the one that plays has
 * sent nothing for SILENCE_MS; a preferred one gets the channel back once it has come without a flaw for INPUT_WHOLE_MS.
 */
export class GatewayChannel {
  readonly definition: ChannelDefinition;
  readonly inputs: readonly InputKeeper[];
  readonly feed: ChannelFeed;
  readonly #parts: ChannelParts;
  readonly #clock: SlotClock;
  #active: InputKeeper;
  #slicer: Slicer;
  #activeSinceMs = 0;
  /** When the last further input was opened, while none sends. */
  #soughtMs = 0;
  #before: SlotCounts = { jumps: 0, suspectSlots: 0, clockLosses: 0 };
  #wasWithoutClock = false;
  switches = 0;

  constructor(definition: ChannelDefinition, parts: ChannelParts) {
    this.definition = definition;
    this.#parts = parts;
    const { config, server } = parts;
    this.#clock = new SlotClock(config.PACKET_DURATION_MS);
    this.feed = new ChannelFeed(definition.id, server, config.SUSPECT_DELAY_MS);
    const [preferred, ...others] = definition.inputs;
    this.#active = this.#keeperOf(preferred);
    this.inputs = [this.#active, ...others.map((spec) => this.#keeperOf(spec))];
    this.#slicer = this.#newSlicer();
  }

  /** The input that plays. */
  get active(): InputKeeper {
    return this.#active;
  }

  get counts(): SlotCounts {
    const { jumps, suspectSlots, clockLosses } = this.#before;
    return {
      jumps: jumps + this.#slicer.jumps,
      suspectSlots: suspectSlots + this.#slicer.suspectSlots,
      clockLosses: clockLosses + this.#slicer.clockLosses,
    };
  }

  get isWithoutClock(): boolean {
    return this.#slicer.isWithoutClock;
  }

  /** All that it had to play was played. */
  get isEnded(): boolean {
    return this.inputs.every(({ state }) => state.kind === 'ended');
  }

  start(nowMs: number): void {
    this.#activeSinceMs = this.#soughtMs = nowMs;
    this.#active.start(nowMs);
  }

  stop(): void {
    for (const input of this.inputs) input.stop();
    if (!isShared(this.#active.spec)) this.#slicer.end();
    this.feed.close();
  }

  tick(nowMs: number): void {
    for (const input of this.inputs) input.tick(nowMs);
    this.#choose(nowMs);
    this.#tellClock();
  }

  #choose(nowMs: number): void {
    const active = this.inputs.indexOf(this.#active);
    if (this.#active.isReceiving(nowMs)) {
      const better = this.inputs.slice(0, active).find((input) => input.isWhole(nowMs));
      if (better) this.#play(better, nowMs);
      else if (this.#active.isWhole(nowMs)) {
        for (const input of this.inputs.slice(active + 1)) input.stop();
      }
      return;
    }
    const { SILENCE_MS } = this.#parts.config;
    if (nowMs - this.#activeSinceMs < SILENCE_MS && this.#active.state.kind !== 'ended') return;
    const sending = this.inputs.find((input) => input.isReceiving(nowMs));
    if (sending) this.#play(sending, nowMs);
    else if (nowMs - this.#soughtMs >= SILENCE_MS || this.#active.state.kind === 'ended') {
      this.#soughtMs = nowMs;
      this.inputs.find(({ state }) => state.kind === 'idle')?.start(nowMs);
    }
  }

  #play(input: InputKeeper, nowMs: number): void {
    const fields = { channel: this.definition.id, input: input.spec.label };
    this.#parts.logger.warn(fields, `switched to input ${input.spec.label}`);
    this.switches += 1;
    this.#activeSinceMs = nowMs;
    this.#endSlicer();
    this.#active = input;
    this.#slicer = this.#newSlicer();
  }

  #keeperOf(spec: InputSpec): InputKeeper {
    const { config, server, tools } = this.#parts;
    const keeper: InputKeeper = new InputKeeper(
      spec,
      this.#sinkOf(() => keeper),
      {
        tools,
        silenceMs: config.SILENCE_MS,
        isHeard: () => server.accepted > 0,
        onEnd: (reason) => this.#onEnd(keeper, reason),
      },
    );
    return keeper;
  }

  #sinkOf(keeper: () => InputKeeper): StreamSink {
    const isActive = (): boolean => keeper() === this.#active;
    return {
      bytes: (bytes, start, end, nowMs) => {
        if (isActive()) this.#slicer.bytes(bytes, start, end, nowMs);
      },
      pcr: (ticks, nowMs) => {
        if (isActive()) this.#slicer.pcr(ticks, nowMs);
      },
      loss: () => {
        if (isActive()) this.#slicer.loss();
      },
    };
  }

  #onEnd(keeper: InputKeeper, { reason, message }: InputError): void {
    const { id: channel } = this.definition;
    const { label: input } = keeper.spec;
    const fields = { channel, input, reason };
    if (reason === 'ended') this.#parts.logger.info(fields, 'input played to its end');
    else {
      const failure = { ...fields, detail: message };
      this.#parts.limiter.warn('input failed', failure, `${channel} ${input}`);
    }
    if (keeper !== this.#active) return;
    this.#endSlicer();
    this.#slicer = this.#newSlicer();
  }

  #newSlicer(): Slicer {
    const { MAX_PAYLOAD_BYTES, SUSPECT_DELAY_MS } = this.#parts.config;
    const isPaired = SUSPECT_DELAY_MS > 0 && isShared(this.#active.spec);
    this.feed.numberByClock(isPaired);
    const options = {
      clock: this.#clock,
      isPaired,
      maxSlotBytes: MAX_PAYLOAD_BYTES / 2,
      firstSlotWithoutClock: randomInt(this.#clock.slots),
    };
    return new Slicer(options, this.feed);
  }

  #endSlicer(): void {
    this.#slicer.end();
    this.#before = this.counts;
  }

  #tellClock(): void {
    const { isWithoutClock } = this.#slicer;
    if (isWithoutClock === this.#wasWithoutClock) return;
    this.#wasWithoutClock = isWithoutClock;
    const fields = { channel: this.definition.id, input: this.#active.spec.label };
    if (isWithoutClock) {
      this.#parts.logger.warn(
        fields,
        'no stream clock (PCR) for 1 s: seconds are counted by arrival time',
      );
    } else this.#parts.logger.info(fields, 'seconds are counted by the stream clock (PCR) again');
  }
}
