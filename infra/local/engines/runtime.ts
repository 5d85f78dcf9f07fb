import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute, executeByLine, probe } from '../commands.ts';
import { fillOnce, oneLine } from '../kept-folder.ts';
import { EngineUnavailable } from './engine-host.ts';

/** Everything that engines keep on this machine; git ignores it. */
export const CACHE = join(import.meta.dirname, '../../../.cache/engines');

/** Where an engine comes from: an image, or jars of Maven Central. */
export interface EngineSource {
  readonly name: string;
  readonly image: string;
  /** group:artifact:version */
  readonly artifact: string;
  /** The versions of Java that it runs on. */
  readonly java: readonly number[];
}

export type Runtime =
  | { readonly kind: 'docker'; readonly image: string }
  | {
      readonly kind: 'java';
      readonly java: string;
      readonly version: number;
      readonly jars: string;
    };

type Say = (line: string) => void;

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const PROGRESS_MS = 5_000;
/** Maven waits for half an hour where a server goes silent, by one name in version 3.8 and by another since. */
const READ_TIMEOUT = ['maven.wagon.rto', 'aether.connector.requestTimeout'].map(
  (name) => `-D${name}=60000`,
);

/**
 * What can run the engine here, with everything it needs fetched: Docker where its engine answers, else Java; or, where
 * only that will do, Java.
 * @throws EngineUnavailable
 */
export async function prepareRuntime(
  source: EngineSource,
  say: Say,
  only?: Runtime['kind'],
): Promise<Runtime> {
  if (only !== 'java' && (await probe('docker', 'info'))) return pulled(source, say);
  const found = await findJava(source.java);
  if (found === undefined) {
    const versions = source.java.join(' or ');
    throw new EngineUnavailable(`neither a Docker engine answers nor Java ${versions} is here`);
  }
  return { kind: 'java', ...found, jars: await fetchJars(source, say) };
}

async function pulled({ name, image }: EngineSource, say: Say): Promise<Runtime> {
  if (!(await probe('docker', 'image', 'inspect', image))) {
    say(`${name}: pulling ${image} (first time only)`);
    await execute('docker', 'pull', '--quiet', image).catch((error: Error) => {
      throw new EngineUnavailable(`${image} cannot be pulled: ${oneLine(error)}`);
    });
  }
  return { kind: 'docker', image };
}

/** JAVA_HOME first, then the path. */
async function findJava(
  versions: readonly number[],
): Promise<{ java: string; version: number } | undefined> {
  const home = process.env.JAVA_HOME;
  for (const java of [...(home ? [join(home, 'bin/java')] : []), 'java']) {
    const [, version] = /version "(\d+)/.exec((await probe(java, '-version')) ?? '') ?? [];
    if (version !== undefined && versions.includes(Number(version))) {
      return { java, version: Number(version) };
    }
  }
  return undefined;
}

/** @returns the folder that holds the artifact and all it depends on */
async function fetchJars({ name, artifact }: EngineSource, say: Say): Promise<string> {
  const [group, id, version] = artifact.split(':');
  const folder = join(CACHE, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  if (!(await probe('mvn', '--version'))) {
    throw new EngineUnavailable('Java is here, but Maven, which fetches the engine, is not');
  }
  say(`${name}: fetching ${artifact} with Maven (first time only)`);
  let files = 0;
  const progress = setInterval(() => say(`${name}: ${files} files fetched`), PROGRESS_MS);
  try {
    await fillOnce(folder, `Maven cannot fetch ${artifact}`, async (unfinished) => {
      const pom = join(unfinished, 'pom.xml');
      await writeFile(
        pom,
        `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>engines</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>
`,
      );
      const copy = [`${DEPENDENCY_PLUGIN}:copy-dependencies`, `-DoutputDirectory=${unfinished}`];
      await executeByLine('mvn', ['-B', ...READ_TIMEOUT, '-f', pom, ...copy], (line) => {
        if (line.includes('Downloaded from') || line.includes('Copying ')) files += 1;
      });
    });
  } finally {
    clearInterval(progress);
  }
  say(`${name}: fetched`);
  return folder;
}
