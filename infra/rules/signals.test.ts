import { expect, test } from 'vitest';
import { files, read } from './tree.ts';

/** Starts of what runs for long, or with the store's credentials. */
const SERVICE =
  /\bnode\b[^\n]*\b(functions\/server|edge-node\/(?:\w+\/)*(?:main|replay)|infra\/schema)\.[jt]s/i;

test('wherever a service is started, SIGUSR1 opens no debugger', () => {
  const places = files('package.json', 'Makefile', '*Dockerfile', '*.yml', '*.yaml', '*.sh');
  const starts = places.flatMap((path) =>
    read(path)
      .split('\n')
      .filter((line) => SERVICE.test(line) && !line.trimStart().startsWith('#'))
      .map((line) => [path, line.trim()] as const),
  );
  expect(starts.length).toBeGreaterThanOrEqual(6);
  expect(starts.filter(([, line]) => !line.includes('--disable-sigusr1'))).toEqual([]);
});
