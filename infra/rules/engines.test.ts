import { expect, test } from 'vitest';
import { STORE_NAMES } from '../../shared/store/engines.ts';
import { files, importsOf, read, sourceFiles } from './tree.ts';

/** Who may name an engine besides its own folder and the tests, and why. */
const TABLES: Readonly<Record<string, string>> = {
  'shared/store/engines.ts': 'the table of engines',
  'infra/local/engines/engines.ts': 'the table of what runs them on this machine',
  'shared/config/store-settings.ts': 'the default of STORE',
  'functions/lambda/function.ts': 'Lambda is bundled with one engine and serves no other',
  'infra/docker/bundle.ts': 'the same, for the bundle',
  'infra/bench/server.ts': 'what the fan-out is measured with',
  'infra/demo/demo.ts': 'what the demo runs on unless told otherwise',
  'infra/docs/screenshots.ts': 'what the pages are shown with',
};

/** An engine's own files: those that a new one would bring along. */
const isOwn = (path: string, name: string) =>
  path.startsWith(`shared/store/${name}/`) || path.startsWith(`infra/local/engines/${name}`);
const isTest = (path: string) => /\.test\.ts$|\/testing\/|^infra\/(e2e|rules)\//.test(path);

/** Whether a file's code holds the name as a text, or imports from the engine's folder. */
function names(path: string, engine: string): boolean {
  const literal = new RegExp(`(['"\`])${engine}\\1|\\b${engine}:`);
  return (
    literal.test(read(path)) || importsOf(path).some((target) => target.includes(`/${engine}/`))
  );
}

test.each(STORE_NAMES)('no file but the tables and its own names the engine %s', (engine) => {
  const found = sourceFiles().filter(
    (path) => !isOwn(path, engine) && !isTest(path) && !(path in TABLES) && names(path, engine),
  );
  expect(found).toEqual([]);
});

test('every table that may name engines still does', () => {
  const idle = Object.keys(TABLES).filter(
    (path) => !STORE_NAMES.some((engine) => names(path, engine)),
  );
  expect(idle).toEqual([]);
});

test('every engine has its folder in the product and its file among those that start engines', () => {
  for (const engine of STORE_NAMES) {
    expect(
      files(`shared/store/${engine}/engine.ts`, `shared/store/${engine}/settings.ts`),
    ).toHaveLength(2);
    expect(files(`infra/local/engines/${engine}.ts`)).toHaveLength(1);
  }
});
