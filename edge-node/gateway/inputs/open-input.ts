import type { InputSpec } from '../../channel-lists/input-url.ts';
import { ChildInput } from './child-input.ts';
import type { ChildStarts } from './child-starts.ts';
import { DatagramInput, type ReceiveBuffer } from './datagram-input.ts';
import { FileInput } from './file-input.ts';
import { HttpInput } from './http-input.ts';
import type { Input, InputEvents } from './input.ts';
import { StreamInput } from './stream-input.ts';

/** What all inputs of a gateway share. */
export interface InputTools {
  readonly receiveBuffer: ReceiveBuffer;
  readonly ffmpegPath: string;
  readonly children: ChildStarts;
}

/** @param isForFfmpeg it was found to be no plain MPEG-TS */
export function openInput(
  spec: InputSpec,
  events: InputEvents,
  { receiveBuffer, ffmpegPath, children }: InputTools,
  isForFfmpeg: boolean,
): Input {
  switch (spec.kind) {
    case 'datagram':
      return new DatagramInput(spec, events, receiveBuffer);
    case 'stdin':
      return new StreamInput(process.stdin, events);
    case 'child':
      return new ChildInput(spec, events, ffmpegPath, children);
    case 'http':
      if (isForFfmpeg) return new ChildInput(spec, events, ffmpegPath, children);
      return new HttpInput(spec, events);
    case 'file':
      if (isForFfmpeg) return new ChildInput(spec, events, ffmpegPath, children);
      return new FileInput(spec, events);
  }
}

/** Whether what this input sends cannot be made to wait for ever: a source with a clock of its own. */
export const isLive = ({ kind }: InputSpec): boolean => kind !== 'file' && kind !== 'stdin';
