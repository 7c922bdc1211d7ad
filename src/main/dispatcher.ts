/** Composes a dispatcher over SMTP, LMTP and maildirs. */
import { MaildirDelivery } from '../adapters/files/maildir.ts';
import { dialSocket } from '../adapters/net/dial.ts';
import { systemDice } from '../adapters/system/dice.ts';
import type { Installation } from '../config/installation.ts';
import { noteBounce } from '../gateway/bounces.ts';
import { DeliveryByRoute } from '../gateway/deliver.ts';
import { Dispatcher } from '../gateway/dispatch.ts';
import type { Outlet } from '../gateway/record-outlet.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';
import type { StateStore } from '../ports/state.ts';
import { SmtpDelivery } from '../smtp/send/smtp-delivery.ts';

export interface Cargo {
  readonly store: Pick<Outlet, 'queue'> & { readonly content: ContentStore };
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Ids;
  /** The configuration in force. */
  readonly installation: () => Installation;
  readonly owner: string;
  readonly room: (entries: number) => void;
  readonly state: StateStore;
}

export function dispatcherFor({ store, clock, log, ids, installation, owner, room, state }: Cargo): Dispatcher {
  const { hostname } = installation();
  return new Dispatcher({
    queue: store.queue,
    content: store.content,
    delivery: new DeliveryByRoute(new SmtpDelivery(dialSocket, hostname, clock), new MaildirDelivery(hostname)),
    clock,
    dice: systemDice,
    log,
    newId: () => ids.next(),
    installation,
    bounced: (sender) =>
      void noteBounce(state, sender, clock.now()).catch((error: unknown) =>
        log.error('bounce.uncounted', { error: String(error) }),
      ),
    owner,
    room,
  });
}
