/** What delivery by SMTP stands on in tests: real sockets and clock, DNS that knows nobody, dice that fall as told. */
import { dialSocket } from '../../src/adapters/net/dial.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { zoneResolver } from '../../src/gateway/dns/zone-resolver.ts';
import type { SendWorld } from '../../src/smtp/send/smtp-delivery.ts';

export const sendWorld = (changes: Partial<SendWorld> = {}): SendWorld => ({
  dial: dialSocket,
  identityOf: () => undefined,
  hostname: 'mx.gateway.test',
  clock: systemClock,
  resolver: zoneResolver({ names: new Map(), parents: new Set() }),
  random: () => 0,
  isOwn: () => false,
  sts: { policyOf: async () => undefined },
  ...changes,
});
