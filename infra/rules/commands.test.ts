import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { exists, files, read } from './tree.ts';

const TARGETS = [
  ...['build', 'demo', 'dep', 'dep-verify', 'dep-why', 'dep-cache', 'format', 'check', 'test'],
  ...[
    'cover',
    'todo',
    'drma',
    'drmia',
    'drmvu',
    'bench',
    'bench-store',
    'bench-pressure',
    'test-containers',
  ],
];

test('make alone lists every target that is promised, and runs none', () => {
  const listed = execFileSync('make', { encoding: 'utf8' });
  const names = [...listed.matchAll(/^ {4}([a-z-]+) /gm)].map((match) => match[1]);
  expect(names).toEqual(expect.arrayContaining(TARGETS));
});

test('every program that the Makefile, an npm script or a workflow runs exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const workflows = files('.github/workflows/*.yml').map(read);
  const commands = [read('Makefile'), ...Object.values(scripts), ...workflows].join('\n');
  const programs = commands.match(/\b(functions|edge-node|infra)\/[\w/-]+\.ts/g) ?? [];
  expect(programs.length).toBeGreaterThan(5);
  expect(programs.filter((path) => !exists(path))).toEqual([]);
});

test('every program that an image is started with was made of one that exists', () => {
  const manifests = files('docker-compose.yml', '*.yaml', '*Dockerfile').map(read).join('\n');
  const starts = [
    ...manifests.matchAll(/--disable-sigusr1(?:"?, "?--[\w=-]+)*"?, "?([\w/-]+)(\.\w+)/g),
  ];
  const services = [
    'functions/server',
    'edge-node/main',
    'edge-node/gateway/main',
    'edge-node/relay/main',
    'infra/schema',
  ];
  expect(starts.map(([, path]) => path)).toEqual(expect.arrayContaining(services));
  const wrong = starts.filter(([, path, end]) => end !== '.js' || !exists(`${path}.ts`));
  expect(wrong.map(([start]) => start)).toEqual([]);
});

test('every npm script that the Makefile or a page names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = ['Makefile', ...files('*.md')].flatMap((path) =>
    [...read(path).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map((match) => match[1] ?? ''),
  );
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('every target that a page names exists', () => {
  const targets = [...read('Makefile').matchAll(/^([a-z-]+):/gm)].map((match) => match[1]);
  const named = files('*.md').flatMap((path) =>
    [...read(path).matchAll(/(?:^|`)make ([a-z-]+)/gm)].map((match) => match[1] ?? ''),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !targets.includes(name))).toEqual([]);
});
