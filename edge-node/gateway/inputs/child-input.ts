import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { InputError } from '../../../shared/errors.ts';
import { type ChildStarts, tetheredCommand } from './child-starts.ts';
import { type FfmpegSpec, ffmpegArguments, withoutSecrets } from './ffmpeg-arguments.ts';
import type { Input, InputEvents } from './input.ts';
import { StreamInput } from './stream-input.ts';

const LINE_MAX_CHARS = 300;

/**
 * What ffmpeg makes of an input, in a process of its own. Its place among the children is held until it has exited.
 * ffmpeg ends with 0 over a dead input too: only a file has an end.
 */
export class ChildInput implements Input {
  readonly #spec: FfmpegSpec;
  readonly #events: InputEvents;
  readonly #start: NodeJS.Timeout;
  #releasePlace: () => void;
  #child: ChildProcess | undefined;
  #output: StreamInput | undefined;
  #isClosed = false;
  #isPaused = false;
  #lastLine = '';

  constructor(spec: FfmpegSpec, events: InputEvents, program: string, starts: ChildStarts) {
    this.#spec = spec;
    this.#events = events;
    const delayMs = starts.take(performance.now());
    this.#releasePlace = delayMs === undefined ? () => {} : () => starts.release();
    this.#start = setTimeout(() => {
      if (delayMs === undefined) this.#end(new InputError('too_many_children'));
      else this.#run(program);
    }, delayMs);
  }

  pause(): void {
    this.#isPaused = true;
    this.#output?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#output?.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#start);
    this.#output?.close();
    if (this.#child === undefined) this.#release();
    else this.#child.kill('SIGKILL');
  }

  #run(program: string): void {
    const [command, args] = tetheredCommand(program, ffmpegArguments(this.#spec));
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.on('error', (error) => {
      this.#release();
      this.#end(new InputError('child_failed', error.message));
    });
    child.on('exit', () => this.#release());
    child.on('close', (code) => this.#end(this.#endOf(code)));
    createInterface(child.stderr).on('line', (line) => {
      this.#lastLine = withoutSecrets(line, this.#spec).slice(0, LINE_MAX_CHARS);
    });
    this.#output = new StreamInput(child.stdout, {
      bytes: (bytes, start, end) => this.#events.bytes(bytes, start, end),
      loss: () => this.#events.loss(),
      end: () => {}, // the child's own end tells why
    });
    if (this.#isPaused) this.#output.pause();
  }

  #endOf(code: number | null): InputError {
    if (this.#spec.kind === 'file' && code === 0) return new InputError('ended');
    return new InputError('child_failed', this.#lastLine || `it exited with ${code}`);
  }

  #release(): void {
    this.#releasePlace();
    this.#releasePlace = () => {};
  }

  #end(reason: InputError): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.end(reason);
  }
}
