/** What runs an engine: a process of this machine or a container. */
export interface EngineHost {
  /** Begins it on the data of its last life, if there was one; it need not answer yet. */
  begin(): Promise<void>;
  isAlive(): Promise<boolean>;
  pid(): number | undefined;
  /** The last lines that it wrote. */
  log(): Promise<string>;
  /** Returns when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Takes its data away; it must have ended. */
  remove(): Promise<void>;
}

/** Why an engine cannot run here; the message is one line. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
}
