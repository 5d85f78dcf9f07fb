/** `npm run docs`: writes the files that are made from others. */
import { writeFile } from 'node:fs/promises';
import { openApi } from './openapi.ts';
import { prometheusRule } from './prometheus-rule.ts';
import { settingsPage } from './settings-page.ts';

await writeFile(new URL('../../docs/settings.md', import.meta.url), settingsPage());
await writeFile(new URL('../../docs/openapi.json', import.meta.url), await openApi());
await writeFile(
  new URL('../kubernetes/monitoring/prometheus-rule.yaml', import.meta.url),
  prometheusRule(),
);
