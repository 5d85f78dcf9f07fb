import { readdir } from 'node:fs/promises';
import { command, lacksTool } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import { dashboardQueries } from './support/prometheus.ts';
import type { Section } from './support/section.ts';

const FOLDER = 'infra/docker/monitoring';

/** Prometheus' own word on its configuration, the alerts and the dashboard's queries. */
export const monitoring: Section = {
  title: 'Monitoring: configuration, alerts and queries before promtool',
  lacks: () => lacksTool('promtool', '--version'),
  async run(step) {
    await step('promtool check config', async () => {
      await command('promtool', ['check', 'config', '--syntax-only', `${FOLDER}/prometheus.yml`]);
      return 'accepted';
    });
    await step('promtool check rules', async () => {
      const said = await command('promtool', [
        'check',
        'rules',
        '--lint-fatal',
        `${FOLDER}/alerts.yml`,
      ]);
      return said.split('\n').at(-1)?.trim() ?? '';
    });
    await step('promtool test rules', async () => {
      const tests = (await readdir(`${FOLDER}/tests`)).map((name) => `${FOLDER}/tests/${name}`);
      await command('promtool', ['test', 'rules', ...tests]);
      return 'each alert fires and resolves';
    });
    await step('the queries of the dashboard', dashboardParses);
    await step('an alert that cannot be parsed', () =>
      withFile('planted.yml', planted('up{job='), (path) =>
        refused(command('promtool', ['check', 'rules', path]), 'could not parse expression'),
      ),
    );
  },
};

/** As rules, which promtool parses. */
async function dashboardParses(): Promise<string> {
  const queries = await dashboardQueries('1m');
  for (const query of queries) {
    await withFile('query.yml', planted(query), (file) =>
      command('promtool', ['check', 'rules', file]),
    );
  }
  return `${queries.length} parsed`;
}

function planted(expr: string): string {
  return JSON.stringify({ groups: [{ name: 'one', rules: [{ record: 'one:query', expr }] }] });
}
