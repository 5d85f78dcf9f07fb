import type { Setting } from '../../shared/config/setting.ts';
import { SETTING_GROUPS } from '../../shared/config/settings.ts';

const INTRODUCTION = `# Settings

All by environment variables; an empty value counts as unset. A bad value stops the start with one line that names it.
Sizes take \`KiB\`, \`MiB\` and \`GiB\`. Each description says what the setting trades.

This page is made from the schema in \`shared/config/\` by \`npm run docs\`; a test compares the two.
`;

/** docs/settings.md as the schema has it. */
export function settingsPage(): string {
  const groups = Object.entries<Readonly<Record<string, Setting<unknown>>>>(SETTING_GROUPS);
  return [INTRODUCTION, ...groups.map(([title, settings]) => section(title, settings))].join('\n');
}

function section(title: string, settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.entries(settings).map(
    ([name, { default: fallback, about }]) =>
      `| \`${name}\` | ${fallback === '' ? '–' : `\`${fallback}\``} | ${about} |`,
  );
  return [`## ${title}`, '', '| variable | default | meaning |', '|---|---|---|', ...rows, ''].join(
    '\n',
  );
}
