import { KeyPictures } from '../pictures/key-pictures.ts';
import { PacketSync } from '../sync.ts';
import {
  continuityOf,
  followsOn,
  hasError,
  hasPayload,
  headerAt,
  isRandomAccess,
  isRepeat,
  isScrambled,
  NO_CONTINUITY,
  NULL_PID,
  PAT_PID,
  payloadStart,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from '../ts-packet.ts';
import type { Lead, Program } from './program.ts';
import { ProgramList } from './program-list.ts';
import { isVideo } from './stream-kinds.ts';
import { TableSnapshot } from './table-snapshot.ts';

/** Stands for a place in the stream where there is no entry. */
export const NO_ENTRY = -1;

const NO_PID = -1;
/** After so many bytes without a sync byte where one is due, the stream is taken for no transport stream any more. */
const UNALIGNED_MAX_BYTES = 65_536;
/** A program has gone once another of the same kind had so many pictures (or sounds) while nothing came of it. */
const UNITS_UNTIL_GONE = 100;

/** A place in the stream where a decoder can start. The same object is filled anew for each newer one. */
class FoundEntry {
  /** In bytes from the first one pushed; or NO_ENTRY. */
  at = NO_ENTRY;
  /** Copies of the packets of the last PAT and PMT before it. */
  tables: Buffer = Buffer.alloc(0);
  isSound = false;

  become({ at, tables, isSound }: FoundEntry): void {
    this.at = at;
    this.tables = tables;
    this.isSound = isSound;
  }
}

const NO_FOUND_ENTRY = new FoundEntry();

/** What a PID carries, as far as it matters. */
type Role =
  | { readonly carries: 'maps' }
  | { readonly carries: 'lead' | 'unknown'; readonly program: Program };

/**
 * Finds where a decoder can start in the stream of one channel: at the newest key picture, by the codec's own word, or
 * by random_access_indicator where the codec is not read here or its pictures are scrambled; where there are no
 * pictures, at any beginning of a PES packet of sound. It follows the first program with pictures in the PAT's order
 * whose map and pictures come; one of sound alone only while none has pictures.
 *
 * The stream may come in pieces of any size. What it keeps is bounded, whatever comes; it never throws, reads nothing
 * outside of the pieces, and allocates nothing for a packet, only for a change of the tables and for an entry.
 */
export class EntryFinder {
  readonly #sync = new PacketSync((bytes, at, streamAt) => this.#onPacket(bytes, at, streamAt));
  #list = new ProgramList(() => this.#rolesChanged());
  #roles: ReadonlyMap<number, Role> = new Map();
  /** The program that is followed. Invariant: `#leadPid` and `#pictures` are those of its lead. */
  #program: Program | undefined;
  #lead: Lead | undefined;
  #leadPid = NO_PID;
  #pictures: KeyPictures | undefined;
  #continuity = NO_CONTINUITY;
  /** PES packets of the lead so far. */
  #leadUnits = 0;
  /** The tables as they were where the PES packet under way began. */
  #tables = new TableSnapshot();
  /** Where the last packet ended. */
  #alignedTo = NO_ENTRY;
  /** The newest entry, and the newest that has come to its end: the next PES packet of the lead has begun. */
  readonly #begun = new FoundEntry();
  readonly #whole = new FoundEntry();

  /** Whether these are packets, but for some bytes between them. */
  get isTransportStream(): boolean {
    return this.#alignedTo !== NO_ENTRY;
  }

  /** The newest entry, which may have begun just now; none where something of it was lost. */
  get begun(): Readonly<FoundEntry> {
    return this.#begun;
  }

  /** The newest entry whose picture has come whole. */
  get whole(): Readonly<FoundEntry> {
    return this.#whole;
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#sync.push(bytes, start, end);
    const { streamBytes } = this.#sync;
    if (this.isTransportStream && streamBytes - this.#alignedTo > UNALIGNED_MAX_BYTES) {
      this.#forget();
    }
  }

  #forget(): void {
    this.#alignedTo = NO_ENTRY;
    this.#dropEntry();
    this.#list = new ProgramList(() => this.#rolesChanged());
    this.#rolesChanged();
  }

  #onPacket(bytes: Buffer, at: number, streamAt: number): void {
    this.#alignedTo = streamAt + TS_PACKET_BYTES;
    const header = headerAt(bytes, at);
    if (hasError(header)) return;
    const pid = pidOf(header);
    if (pid === this.#leadPid) this.#onLead(bytes, at, header, streamAt);
    else if (pid === PAT_PID) this.#list.table.push(bytes, at, header);
    else if (pid !== NULL_PID) this.#onOther(pid, bytes, at, header, streamAt);
  }

  #onLead(bytes: Buffer, at: number, header: number, streamAt: number): void {
    this.#checkContinuity(header);
    const starts = startsUnit(header) && hasPayload(header);
    if (starts) {
      if (isReadable(bytes, at, header)) this.#leadUnits += 1;
      if (this.#begun.at !== NO_ENTRY) this.#whole.become(this.#begun);
      this.#takeTables();
    }
    if (this.#lead?.kind === 'sound') {
      if (starts) this.#found(streamAt);
    } else if (this.#pictures === undefined || isScrambled(header)) {
      if (!isRandomAccess(bytes, at, header)) return;
      this.#takeTables();
      this.#found(streamAt);
    } else {
      this.#pictures.push(bytes, at, header, streamAt);
    }
  }

  /** A picture of which something is missing will not come whole. */
  #checkContinuity(header: number): void {
    const isLoss = !followsOn(this.#continuity, header) && !isRepeat(this.#continuity, header);
    this.#continuity = continuityOf(header);
    if (isLoss && this.#begun.at !== this.#whole.at) this.#begun.become(NO_FOUND_ENTRY);
  }

  #onOther(pid: number, bytes: Buffer, at: number, header: number, streamAt: number): void {
    const role = this.#roles.get(pid);
    if (role === undefined || !hasPayload(header)) return;
    switch (role.carries) {
      case 'maps':
        for (const program of this.#list.programs) {
          if (program.pmtPid === pid) program.map.push(bytes, at, header);
        }
        return;
      case 'unknown':
        if (startsUnit(header) && !isScrambled(header)) {
          role.program.unknownBegan(pid, isVideoPes(bytes, at, header));
        }
        return;
      case 'lead':
        if (!isReadable(bytes, at, header)) return;
        if (!this.#isToFollow(role.program, startsUnit(header))) return;
        this.#follow(role.program);
        this.#onLead(bytes, at, header, streamAt);
    }
  }

  /** Whether a program of which a packet has come is to be followed in place of the one that is. */
  #isToFollow(program: Program, starts: boolean): boolean {
    const followed = this.#program;
    if (followed === undefined) return true;
    if (program.hasPictures !== followed.hasPictures) return program.hasPictures;
    const { programs } = this.#list;
    if (programs.indexOf(program) < programs.indexOf(followed)) return true;
    if (!starts) return false;
    if (program.aloneSince !== this.#leadUnits) program.unitsAlone = 0;
    program.aloneSince = this.#leadUnits;
    program.unitsAlone += 1;
    return program.unitsAlone > UNITS_UNTIL_GONE;
  }

  #follow(program: Program | undefined): void {
    this.#program = program;
    this.#lead = program?.lead;
    this.#leadPid = this.#lead?.pid ?? NO_PID;
    this.#leadUnits += 1;
    this.#continuity = NO_CONTINUITY;
    const kind = this.#lead?.kind;
    const isRead = kind === 'h264' || kind === 'hevc' || kind === 'mpegVideo';
    this.#pictures = isRead
      ? new KeyPictures(kind, (streamAt) => this.#found(streamAt))
      : undefined;
    // The sound that came before the first picture is no start for those who are to see it.
    const isSound = this.#begun.isSound || this.#whole.isSound;
    if (isSound && kind !== undefined && isVideo(kind)) this.#dropEntry();
  }

  /** The tables name other programs or streams. */
  #rolesChanged(): void {
    const roles = new Map<number, Role>();
    const { programs } = this.#list;
    for (const program of programs.toReversed()) {
      for (const pid of program.unknownPids) roles.set(pid, { carries: 'unknown', program });
      if (program.lead) roles.set(program.lead.pid, { carries: 'lead', program });
    }
    for (const { pmtPid } of programs) roles.set(pmtPid, { carries: 'maps' });
    this.#roles = roles;

    const followed = this.#program;
    if (followed === undefined) return;
    if (!programs.includes(followed) || followed.lead === undefined) this.#follow(undefined);
    else if (followed.lead.pid !== this.#leadPid || followed.lead.kind !== this.#lead?.kind) {
      this.#follow(followed);
    }
  }

  #takeTables(): void {
    if (this.#program === undefined) return;
    this.#tables.take(this.#list.table, this.#program.map, this.#sync.strideBytes);
  }

  #found(streamAt: number): void {
    const { packets } = this.#tables;
    if (packets.length === 0) return;
    this.#begun.at = streamAt;
    this.#begun.tables = packets;
    this.#begun.isSound = this.#lead?.kind === 'sound';
  }

  #dropEntry(): void {
    this.#begun.become(NO_FOUND_ENTRY);
    this.#whole.become(NO_FOUND_ENTRY);
  }
}

/** Whether this packet tells anything. A scrambled one without random_access_indicator does not. */
function isReadable(bytes: Buffer, at: number, header: number): boolean {
  return !isScrambled(header) || isRandomAccess(bytes, at, header);
}

/** packet_start_code_prefix and a stream_id of video, 1110 xxxx (ISO/IEC 13818-1, table 2-22). */
function isVideoPes(bytes: Buffer, at: number, header: number): boolean {
  const from = payloadStart(bytes, at, header);
  return from + 4 <= at + TS_PACKET_BYTES && bytes.readUInt32BE(from) >>> 4 === 0x00_00_01_e;
}
