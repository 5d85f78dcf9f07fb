/**
 * `npm run release:pin -- VERSION [REPOSITORY [functions=sha256:… edge-node=sha256:…]]`: makes the Kubernetes overlays
 * run a release, by digest where one is given.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IMAGES, kubernetesRelease } from './kubernetes-release.ts';

const FILE = fileURLToPath(
  new URL('../kubernetes/components/release/kustomization.yaml', import.meta.url),
);
const DIGEST = new RegExp(`^(?:${IMAGES.join('|')})=sha256:[0-9a-f]{64}$`);

const [version = '', repository = 'streaming-service', ...pins] = process.argv.slice(2);
const wrong = pins.find((pin) => !DIGEST.test(pin));
if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version) || wrong !== undefined) {
  console.error(`${wrong ?? `version "${version}"`}: want VERSION [REPOSITORY [IMAGE=sha256:…]]`);
  process.exit(2);
}
const digests = Object.fromEntries(pins.map((pin) => pin.split('=', 2)));
writeFileSync(FILE, kubernetesRelease({ version, repository, digests }));
