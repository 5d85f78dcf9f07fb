import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { executeByLine, probe } from '../commands.ts';
import { EngineUnavailable } from '../engines/engine-host.ts';

const VERSION = '2.15.2';
const MODULE = `github.com/nats-io/nats-server/v2@v${VERSION}`;
const CACHE = join(import.meta.dirname, '../../../.cache/nats-server');

/**
 * The program of a real NATS server: built by Go once for this machine and kept; where there is no Go, the one on the
 * path.
 * @throws EngineUnavailable where there is neither
 */
export async function prepareNats(say: (line: string) => void): Promise<string> {
  const folder = join(CACHE, `${VERSION}-${process.arch}`);
  const built = join(folder, 'nats-server');
  if (existsSync(built)) return built;
  if (await probe('go', 'version')) return build(folder, say);
  if (await probe('nats-server', '--version')) return 'nats-server';
  throw new EngineUnavailable('neither Go, which builds it, nor nats-server is here');
}

async function build(folder: string, say: (line: string) => void): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    say(`nats: building ${MODULE} (first time only, a minute)`);
    const settings = [`GOBIN=${unfinished}`, 'CGO_ENABLED=0', 'GOFLAGS='];
    await executeByLine('env', [...settings, 'go', 'install', MODULE], () => {});
    // Whoever comes first has built it; the other's copy goes.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return join(folder, 'nats-server');
  } catch (error) {
    const [first = ''] = (error as Error).message.split('\n');
    throw new EngineUnavailable(`Go cannot build it: ${first}`);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
