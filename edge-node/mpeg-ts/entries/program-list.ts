import { crcOf, sectionNumberOf } from '../sections.ts';
import { type PatSection, PROGRAMS_MAX, readPat } from '../tables.ts';
import { Program } from './program.ts';
import { TablePackets } from './table-packets.ts';

/** The programs that a stream's association table names, in its order; over its sections at most PROGRAMS_MAX. */
export class ProgramList {
  readonly table = new TablePackets((section, length) => this.#accept(section, length));
  readonly #onChange: () => void;
  /** By section number: the CRC, and what the section says. */
  #crcs: number[] = [];
  #sections: PatSection[] = [];
  #programs: readonly Program[] = [];

  /** `onChange` is called when there are other programs, or another stream leads one of them. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get programs(): readonly Program[] {
    return this.#programs;
  }

  #accept(section: Buffer, length: number): boolean {
    const number = sectionNumberOf(section);
    const crc = crcOf(section, length);
    if (crc === this.#crcs[number]) return true;
    const pat = readPat(section, length);
    // Sections are taken in their order. If one was missed, the rest waits until the table comes again.
    if (pat === undefined || number > this.#sections.length) return false;
    const count = pat.lastSectionNumber + 1;
    this.#crcs = [...this.#crcs.slice(0, number), crc, ...this.#crcs.slice(number + 1, count)];
    this.#sections = [
      ...this.#sections.slice(0, number),
      pat,
      ...this.#sections.slice(number + 1, count),
    ];
    this.#follow();
    return true;
  }

  /** Programs that were there before keep what is known of them. */
  #follow(): void {
    const named = this.#sections.flatMap(({ programs }) => programs).slice(0, PROGRAMS_MAX);
    this.#programs = named.map(
      (entry) =>
        this.#programs.find(
          ({ number, pmtPid }) => number === entry.program && pmtPid === entry.pmtPid,
        ) ?? new Program(entry, this.#onChange),
    );
    this.#onChange();
  }
}
