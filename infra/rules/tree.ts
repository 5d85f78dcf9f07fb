/** The repository as the rules see it: the files that git tracks or would track, and what stands in them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Paths from the root, with `/`. New files count before they are added; ignored ones never do. */
export function files(...patterns: readonly string[]): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', ...patterns];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return [...new Set(listed)].filter((path) => path !== '' && existsSync(ROOT + path)).sort();
}

export function sourceFiles(): string[] {
  return files('*.ts');
}

export function read(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(ROOT + path);
}

const IMPORT =
  /^\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;

/** Every module that a source file names: statically, by re-export, or by import(). */
export function importsOf(path: string): string[] {
  return [...read(path).matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Markdown without its code blocks, where a `#` starts a comment and no heading. */
export function prose(markdown: string): string {
  return markdown.replace(/^```.*?^```/gms, '');
}

/** What stands between a heading and the next one, of whatever level. */
export function section(markdown: string, heading: string): string {
  const [, after = ''] = prose(markdown).split(new RegExp(`^#+ ${heading}$`, 'm'));
  return after.split(/^#+ /m)[0] ?? '';
}

/** The rows of the tables in a piece of Markdown, cells without their back quotes, headings and rulers left out. */
export function tableRows(markdown: string): string[][] {
  const rows = markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  const ruler = (cells: readonly string[] | undefined) =>
    cells?.every((cell) => /^:?-+:?$/.test(cell)) ?? false;
  return rows.filter((cells, at) => !ruler(cells) && !ruler(rows[at + 1]));
}
