import { CLIP_NAMES } from '../../demo/media/clip.ts';
import { Service } from '../../demo/services/service.ts';
import { cleanEnvironment } from '../../local/environment.ts';

/** The demo's channel source, playing the clips at a port. It ends with the test, however that ends. */
export function startSource(port: number): Service {
  return new Service({
    name: 'channel-source',
    script: 'infra/demo/source/channel-source.ts',
    args: ['--port', String(port), '--channels', CLIP_NAMES.join(',')],
    env: cleanEnvironment(process.env),
    logFile: '/dev/null',
    collectOutput: true,
  });
}
