import { parseArgs } from 'node:util';
import { type Config, loadConfig } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';
import { createLogger } from '../../shared/logger.ts';
import { runService, type ServiceProcess } from '../../shared/run-service.ts';
import { readArguments } from '../channel-lists/channel-list.ts';
import { ChannelsFile } from '../channel-lists/channels-file.ts';
import { check } from './check/check.ts';
import { Gateway } from './gateway.ts';

const USAGE = `gateway: a channel source (9110) for real streams
  gateway zato01=udp://@239.1.1.1:1234 zato02=rtp://127.0.0.1:5004 zato03=film.ts?loop zato04=-
  gateway zato01=udp://@239.1.1.1:1234 zato01=srt://backup.example:9000   the second takes over
  CHANNELS_FILE=list.m3u gateway                 the channels of a list (JSON or M3U)
  gateway check list.m3u                         tries each entry, and tells what is wrong
  --host, --port     where edge nodes connect (GATEWAY_HOST, GATEWAY_PORT)`;

interface Options {
  readonly config: Config;
  readonly names: readonly string[];
  readonly host: string;
  readonly port: number;
}

/** @throws ConfigError with the line to print */
function readOptions(): Options | 'help' {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const given = {
      ...process.env,
      ...(values.host !== undefined && { GATEWAY_HOST: values.host }),
      ...(values.port !== undefined && { GATEWAY_PORT: values.port }),
    };
    const config = loadConfig(given);
    const { GATEWAY_HOST: host, GATEWAY_PORT: port } = config;
    return { config, names: positionals, host, port };
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof TypeError)) throw error;
    throw new ConfigError(`${error.message}\n\n${USAGE}`);
  }
}

/** Plays until it is told to stop, or until all that was named has come to its end. */
async function play(options: Options, { output, stopped }: ServiceProcess): Promise<void> {
  const { config, names, host, port } = options;
  const named = readArguments(names);
  const file = config.CHANNELS_FILE === '' ? undefined : new ChannelsFile(config.CHANNELS_FILE);
  if (named.length === 0 && file === undefined) throw new ConfigError(USAGE);

  const logger = createLogger(config.LOG_LEVEL, 'gateway', output);
  const gateway = new Gateway({ config, logger, named, file, host, port });
  const { feed, admin } = await gateway.start();
  logger.info(
    { feed: feed.port, admin: admin.port },
    `ready for edge nodes at ${feed.address}:${feed.port}, admin at ${admin.address}:${admin.port}`,
  );
  const reason = await Promise.race([stopped, gateway.ended.then(() => 'the end' as const)]);
  logger.info({ reason }, 'stopping');
  await gateway.stop();
  logger.info('stopped');
}

async function main(process: ServiceProcess): Promise<void> {
  const options = readOptions();
  if (options === 'help') return say(USAGE);
  const [command, ...lists] = options.names;
  if (command === 'check') await check(lists, options.config, say);
  else await play(options, process);
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

await runService(main);
