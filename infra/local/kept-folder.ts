import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineUnavailable } from './engines/engine-host.ts';

/**
 * Fills a folder that is kept on this machine: it is there whole or not at all.
 * @param failure what to say where `fill` fails, before the reason
 * @throws EngineUnavailable where `fill` fails
 */
export async function fillOnce(
  folder: string,
  failure: string,
  fill: (unfinished: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    // A download may break off once.
    await fill(unfinished).catch(() => fill(unfinished));
    // Whoever comes first has filled it; the other's copy goes.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } catch (error) {
    throw new EngineUnavailable(`${failure}: ${oneLine(error as Error)}`);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** The line of a failed command that says why. */
export function oneLine({ message }: Error): string {
  const lines = message.split('\n');
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? message;
}
