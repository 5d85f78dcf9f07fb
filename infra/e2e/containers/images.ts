import { readFile } from 'node:fs/promises';
import { command, docker, lacksDocker } from './support/command.ts';
import { healthy, inspect, isConfined, withContainer } from './support/container.ts';
import { keepsContract } from './support/contract.ts';
import { withFreshCopy } from './support/fresh-copy.ts';
import type { Section, Step } from './support/section.ts';

const SERVICES = ['functions', 'edge-node'] as const;
const LABELS = ['--build-arg', 'VERSION=1.2.3', '--build-arg', 'REVISION=abc'] as const;
const STOP_SECONDS = 10;

/** Both images, built from a copy of the repository as a clone has it, and run without Compose. */
export const images: Section = {
  title: 'Images: docker build, docker run',
  lacks: lacksDocker,
  async run(step) {
    await withFreshCopy(async (folder) => {
      for (const service of SERVICES) await build(service, folder, step);
    });
    await step('functions alone, on SQLite', runFunctions);
  },
};

async function build(service: string, folder: string, step: Step): Promise<void> {
  const image = `streaming-service/${service}`;
  await step(`docker build ${service}`, async () => {
    const dockerfile = `infra/docker/${service}.Dockerfile`;
    await command(
      'docker',
      ['build', '-q', '-f', dockerfile, '--target', service, ...LABELS, '-t', image, '.'],
      { cwd: folder },
    );
    const bytes = Number(await inspect(image, '{{.Size}}'));
    return `${Math.round(bytes / 1e6)} MB`;
  });
  await step(`what ${service} is made of`, async () => {
    const labels = ['title', 'version', 'revision'].map(
      (name) => `{{index .Config.Labels "org.opencontainers.image.${name}"}}`,
    );
    const seen = await inspect(image, `{{.Config.User}} ${labels.join(' ')}`);
    if (seen !== `10001:10001 streaming-service ${service} 1.2.3 abc`) throw new Error(seen);
    const unwanted = ['npm', ...(await developmentModules())];
    const inside = await inImage(
      image,
      'ls -d node_modules/* node_modules/@*/* /usr/local/lib/node_modules/* 2>/dev/null; which npm npx || true',
    );
    const names = inside.split('\n').map((path) => path.replace(/^.*node_modules\//, ''));
    const extra = names.filter((name) => unwanted.includes(name) || name.startsWith('/'));
    if (names.length < 10 || extra.length > 0) throw new Error(`it holds ${extra.join(', ')}`);
    const unreadable = await inImage(image, 'find /app ! -perm -o=r ! -type l | head -5');
    if (unreadable !== '') throw new Error(`not readable by all: ${unreadable}`);
    return `${names.length} modules, neither npm nor development's, all readable by all`;
  });
}

/** What production does not install: a module of development's that a dependency needs, too, is none. */
async function developmentModules(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, { readonly dev?: true; readonly optional?: true }>>;
  };
  const names = (isWanted: boolean) =>
    Object.entries(packages)
      .filter(([path, { dev = false, optional = false }]) => path && isWanted !== (dev || optional))
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
  const production = new Set(names(true));
  return names(false).filter((name) => !production.has(name));
}

function inImage(image: string, script: string): Promise<string> {
  return docker('run', '--rm', '--network', 'none', '--entrypoint', 'sh', image, '-c', script);
}

async function runFunctions(): Promise<string> {
  const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  const published = ['--publish', '127.0.0.1::8080', '--env', 'STORE=sqlite'];
  return withContainer([...hardened, ...published, 'streaming-service/functions'], async (id) => {
    await healthy(id);
    const confined = await isConfined(id);
    const origin = `http://${await docker('port', id, '8080')}`;
    const kept = await keepsContract(origin);
    await docker('stop', '--time', String(STOP_SECONDS), id);
    const code = await inspect(id, '{{.State.ExitCode}}');
    if (code !== '0') throw new Error(`SIGTERM ended it with ${code}`);
    return `healthy, ${confined}; ${kept}; SIGTERM ends it with 0`;
  });
}
