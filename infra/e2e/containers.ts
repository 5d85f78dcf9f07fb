/**
 * `npm run test:containers`: images, compose file, templates and manifests against the real tools, as far as these are
 * here. Says what holds, and what could not be run. Exits with 1 where something does not hold.
 */
import { alerts } from './containers/alerts.ts';
import { compose } from './containers/compose/compose.ts';
import { fleet } from './containers/compose/fleet.ts';
import { ecs, policies } from './containers/ecs.ts';
import { gatewayAlerts } from './containers/gateway-alerts.ts';
import { images } from './containers/images.ts';
import { kubernetes } from './containers/kubernetes.ts';
import { sam } from './containers/lambda/sam.ts';
import { monitoring } from './containers/monitoring.ts';
import { scores } from './containers/scores.ts';

import { type Outcome, runSection } from './containers/support/section.ts';
import { upgrade } from './containers/upgrade.ts';
import { workflows } from './containers/workflows.ts';

const SECTIONS = {
  images,
  compose,
  fleet,
  sam,
  kubernetes,
  scores,
  ecs,
  policies,
  monitoring,
  alerts,
  'gateway-alerts': gatewayAlerts,
  workflows,
  upgrade,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(SECTIONS, name));
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(', ')}: there are ${Object.keys(SECTIONS).join(', ')}`);
  process.exit(2);
}

const outcomes: [string, Outcome][] = [];
for (const [name, section] of Object.entries(SECTIONS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  outcomes.push([name, await runSection(section)]);
}
console.log(`\n${outcomes.map(([name, outcome]) => `${name}: ${outcome}`).join('\n')}`);
process.exitCode = outcomes.some(([, outcome]) => outcome === 'failed') ? 1 : 0;
