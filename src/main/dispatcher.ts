/** Composes a dispatcher over SMTP, LMTP and maildirs. */

import { DnsClient } from '../adapters/dns/client.ts';
import { keptTexts } from '../adapters/files/kept-texts.ts';
import { MaildirDelivery } from '../adapters/files/maildir.ts';
import { dialSocket } from '../adapters/net/dial.ts';
import { stsFetcher } from '../adapters/net/sts-fetch.ts';
import { systemDice } from '../adapters/system/dice.ts';
import { interfaceAddresses } from '../adapters/system/interfaces.ts';
import type { Installation } from '../config/installation.ts';
import { isOwnPlace, type Place } from '../config/own-listener.ts';
import { noteBounce } from '../gateway/bounces.ts';
import type { CutThrough } from '../gateway/cut-through.ts';
import { DeliveryByRoute } from '../gateway/deliver.ts';
import { Dispatcher } from '../gateway/dispatch.ts';
import type { Outlet } from '../gateway/record-outlet.ts';
import type { IdentityOf } from '../ports/client-identity.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';
import type { StateStore } from '../ports/state.ts';
import { MtaSts } from '../smtp/send/mta-sts.ts';
import { SmtpDelivery } from '../smtp/send/smtp-delivery.ts';

export interface Cargo {
  readonly store: Pick<Outlet, 'queue'> & { readonly content: ContentStore };
  readonly signingKeys: SigningKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Ids;
  /** The configuration in force. */
  readonly installation: () => Installation;
  readonly owner: string;
  readonly room: (entries: number) => void;
  /** In place of DNS: a test's or the demo's zones. */
  readonly resolver: Resolver | undefined;
  /** Where listeners listen indeed: a port may be any free one, or passed to us. */
  readonly listening: () => readonly Place[];
  readonly state: StateStore;
  readonly cutThrough: CutThrough;
  readonly identityOf: IdentityOf;
}

export function dispatcherFor(cargo: Cargo): Dispatcher {
  const { store, signingKeys, clock, log, ids, installation, owner, room, listening, state, cutThrough } = cargo;
  const {
    hostname,
    dns,
    store: { path },
  } = installation();
  const client = cargo.resolver === undefined ? new DnsClient({ ...dns, elapsed: clock.elapsed, log }) : undefined;
  const resolver = cargo.resolver ?? client!;
  const kept = keptTexts(path, 'keep', log, 'mta-sts');
  const smtp = new SmtpDelivery({
    dial: dialSocket,
    identityOf: cargo.identityOf,
    hostname,
    clock,
    resolver,
    sts: new MtaSts({ resolver, fetch: stsFetcher(resolver), kept, clock, log }),
    random: () => systemDice.random(),
    isOwn: (ip, port) => isOwnPlace([...installation().listeners, ...listening()], interfaceAddresses(), ip, port),
  });
  const delivery = new DeliveryByRoute(smtp, new MaildirDelivery(hostname));
  return new Dispatcher({
    queue: store.queue,
    content: store.content,
    signingKeys,
    delivery: {
      deliver: (consignment, signal) => delivery.deliver(consignment, signal),
      close: async () => {
        await delivery.close();
        client?.close();
      },
    },
    clock,
    dice: systemDice,
    log,
    newId: () => ids.next(),
    installation,
    cutThrough,
    bounced: (sender) =>
      void noteBounce(state, sender, clock.now()).catch((error: unknown) =>
        log.error('bounce.uncounted', { error: String(error) }),
      ),
    owner,
    room,
  });
}
