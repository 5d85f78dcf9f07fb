/**
 * `docker-remove.ts containers|images|volumes`: removes what this project left in Docker and nothing uses any more, and
 * prints each thing removed. The label is on everything that docker-compose.yml and the Dockerfiles make, and on
 * nothing else: what has no such label is never touched.
 */
import { execFileSync } from 'node:child_process';

const LABEL = 'com.streaming-service.project';

interface Kind {
  /** Lists candidates, a line each: what to remove it by, then what to call it. */
  readonly list: readonly (readonly string[])[];
  readonly remove: readonly string[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  containers: {
    list: ['created', 'exited', 'dead'].map((status) => [
      ...['container', 'ls', '--all', '--filter', `status=${status}`],
      ...['--format', '{{.ID}} {{.Names}} ({{.Image}})'],
    ]),
    remove: ['container', 'rm'],
  },
  images: {
    list: [
      [
        'image',
        'ls',
        '--filter',
        'dangling=true',
        '--format',
        '{{.ID}} {{.CreatedSince}}, {{.Size}}',
      ],
    ],
    remove: ['image', 'rm'],
  },
  volumes: {
    list: [['volume', 'ls', '--filter', 'dangling=true', '--format', '{{.Name}}']],
    remove: ['volume', 'rm'],
  },
};

function docker(args: readonly string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** @returns whether everything found was removed */
function removeAll(name: string, kind: Kind): boolean {
  const found = kind.list
    .flatMap((args) => docker([...args, '--filter', `label=${LABEL}`]).split('\n'))
    .filter((line) => line !== '');
  let removed = 0;
  for (const line of new Set(found)) {
    const [id = ''] = line.split(' ');
    try {
      docker([...kind.remove, id]);
      console.log(`removed ${line}`);
      removed += 1;
    } catch (error) {
      console.error(`kept ${line}: ${reason(error)}`);
    }
  }
  console.log(`${name} of this project removed: ${removed}`);
  return removed === new Set(found).size;
}

/** The first line that says why a command failed: its own, or why it could not be started. */
function reason(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n')[0] ?? '';
}

const name = process.argv[2] ?? '';
const kind = KINDS[name];
if (kind === undefined) {
  console.error(`usage: docker-remove.ts ${Object.keys(KINDS).join('|')}`);
  process.exit(2);
}
try {
  process.exitCode = removeAll(name, kind) ? 0 : 1;
} catch (error) {
  console.error(`docker does not answer: ${reason(error)}`);
  process.exitCode = 1;
}
