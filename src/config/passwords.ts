/** Every password that an installation names: where it is to be had, and for whom it is. */
import type { Place } from '../language/problem.ts';
import type { Installation } from './installation.ts';
import { type SecretAt, sayLive } from './live-source.ts';

export interface NamedPassword {
  readonly at: SecretAt;
  readonly place: Place;
  readonly who: string;
  /** What is said on one line of SMTP cannot be two. */
  readonly oneLine: boolean;
}

export function passwordsIn({ routes, users, domains }: Installation): readonly NamedPassword[] {
  return [
    ...[...routes].flatMap(([name, route]) => {
      const from = route.kind === 'hosts' ? route.auth?.from : undefined;
      return from === undefined ? [] : [{ at: from, place: from.place, who: `route "${name}"`, oneLine: true }];
    }),
    ...[...users].flatMap(([name, source]) => {
      const from = source.kind === 'ldap' ? source.password : undefined;
      return from === undefined
        ? []
        : [{ at: from, place: from.place, who: `the directory "${name}"`, oneLine: false }];
    }),
    ...[...domains.values()].flatMap(({ place, recipients }) =>
      recipients.flatMap((source) => {
        if ((source.kind !== 'ldap' && source.kind !== 'sql') || source.password === undefined) return [];
        return [{ at: source.password, place, who: `a source of recipients (${sayLive(source)})`, oneLine: false }];
      }),
    ),
  ];
}
