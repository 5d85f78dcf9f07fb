import { describe, expect, test } from 'vitest';
import { files, read } from './tree.ts';

const MAX_LINES = 300;
const MAX_FILES_IN_FOLDER = 12;

describe('files', () => {
  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = files(
      '*.ts',
      '*.c',
      '*.h',
      '*.cql',
      '*.sh',
      '*.yaml',
      '*.yml',
      '*.md',
      '*Dockerfile*',
      'Makefile',
    )
      .map((path) => [path, read(path).trimEnd().split('\n').length] as const)
      .filter(([, lines]) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  test(`no folder holds more than ${MAX_FILES_IN_FOLDER} files beside their tests`, () => {
    const sources = files('*.ts', '*.c', '*.h').filter((path) => !path.endsWith('.test.ts'));
    const counts = Map.groupBy(sources, (path) => path.slice(0, path.lastIndexOf('/')));
    const crowded = [...counts].map(([folder, paths]) => [folder, paths.length] as const);
    expect(crowded.filter(([, count]) => count > MAX_FILES_IN_FOLDER)).toEqual([]);
  });

  test('no test is left out, and none keeps the others from running', () => {
    const disabled = /\b(test|it|describe|suite)(\.\w+)*\.(skip|only|todo|fails)\b/;
    const found = files('*.test.ts').filter((path) => disabled.test(read(path)));
    expect(found).toEqual([]);
  });

  test('no check is switched off in passing, and no work is left undone', () => {
    const marks = [
      '@ts-ignore',
      '@ts-nocheck',
      '@ts-expect-error',
      'biome-ignore',
      'v8 ignore',
      'TODO',
      'FIXME',
    ];
    const found = files('*.ts', '*.c')
      .filter((path) => !path.startsWith('infra/rules/'))
      .flatMap((path) =>
        marks.filter((mark) => read(path).includes(mark)).map((mark) => [path, mark]),
      );
    expect(found).toEqual([]);
  });
});

describe('dependencies', () => {
  const isGroup = (group: string) => /^(dev|optional)?dependencies$/i.test(group);

  test.each(files('*package.json'))('%s pins exact versions', (path) => {
    const manifest = JSON.parse(read(path)) as Record<string, Record<string, string>>;
    const loose = Object.entries(manifest)
      .filter(([group]) => isGroup(group))
      .flatMap(([, versions]) => Object.entries(versions))
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
    expect(loose).toEqual([]);
  });

  test.each(files('*package-lock.json'))(
    '%s holds a hash for every module, and no host',
    (path) => {
      const lock = JSON.parse(read(path)) as {
        packages: Record<string, { resolved?: string; integrity?: string }>;
      };
      const modules = Object.entries(lock.packages).filter(([name]) => name !== '');
      expect(modules.length).toBeGreaterThan(0);
      expect(modules.filter(([, module]) => module.resolved !== undefined)).toEqual([]);
      expect(modules.filter(([, module]) => module.integrity === undefined)).toEqual([]);
    },
  );

  test('Node is brought in one version on every platform', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const versions = Object.entries(optionalDependencies).filter(([name]) =>
      name.startsWith('node-'),
    );
    expect(versions.length).toBe(4);
    expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
  });
});
