import { crcOf, tableExtensionOf } from '../sections.ts';
import { type Pmt, type ProgramEntry, readPmt } from '../tables.ts';
import { isVideo, kindOf, type StreamKind } from './stream-kinds.ts';
import { TablePackets } from './table-packets.ts';

/** Streams of no known kind that are looked at, whether they are video. */
const UNKNOWN_MAX_STREAMS = 8;

/** The stream that says where a decoder can start: a program's pictures, or, where it has none, its sound. */
export interface Lead {
  readonly pid: number;
  readonly kind: StreamKind;
}

/** One program of a stream: its map, and what leads it. */
export class Program {
  readonly number: number;
  readonly pmtPid: number;
  readonly map: TablePackets;
  readonly #onChange: () => void;
  #lead: Lead | undefined;
  #unknownPids: readonly number[] = [];
  /** The CRC of the map that was read last. */
  #crc: number | undefined;
  /** PES packets of this lead that began while the one in use had none: it stood at its `aloneSince`th. */
  unitsAlone = 0;
  aloneSince = 0;

  /** `onChange` is called when another stream leads. */
  constructor({ program, pmtPid }: ProgramEntry, onChange: () => void) {
    this.number = program;
    this.pmtPid = pmtPid;
    this.#onChange = onChange;
    this.map = new TablePackets((section, length) => this.#accept(section, length));
  }

  get lead(): Lead | undefined {
    return this.#lead;
  }

  get hasPictures(): boolean {
    return this.#lead !== undefined && isVideo(this.#lead.kind);
  }

  /** Streams that lead if they turn out to be video. */
  get unknownPids(): readonly number[] {
    return this.#unknownPids;
  }

  /** A PES packet of an unknown stream has begun, and says whether it is video. */
  unknownBegan(pid: number, isItVideo: boolean): void {
    this.#unknownPids = isItVideo ? [] : this.#unknownPids.filter((other) => other !== pid);
    if (isItVideo) this.#lead = { pid, kind: 'otherVideo' };
    this.#onChange();
  }

  #accept(section: Buffer, length: number): boolean {
    if (tableExtensionOf(section) !== this.number) return false; // programs may share a PID
    const crc = crcOf(section, length);
    if (crc === this.#crc) return true;
    const pmt = readPmt(section, length);
    if (pmt === undefined) return false;
    this.#crc = crc;
    this.#follow(pmt);
    return true;
  }

  #follow({ streams }: Pmt): void {
    const leads = streams.map((stream): Lead => ({ pid: stream.pid, kind: kindOf(stream) }));
    const video = leads.find(({ kind }) => isVideo(kind));
    const unknown = video ? [] : leads.filter(({ kind }) => kind === 'unknown');
    this.#lead = video ?? leads.find(({ kind }) => kind === 'sound');
    this.#unknownPids = unknown.slice(0, UNKNOWN_MAX_STREAMS).map(({ pid }) => pid);
    this.#onChange();
  }
}
