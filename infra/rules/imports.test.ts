import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exists, files, importsOf, read, sourceFiles } from './tree.ts';

/** What each part may import of the others. infra builds, runs and tests them all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: ['shared'],
  functions: ['functions', 'shared'],
  'edge-node': ['edge-node', 'shared'],
};

const partOf = (path: string) => path.split('/')[0] ?? '';
const isTest = (path: string) => /\.(test|bench)\.ts$|\/(test|testing)\//.test(path);

/** The files of ours that each file imports. */
const relative = new Map(
  sourceFiles().map((file) => [
    file,
    importsOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => posix.join(posix.dirname(file), specifier)),
  ]),
);
const edges = [...relative].flatMap(([file, targets]) =>
  targets.map((target) => [file, target] as const),
);

describe('imports', () => {
  test('functions and edge-node never import each other, and shared imports neither', () => {
    const crossing = edges.filter(([file, target]) => {
      const allowed = MAY_IMPORT[partOf(file)];
      return allowed !== undefined && !allowed.includes(partOf(target)) && !isTest(file);
    });
    expect(crossing).toEqual([]);
  });

  test('not even a test of one service imports the other', () => {
    const crossing = edges.filter(([file, target]) => {
      const parts = new Set([partOf(file), partOf(target)]);
      return parts.has('functions') && parts.has('edge-node');
    });
    expect(crossing).toEqual([]);
  });

  test('every relative import ends in the real name of a file', () => {
    expect(edges.filter(([, target]) => !exists(target))).toEqual([]);
  });

  test('what runs in production imports nothing that production does not install', () => {
    const entries = files('functions/server.ts', 'functions/lambda/*.ts', 'edge-node/main.ts');
    const reached = new Set(entries.filter((file) => !isTest(file)));
    for (const file of reached) for (const target of relative.get(file) ?? []) reached.add(target);
    expect(reached.size).toBeGreaterThan(10);

    const manifest = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const installed = Object.keys(manifest.dependencies);
    const missing = [...reached]
      .flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })))
      .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
      .filter(({ specifier }) => !installed.some((name) => `${specifier}/`.startsWith(`${name}/`)));
    expect(missing).toEqual([]);
  });
});
