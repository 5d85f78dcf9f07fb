import type { Report, ReportRequest } from '../messages.ts';
import type { WorkerProcess } from '../worker-process.ts';

interface Told<K extends Report['kind']> {
  readonly worker: WorkerProcess;
  readonly report: Extract<Report, { kind: K }>;
}

/** Asks all workers at once. Those that do not answer in time are left out. */
export async function askWorkers<K extends Report['kind']>(
  workers: readonly WorkerProcess[],
  of: ReportRequest & { readonly kind: K },
): Promise<Told<K>[]> {
  const told = await Promise.all(
    workers.map(async (worker) => {
      const report = await worker.report<K>(of);
      return report === undefined ? [] : [{ worker, report }];
    }),
  );
  return told.flat();
}
