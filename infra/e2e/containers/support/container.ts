import { setTimeout as sleep } from 'node:timers/promises';
import { docker } from './command.ts';

const HEALTHY_MS = 60_000;
const POLL_MS = 200;

/** Says that a container is this project's: what a run that was killed leaves behind, `make drma` then removes. */
export const LABEL = ['--label', 'com.streaming-service.project=streaming-service'] as const;

/** Lends a running container, and removes it with its volumes afterwards. */
export async function withContainer<T>(
  args: readonly string[],
  use: (id: string) => Promise<T>,
): Promise<T> {
  const id = await docker('run', '--detach', ...LABEL, ...args);
  try {
    return await use(id);
  } finally {
    await docker('rm', '--force', '--volumes', id);
  }
}

/** One value of `docker inspect`, by a Go template. */
export function inspect(target: string, template: string): Promise<string> {
  return docker('inspect', '--format', template, target);
}

/** Resolves when the container's own health check holds. */
export async function healthy(container: string): Promise<void> {
  const until = performance.now() + HEALTHY_MS;
  while ((await inspect(container, '{{.State.Health.Status}}')) !== 'healthy') {
    if (performance.now() > until) {
      throw new Error(`not healthy in time:\n${await docker('logs', '--tail', '20', container)}`);
    }
    await sleep(POLL_MS);
  }
}

/** @throws Error unless the container runs as our user and can write nothing but what is mounted */
export async function isConfined(container: string): Promise<string> {
  const user = await docker('exec', container, 'id', '-u');
  if (user !== '10001') throw new Error(`it runs as ${user}`);
  const written = await docker('exec', container, 'touch', '/app/anything').then(
    () => 'nothing kept it from writing',
    (error: Error) => error.message,
  );
  if (!written.includes('Read-only file system')) throw new Error(written);
  return 'uid 10001, read-only root';
}
