import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MONITORING = 'infra/docker/monitoring';
const WAIT_MS = 60_000;
const POLL_MS = 250;

interface Answer<T> {
  readonly status: string;
  readonly data: T;
}

/** A Prometheus of this test's own, that scrapes every second and evaluates the repository's rules. */
export class Prometheus {
  readonly #folder: string;
  readonly #target: string;
  readonly #origin: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number, target: string) {
    this.#folder = folder;
    this.#target = target;
    this.#origin = `http://127.0.0.1:${port}`;
    this.#child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.json')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
  }

  static async start(
    folder: string,
    port: number,
    job: string,
    target: string,
  ): Promise<Prometheus> {
    const rules = await readFile(`${MONITORING}/alerts.yml`, 'utf8');
    await writeFile(join(folder, 'alerts.yml'), quick(rules));
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [join(folder, 'alerts.yml')],
      scrape_configs: [
        {
          job_name: job,
          file_sd_configs: [{ files: [join(folder, 'targets.json')], refresh_interval: '1s' }],
        },
      ],
    };
    await writeFile(join(folder, 'prometheus.json'), JSON.stringify(config));
    await writeTargets(folder, [target]);
    const prometheus = new Prometheus(folder, port, target);
    await prometheus.#until('it is ready', async () => {
      const answer = await fetch(`${prometheus.#origin}/-/ready`).catch(() => undefined);
      return answer?.ok === true;
    });
    return prometheus;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Its target is known to it no more, until it is to remember. */
  async forget(): Promise<{ remember(): Promise<void> }> {
    await writeTargets(this.#folder, []);
    return { remember: () => writeTargets(this.#folder, [this.#target]) };
  }

  firing(alert: string): Promise<void> {
    return this.#until(`${alert} fires`, async () => (await this.#active()).includes(alert));
  }

  quiet(alert: string): Promise<void> {
    return this.#until(`${alert} is quiet`, async () => !(await this.#active()).includes(alert));
  }

  /** Every query of the dashboard finds something to show. */
  async answersDashboard(): Promise<string> {
    const queries = await dashboardQueries('10s');
    for (const expr of queries) {
      await this.#until(`"${expr}" has an answer`, async () => {
        const { status } = await this.#ask<unknown>(`query?query=${encodeURIComponent(expr)}`);
        return status === 'success';
      });
    }
    return `${queries.length} answered`;
  }

  async #active(): Promise<string[]> {
    const { data } = await this.#ask<{
      alerts: { state: string; labels: { alertname: string } }[];
    }>('alerts');
    return data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => labels.alertname);
  }

  async #ask<T>(path: string): Promise<Answer<T>> {
    const answer = await fetch(`${this.#origin}/api/v1/${path}`);
    return (await answer.json()) as Answer<T>;
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + WAIT_MS;
    while (!(await holds())) {
      if (performance.now() > until) throw new Error(`not in ${WAIT_MS / 1000} s: ${what}`);
      await sleep(POLL_MS);
    }
  }
}

/** Of all panels; a range stands for Grafana's own variables. */
export async function dashboardQueries(range: string): Promise<string[]> {
  const path = `${MONITORING}/grafana/dashboards/streaming-service.json`;
  const { panels } = JSON.parse(await readFile(path, 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll(/\$__\w+/g, range)),
  );
}

/** The rules as they are, but for how long they wait and look back. */
function quick(rules: string): string {
  return rules.replaceAll(/^( +for:) \w+$/gm, '$1 2s').replaceAll(/\[\d+m\]/g, '[10s]');
}

function writeTargets(folder: string, targets: readonly string[]): Promise<void> {
  return writeFile(join(folder, 'targets.json'), JSON.stringify([{ targets }]));
}
