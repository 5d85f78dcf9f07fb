import { packetizeSection } from '../../mpeg-ts/packetize.ts';
import { encodePat, type PatSection, type Pmt, type ProgramEntry } from '../../mpeg-ts/tables.ts';
import { continuityOf, PAT_PID, PIDS } from '../../mpeg-ts/ts-packet.ts';

/**
 * Takes one program out of a stream of several: what belongs to no other PID than its map, its clock and its streams
 * goes on as it came; each packet of the PAT is replaced by one, of the same counter, that names this program alone.
 * So the result depends on the stream only, not on where it was begun to be heard.
 */
export class ProgramFilter {
  readonly program: number;
  readonly #isKept = new Uint8Array(PIDS);
  #entry: ProgramEntry | undefined;
  #pat: Buffer | undefined;

  constructor(program: number) {
    this.program = program;
  }

  keeps(pid: number): boolean {
    return this.#isKept[pid] === 1;
  }

  /** The packet to send in place of one of the PAT; undefined while the program is not known. */
  patPacket(header: number): Buffer | undefined {
    return this.#pat && packetizeSection(PAT_PID, this.#pat, continuityOf(header));
  }

  /** Takes a section of the PAT, which may name other programs than this one. */
  onPat({ transportStreamId, programs }: PatSection, version: number): void {
    const entry = programs.find(({ program }) => program === this.program);
    if (entry === undefined) return;
    if (entry.pmtPid !== this.#entry?.pmtPid) this.#keepOnly([entry.pmtPid]);
    this.#entry = entry;
    this.#pat = encodePat(transportStreamId, [entry], version);
  }

  onPmt({ program, pcrPid, streams }: Pmt): void {
    if (program !== this.program || this.#entry === undefined) return;
    this.#keepOnly([this.#entry.pmtPid, pcrPid, ...streams.map(({ pid }) => pid)]);
  }

  #keepOnly(pids: readonly number[]): void {
    this.#isKept.fill(0);
    for (const pid of pids) this.#isKept[pid] = 1;
  }
}
