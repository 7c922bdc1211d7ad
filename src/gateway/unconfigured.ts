/** Policies in force that ask a daemon nobody configured: the gateway would defer or wave through whatever they look at. */
import type { Check } from '../checks/define.ts';
import type { Installation } from '../config/installation.ts';
import type { Problem } from '../language/problem.ts';
import type { CheckInstance, Policy, Situation } from '../policy/policy.ts';

export function unconfigured(
  { listeners, services }: Pick<Installation, 'listeners' | 'services'>,
  policies: ReadonlyMap<string, Policy>,
  checks: ReadonlyMap<string, Check>,
): readonly Problem[] {
  const inForce = [...policies.values()].filter(({ name }) => listeners.some(({ policy }) => policy === name));
  return inForce.flatMap((policy) =>
    policy.checks.flatMap((instance): readonly Problem[] => {
      const service = checks.get(instance.check)?.service;
      if (service === undefined || services[service] !== undefined || isGuardedAway(policy, instance)) return [];
      const { place } = instance;
      return [
        {
          place,
          severity: 'error',
          message: `${instance.name} asks ${service}, which is not configured`,
          remedy:
            `add \`services: { ${service}: ${EXAMPLE[service]} }\` to postern.yaml, ` +
            `or guard the check: \`when: services.${service}\``,
          excerpt: lineOf(policy, place),
        },
      ];
    }),
  );
}

const EXAMPLE = {
  clamav: '{ address: "unix:/run/clamav/clamd.ctl" }',
  spamassassin: '{ address: "127.0.0.1:783" }',
  rspamd: '{ url: "http://127.0.0.1:11333" }',
} as const;

/** Its guard is false whatever the facts are. */
const isGuardedAway = (policy: Policy, instance: CheckInstance): boolean =>
  policy.prepare(instance, NOTHING_KNOWN).kind === 'skip';

const NOTHING_KNOWN: Situation = {
  view: { known: {}, pending: new Set(), unknown: new Map() },
  header: undefined,
  calls: {},
};

function lineOf({ bundle }: Policy, { file, line }: Problem['place']): string {
  const text = bundle.files.find(({ path }) => file.endsWith(path))?.text ?? '';
  return (text.split('\n')[line - 1] ?? '').slice(0, EXCERPT_MAX);
}

const EXCERPT_MAX = 200;
