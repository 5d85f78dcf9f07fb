import { SectionReader, versionOf } from '../../mpeg-ts/sections.ts';
import {
  type PatSection,
  type Pmt,
  type ProgramEntry,
  readPat,
  readPmt,
} from '../../mpeg-ts/tables.ts';
import { PAT_PID } from '../../mpeg-ts/ts-packet.ts';
import type { ProgramFilter } from './program-filter.ts';

/** A PAT may name programs that are not there: so long the first one is waited for, before another's clock is taken. */
const ABSENT_PROGRAM_MS = 2_000;
const NO_PID = -1;

/** The tables of a stream as they are now: its programs, what each consists of, and whose clock counts. */
export class ProgramTables {
  readonly #program: number | undefined;
  readonly #filter: ProgramFilter | undefined;
  readonly #pat = new SectionReader((section, length) => this.#onPat(section, length));
  readonly #pmtReaders = new Map<number, SectionReader>();
  readonly #pmts = new Map<number, Pmt>();
  /** Programs by the number of the PAT's section that names them. */
  readonly #entries = new Map<number, readonly ProgramEntry[]>();
  #lastSection = 0;
  #nowMs = 0;
  #patHeardMs = 0;
  #pcrPid = NO_PID;

  /** @param program whose clock counts; else that of the PAT's first program */
  constructor(program: number | undefined, filter: ProgramFilter | undefined) {
    this.#program = program;
    this.#filter = filter;
  }

  /** PID of the clock; -1 while it is not known. */
  get pcrPid(): number {
    return this.#pcrPid;
  }

  /** Programs in the PAT's order. */
  get programs(): readonly ProgramEntry[] {
    const sections = [...this.#entries].sort(([one], [other]) => one - other);
    return sections.flatMap(([, programs]) => programs);
  }

  pmtOf(program: number): Pmt | undefined {
    return this.#pmts.get(program);
  }

  isTablePid(pid: number): boolean {
    return pid === PAT_PID || this.#pmtReaders.has(pid);
  }

  push(bytes: Buffer, at: number, header: number, pid: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (pid === PAT_PID) this.#pat.push(bytes, at, header);
    else this.#pmtReaders.get(pid)?.push(bytes, at, header);
  }

  #onPat(section: Buffer, length: number): void {
    const pat = readPat(section, length);
    if (pat === undefined) return;
    this.#filter?.onPat(pat, versionOf(section));
    if (this.#takePat(pat)) {
      this.#patHeardMs = this.#nowMs;
      this.#followPmts();
    }
    this.#chooseClock();
  }

  /** @returns whether anything is new */
  #takePat({ sectionNumber, lastSectionNumber, programs }: PatSection): boolean {
    const known = this.#entries.get(sectionNumber);
    const isNew = JSON.stringify(known) !== JSON.stringify(programs);
    if (!isNew && lastSectionNumber === this.#lastSection) return false;
    this.#lastSection = lastSectionNumber;
    this.#entries.set(sectionNumber, programs);
    for (const number of this.#entries.keys()) {
      if (number > lastSectionNumber) this.#entries.delete(number);
    }
    return true;
  }

  #followPmts(): void {
    const { programs } = this;
    const pids = new Set(programs.map(({ pmtPid }) => pmtPid));
    const numbers = new Set(programs.map(({ program }) => program));
    for (const pid of this.#pmtReaders.keys()) if (!pids.has(pid)) this.#pmtReaders.delete(pid);
    for (const number of this.#pmts.keys()) if (!numbers.has(number)) this.#pmts.delete(number);
    for (const pid of pids) {
      if (this.#pmtReaders.has(pid)) continue;
      const reader = new SectionReader((section, length) => this.#onPmt(section, length));
      this.#pmtReaders.set(pid, reader);
    }
  }

  #onPmt(section: Buffer, length: number): void {
    const pmt = readPmt(section, length);
    if (pmt === undefined) return;
    this.#pmts.set(pmt.program, pmt);
    this.#filter?.onPmt(pmt);
    this.#chooseClock();
  }

  #chooseClock(): void {
    const wanted = this.#program ?? this.programs[0]?.program;
    let pmt = wanted === undefined ? undefined : this.#pmts.get(wanted);
    if (pmt === undefined && this.#program === undefined) {
      if (this.#nowMs - this.#patHeardMs < ABSENT_PROGRAM_MS) return;
      pmt = this.programs.map(({ program }) => this.#pmts.get(program)).find(Boolean);
    }
    if (pmt) this.#pcrPid = pmt.pcrPid;
  }
}
