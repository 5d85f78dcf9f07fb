/**
 * `npm run release:notes -- VERSION`: prints what CHANGELOG.md says of a version. Ends with 1 unless the version is that
 * of package.json and has a section that says something: then it is no release.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { changelogSection } from './changelog.ts';

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

const [version = ''] = process.argv.slice(2);
const { version: packaged } = JSON.parse(read('package.json')) as { version: string };
const notes = changelogSection(read('CHANGELOG.md'), version);
if (version !== packaged) {
  console.error(`package.json has version ${packaged}, not ${version}`);
  process.exitCode = 1;
} else if (notes === '') {
  console.error(`CHANGELOG.md says nothing of ${version}`);
  process.exitCode = 1;
} else {
  console.log(notes);
}
