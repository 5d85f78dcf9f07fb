import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));
const pageBytes = Number(execFileSync('getconf', ['PAGESIZE']));

/** A process and those that it has started. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}

/** CPU seconds of a process and its children, user and system, all threads, since their start, in ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, each) => sum + cpuSecondsOfOne(each), 0);
}

function cpuSecondsOfOne(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field, the name, is in brackets and may hold spaces; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** CPU seconds of the whole machine that were not idle, since its start. */
export function machineCpuSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)
    .join()
    .split(/ +/)
    .map(Number);
  const busy = [user, nice, system, irq, softirq, steal].reduce<number>((a, b) => a + (b ?? 0), 0);
  return busy / ticksPerSecond;
}

/** Resident memory of a process and its children in bytes. */
export function residentBytes(pid: number): number {
  return residentBytesOfEach(pid).reduce((a, b) => a + b, 0);
}

/** Of the process itself first, then of each of its children. */
export function residentBytesOfEach(pid: number): number[] {
  return family(pid).map(residentBytesOfOne);
}

function residentBytesOfOne(pid: number): number {
  const [, resident] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ');
  return Number(resident) * pageBytes;
}

/** The soft limit of open files of this process, which its children inherit. */
export function openFilesLimit(): number {
  const [, soft] =
    /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
