import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exists, files, importsOf, read, sourceFiles } from './tree.ts';

/** What each part may import of the others. infra builds, runs and tests them all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: ['shared'],
  functions: ['functions', 'shared'],
  // The manifest has the version.
  'edge-node': ['edge-node', 'shared', 'package.json'],
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

/**
 * The rooms of each part, lowest first; a room may import from itself and from rooms before it. Those in one list
 * stand side by side, and do not import each other.
 */
const ROOMS: readonly (readonly string[])[] = [
  ['shared', 'edge-node/browser'],
  ['edge-node/mpeg-ts', 'edge-node/ordering', 'edge-node/player'],
  ['edge-node/source'],
  ['edge-node/channel-lists', 'edge-node/nats'],
  ['edge-node/channels', 'edge-node/usage', 'edge-node/admission'],
  ['edge-node/delivery'],
  ['edge-node/transports', 'edge-node/placement'],
  ['edge-node/admin'],
  ['edge-node/workers'],
  ['edge-node/gateway', 'edge-node/relay', 'edge-node/operator', 'edge-node'],
  ['functions'],
  ['functions/lambda'],
];
const roomNames = ROOMS.flat();

/** The room that a file stands in, with its place in the order. */
function roomOf(path: string): { readonly name: string; readonly rank: number } | undefined {
  const folders = path.split('/').slice(0, -1);
  const name = [folders.slice(0, 2).join('/'), folders[0] ?? ''].find((room) =>
    roomNames.includes(room),
  );
  return name === undefined ? undefined : { name, rank: ROOMS.findIndex((r) => r.includes(name)) };
}

/** Every circle of imports, from a file back to itself, once. */
function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push(path.slice(at));
    } else if (!done.has(file)) {
      for (const target of relative.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    }
  };
  for (const file of relative.keys()) visit(file, []);
  return found;
}

describe('imports', () => {
  test('no file imports itself by way of others', () => {
    expect(circles()).toEqual([]);
  });

  test('no room imports from a higher one, or from one beside it', () => {
    const upward = edges.filter(([file, target]) => {
      const from = roomOf(file);
      const to = roomOf(target);
      if (from === undefined || to === undefined || isTest(file)) return false;
      return from.name !== to.name && to.rank >= from.rank;
    });
    expect(upward).toEqual([]);
  });

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

  test('values of node:http come from the one file that takes them without its HTTP client', () => {
    const found = [...relative.keys()].filter(
      (file) =>
        MAY_IMPORT[partOf(file)] !== undefined &&
        !isTest(file) &&
        /^import (?!type )[^;]*from 'node:https?'/m.test(read(file)),
    );
    expect(found).toEqual([]);
  });

  test('every relative import ends in the real name of a file', () => {
    expect(edges.filter(([, target]) => !exists(target))).toEqual([]);
  });

  test('what runs in production imports nothing that production does not install', () => {
    const entries = files(
      'functions/server.ts',
      'functions/lambda/*.ts',
      'edge-node/main.ts',
      'edge-node/worker.ts',
      'edge-node/gateway/main.ts',
      'edge-node/relay/main.ts',
    );
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
