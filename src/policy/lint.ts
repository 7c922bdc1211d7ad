/** What a policy that is right may still be wrong about: rules that an outage changes, checks nobody reads, rules never reached. */
import type { Problem } from '../language/problem.ts';
import type { Timestamp } from '../mail/time.ts';
import type { Policy } from './policy.ts';

/** Warnings about a loaded policy that somebody should act on. `now` tells which entries of its lists are over. */
export function lint(policy: Policy, now: Timestamp): Problem[] {
  return [...unread(policy), ...unreached(policy), ...discards(policy), ...ended(policy, now)];
}

const warning = (place: Problem['place'], message: string, remedy: string): Problem => ({
  place,
  severity: 'warning',
  message,
  remedy,
  excerpt: '',
});

/**
 * Every rule whose outcome an outage would change: it reads a check whose failure says nothing, and is silently off while
 * that check is down. Most policies want most of these so, which is why they are told apart from the rest.
 */
export function lintOutages(policy: Policy): Problem[] {
  return policy.rules.flatMap((rule) => {
    if (rule.mode === 'monitor') return [];
    const read = policy.checks.filter((check) => rule.reads.includes(check.name) && check.onError.kind === 'skip');
    if (read.length === 0) return [];
    const names = read.map(({ name }) => name).join(', ');
    const permits = rule.action === 'accept' || rule.action === 'allow';
    const then = permits ? 'permits nothing' : 'cannot hold by what they would have said';
    return [
      warning(
        rule.place,
        `an outage of ${names} changes the rule "${rule.name}": it ${then}, and the message goes on`,
        `give ${names} \`on_error: defer\` where that must not be, or leave it so`,
      ),
    ];
  });
}

/** A check that no rule and no other check reads costs time and decides nothing. */
function unread(policy: Policy): Problem[] {
  const read = new Set([...policy.rules.flatMap(({ reads }) => reads), ...policy.checks.flatMap(({ after }) => after)]);
  return policy.checks
    .filter(({ name, onError }) => !read.has(name) && onError.kind !== 'skip')
    .map(({ name, place }) =>
      warning(
        place,
        `no rule's condition reads ${name}, so that its \`on_error\` is never heard`,
        `write a rule that reads ${name}; say \`on_error: skip\` where its facts are wanted on record alone`,
      ),
    );
}

/** Below a rule that always ends the stage, no rule is asked. */
function unreached(policy: Policy): Problem[] {
  return policy.rules.flatMap((rule, index) => {
    const wall = policy.rules
      .slice(0, index)
      .find(
        (above) =>
          above.stage === rule.stage &&
          above.condition === '' &&
          above.mode !== 'monitor' &&
          above.group === '' &&
          ENDING.includes(above.action),
      );
    if (wall === undefined) return [];
    return [
      warning(
        rule.place,
        `"${rule.name}" is never asked: "${wall.name}" above it always holds`,
        'give that one a condition, or move this one up',
      ),
    ];
  });
}

/** Mail that vanishes: who sent it and who waits for it hear nothing, and only the record knows. */
function discards(policy: Policy): Problem[] {
  return policy.rules
    .filter(({ action, mode }) => action === 'discard' && mode !== 'monitor')
    .map(({ name, place }) =>
      warning(
        place,
        `"${name}" discards mail: neither its sender nor its recipient hears of it`,
        'quarantine keeps it for a release, reject tells the sender; leave it so where neither is wanted',
      ),
    );
}

const ENDING: readonly string[] = ['reject', 'defer', 'quarantine', 'hold', 'accept', 'discard'];

function ended(policy: Policy, now: Timestamp): Problem[] {
  const place = { file: policy.bundle.files[0]?.path ?? '', line: 1, column: 1 };
  return [...policy.lists.values()].flatMap((list) => {
    const over = list.expired(now);
    return over === 0
      ? []
      : [
          warning(
            place,
            `${over} of the entries of lists.${list.name} are over and ignored`,
            'take them out, or give them a later until=',
          ),
        ];
  });
}
