import { readdir, readFile } from 'node:fs/promises';
import { command, works } from './support/command.ts';
import { refused, withFile } from './support/planted.ts';
import type { Section } from './support/section.ts';

const FOLDER = 'infra/docker/monitoring';

/** Prometheus' own word on its configuration, the alerts and the dashboard's queries. */
export const monitoring: Section = {
  title: 'Monitoring: configuration, alerts and queries before promtool',
  async lacks() {
    return (await works('promtool', '--version')) ? undefined : 'promtool does not run';
  },
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

/** As rules, which promtool parses; Grafana's own variables stand for a range. */
async function dashboardParses(): Promise<string> {
  const path = `${FOLDER}/grafana/dashboards/streaming-service.json`;
  const { panels } = JSON.parse(await readFile(path, 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const rules = queries.map((query) => query.replaceAll(/\$__\w+/g, '1m')).map(planted);
  for (const rule of rules) {
    await withFile('query.yml', rule, (file) => command('promtool', ['check', 'rules', file]));
  }
  return `${queries.length} parsed`;
}

function planted(expr: string): string {
  return JSON.stringify({ groups: [{ name: 'one', rules: [{ record: 'one:query', expr }] }] });
}
