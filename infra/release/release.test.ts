import { describe, expect, test } from 'vitest';
import { changelogSection } from './changelog.ts';
import { kubernetesRelease } from './kubernetes-release.ts';

describe('the changelog', () => {
  const changelog =
    '# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n\n- More\n\n## [1.0.0]\n\nFirst.\n';

  test.each([
    ['1.1.0', '- More'],
    ['1.0.0', 'First.'],
    ['Unreleased', ''],
    ['1.1', ''],
  ])('says of %s: %j', (version, notes) => {
    expect(changelogSection(changelog, version)).toBe(notes);
  });
});

describe('a release in Kubernetes', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const made = kubernetesRelease({
    version: '1.1.0-rc.1',
    repository: 'ghcr.io/owner/streaming-service',
    digests: { functions: digest },
  });

  test('is named as Kubernetes lets names be', () => {
    expect(made).toContain('value: edge-node-1-1-0-rc-1 }');
    expect(made).toContain('value: schema-1-1-0-rc-1 }');
  });

  test('runs an image by its digest where one is known', () => {
    expect(made).toContain(
      `newName: ghcr.io/owner/streaming-service/functions, newTag: 1.1.0-rc.1, digest: "${digest}" }`,
    );
    expect(made).toContain('/edge-node, newTag: 1.1.0-rc.1 }');
  });
});
