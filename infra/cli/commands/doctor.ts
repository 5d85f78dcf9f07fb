import { loadConfig } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { EXIT } from '../cli-error.ts';
import { type Check, type Finding, ok, problem } from '../doctor/finding.ts';
import { lookAtClock, lookAtOpenFiles, lookAtSpool } from '../doctor/machine.ts';
import { portChecks } from '../doctor/ports.ts';
import { lookAtSource } from '../doctor/source.ts';
import { lookAtStore } from '../doctor/store.ts';
import { paint, say, sayJson } from '../terminal/print.ts';

/** `doctor`: one line a check, as soon as it and those before it are done. */
export async function doctor({ json }: { json?: boolean }): Promise<void> {
  const checks = checksByTheSettings();
  const width = Math.max(...checks.map(({ name }) => name.length));
  const looking = checks.map(({ name, look }) => ({ name, finding: found(look) }));
  const findings: { readonly name: string; readonly finding: Finding }[] = [];
  for (const { name, finding } of looking) {
    findings.push({ name, finding: await finding });
    if (!json) for (const line of lines(name.padEnd(width), await finding)) say(line);
  }
  const problems = findings.filter(({ finding }) => !finding.isOk).length;
  if (json)
    sayJson(findings.map(({ name, finding: { isOk, ...rest } }) => ({ name, ok: isOk, ...rest })));
  else if (problems > 0) say(paint('red', `\n${problems} of ${findings.length} are problems`));
  if (problems > 0) process.exitCode = EXIT.problem;
}

function checksByTheSettings(): Check[] {
  try {
    const config = loadConfig(process.env);
    return [
      { name: 'settings', look: async () => ok('can be read') },
      ...portChecks(config),
      { name: 'store', look: () => lookAtStore(config) },
      { name: 'source', look: () => lookAtSource(config) },
      { name: 'spool folder', look: () => lookAtSpool(config) },
      { name: 'open files', look: () => lookAtOpenFiles(config) },
      { name: 'clock', look: lookAtClock },
    ];
  } catch (thrown) {
    const finding = problem(reasonOf(thrown), 'mend it first: docs/settings.md has every setting');
    return [{ name: 'settings', look: async () => finding }];
  }
}

/** What a check did not foresee is a problem, too, and keeps no other from being told. */
function found(look: Check['look']): Promise<Finding> {
  return look().catch((thrown: unknown) =>
    problem(reasonOf(thrown), 'this should not happen: tell those who make this service'),
  );
}

function lines(name: string, finding: Finding): string[] {
  if (finding.isOk) return [`${paint('green', 'ok')}       ${name}  ${finding.detail}`];
  return [
    `${paint('red', 'problem')}  ${name}  ${finding.detail}`,
    `${' '.repeat('problem'.length + name.length + 4)}${paint('yellow', `→ ${finding.advice}`)}`,
  ];
}
