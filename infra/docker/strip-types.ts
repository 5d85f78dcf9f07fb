import { globSync, statSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * `node infra/docker/strip-types.ts TO PATH...`: writes what an image runs of these files and folders to TO, as
 * JavaScript. Node would do the same at each start, and keep what does it in memory: some 20 MB for each thread. Types
 * become blanks, so that a stack trace names the lines and columns of the source.
 */
const [to, ...given] = process.argv.slice(2);
if (to === undefined || given.length === 0) {
  console.error('usage: strip-types.ts TO PATH...');
  process.exit(2);
}

const UNUSED = /\.(test|d)\.ts$|(^|\/)testing\//;
/** A file of ours, named by an import or to a thread or process that runs it. */
const OWN_FILE = /(['"`])(\.\.?\/[^'"`\n]*)\.ts\1/g;

const isUsed = (path: string) => !UNUSED.test(path) && statSync(path).isFile();
for (const path of globSync(given.flatMap((path) => [path, `${path}/**/*`])).filter(isUsed)) {
  await mkdir(join(to, dirname(path)), { recursive: true });
  if (path.endsWith('.ts')) {
    const code = stripTypeScriptTypes(await readFile(path, 'utf8'));
    const target = join(to, path.replace(/\.ts$/, '.js'));
    await writeFile(target, code.replace(OWN_FILE, '$1$2.js$1'));
  } else {
    await copyFile(path, join(to, path));
  }
}
