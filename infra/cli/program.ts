import { Command, Option } from 'commander';
import {
  channelArgument,
  channelsArgument,
  durationArgument,
  originArgument,
  userArgument,
} from './arguments.ts';
import { channels } from './commands/channels.ts';
import { doctor } from './commands/doctor.ts';
import { exportRegistrations } from './commands/export.ts';
import { importRegistrations } from './commands/import.ts';
import { register, unregister } from './commands/register.ts';
import { token } from './commands/token.ts';
import { top } from './commands/top.ts';
import { usage } from './commands/usage.ts';
import { watch } from './commands/watch.ts';

const AFTER = `
A source of channels is the gateway: npm run gateway -- zato01=film.ts?loop

Where things are is read from the settings (SERVER_*, STREAM_*, WATCH_*, ADMIN_*); --at says otherwise.
API_KEY in the environment opens what API_KEYS guard, ADMIN_TOKEN what is for operators; STREAM_TOKEN is a viewer's token.
Exit codes: 0 done; 1 refused, or a problem was found; 2 wrong usage or a wrong setting.`;

const USER = ['<user>', 'user id', userArgument] as const;
const JSON_FLAG = ['--json', 'print JSON, for scripts'] as const;

const tokenOption = () =>
  new Option(
    '--token <jwt>',
    'a stream token; rather in the environment, where no list of processes shows it',
  ).env('STREAM_TOKEN');
const atOrigin = (what: string) => new Option('--at <origin>', what).argParser(originArgument);

/** The commands and what they take. */
export function program(): Command {
  // Commands inherit what is set before they are made.
  const root = new Command('streaming')
    .description('Asks a running Streaming Service, watches it, and finds what is wrong')
    .exitOverride()
    .addHelpText('after', AFTER);

  root
    .command('register')
    .description('register a user')
    .argument(...USER)
    .addOption(atOrigin('of functions'))
    .action(register);
  root
    .command('unregister')
    .description('take a user’s registration and usage away; who watches is cut off')
    .argument(...USER)
    .addOption(atOrigin('of functions'))
    .action(unregister);
  root
    .command('usage')
    .description('seconds that a user watched in the last 24 hours, by channel and by hour')
    .argument(...USER)
    .addOption(tokenOption())
    .addOption(atOrigin('of functions'))
    .option(...JSON_FLAG)
    .action(usage);
  root
    .command('watch')
    .description('receive a channel and tell what comes: bytes, seconds, gaps')
    .argument(...USER)
    .argument('<channel>', 'channel id', channelArgument)
    .option('-o, --output <file>', 'keep what comes; - is standard output')
    .option('--for <duration>', 'stop after so long, such as 10s', durationArgument)
    .option('--http', 'over HTTP as players do, and not over 9111')
    .option('--at <place>', 'host:port of 9111; with --http an origin')
    .option('--tls', 'by TLS, as where STREAM_TLS_CERT is set or the origin is https')
    .option('--ca <file>', 'by TLS, trusting the certificates of this PEM file alone')
    .addOption(tokenOption())
    .option(...JSON_FLAG)
    .action(watch);
  root
    .command('channels')
    .description('channels of an edge node: rate, watchers, lost, late')
    .addOption(atOrigin('of the admin port'))
    .option(...JSON_FLAG)
    .action(channels);
  root
    .command('top')
    .description('an edge node, its channels and users, anew each second (q quits)')
    .addOption(atOrigin('of the admin port'))
    .option(...JSON_FLAG)
    .action(top);
  root
    .command('token')
    .description('sign a stream token by the first of STREAM_TOKEN_SECRETS')
    .argument(...USER)
    .requiredOption('--ttl <duration>', 'how long it is good for, such as 24h', durationArgument)
    .option(
      '--channels <ids>',
      'what it is good for, with commas; all if left out',
      channelsArgument,
    )
    .option(...JSON_FLAG)
    .action(token);
  root
    .command('export')
    .description('everybody who is registered in the store of the settings, an id a line')
    .argument('[file]', '- is standard output', '-')
    .action(exportRegistrations);
  root
    .command('import')
    .description('register whoever stands in such a list, in the store of the settings')
    .argument('[file]', '- is standard input', '-')
    .action(importRegistrations);
  root
    .command('doctor')
    .description('look for what is wrong on this machine, and say what to do')
    .option(...JSON_FLAG)
    .action(doctor);
  return root;
}
