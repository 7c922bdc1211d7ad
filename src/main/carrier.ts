/** Composes what carries mail out: the dispatcher over SMTP, LMTP and maildirs. */
import { MaildirDelivery } from '../adapters/files/maildir.ts';
import { dialSocket } from '../adapters/net/dial.ts';
import { systemDice } from '../adapters/system/dice.ts';
import type { Installation } from '../config/installation.ts';
import { DeliveryByRoute } from '../gateway/deliver.ts';
import { Dispatcher } from '../gateway/dispatch.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import { SmtpDelivery } from '../smtp/send/smtp-delivery.ts';

export function openCarrier(
  store: Store,
  clock: Clock,
  log: Log,
  ids: Ids,
  installation: () => Installation,
): Dispatcher {
  const { hostname, node } = installation();
  return new Dispatcher({
    queue: store.queue,
    content: store.content,
    delivery: new DeliveryByRoute(new SmtpDelivery(dialSocket, hostname, clock), new MaildirDelivery(hostname)),
    clock,
    dice: systemDice,
    log,
    newId: () => ids.next(),
    installation,
    // A fresh id tells this life of the process from the one before, whose leases must run out.
    owner: `${node}/0/${ids.next()}`,
  });
}
