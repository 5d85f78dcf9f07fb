import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ALERTS = new URL('../docker/monitoring/alerts.yml', import.meta.url);

/** infra/kubernetes/monitoring/prometheus-rule.yaml: the rules as the Prometheus Operator takes them. */
export function prometheusRule(): string {
  const [, groups = ''] = readFileSync(fileURLToPath(ALERTS), 'utf8').split(/^groups:\n/m);
  return `# Made from infra/docker/monitoring/alerts.yml by \`npm run docs\`; a test compares the two.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: streaming-service
spec:
  groups:
${groups.replaceAll(/^(?=.)/gm, '  ')}`;
}
