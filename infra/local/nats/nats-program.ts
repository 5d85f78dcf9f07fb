import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { executeByLine, probe } from '../commands.ts';
import { EngineUnavailable } from '../engines/engine-host.ts';
import { fillOnce } from '../kept-folder.ts';

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
  if (await probe('go', 'version')) {
    say(`nats: building ${MODULE} (first time only, a minute)`);
    await fillOnce(folder, 'Go cannot build it', (unfinished) => {
      const settings = [`GOBIN=${unfinished}`, 'CGO_ENABLED=0', 'GOFLAGS='];
      return executeByLine('env', [...settings, 'go', 'install', MODULE], () => {});
    });
    return built;
  }
  if (await probe('nats-server', '--version')) return 'nats-server';
  throw new EngineUnavailable('neither Go, which builds it, nor nats-server is here');
}
