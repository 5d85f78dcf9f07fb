/** `dep-why.ts [NAME]`: what brings a module in, or, without a name, which files import each direct dependency. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { importsOf, sourceFiles } from '../../rules/tree.ts';

const name = process.argv[2];
if (name !== undefined) {
  process.exit(spawnSync('npm', ['explain', name], { stdio: 'inherit' }).status ?? 1);
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  string,
  Record<string, string>
>;
const imports = sourceFiles().flatMap((file) =>
  importsOf(file).map((specifier) => ({ file, specifier })),
);
for (const group of ['dependencies', 'devDependencies', 'optionalDependencies']) {
  console.log(`\n${group}`);
  for (const dependency of Object.keys(manifest[group] ?? {})) {
    const users = imports
      .filter(({ specifier }) => `${specifier}/`.startsWith(`${dependency}/`))
      .map(({ file }) => file);
    const shown = [...new Set(users)].join(', ') || 'no import: run as a command, or by npm';
    console.log(`  ${dependency}: ${shown}`);
  }
}
