/** What attempts come to, one of each kind. */
import type { AttemptResult } from '../../src/queue/transition.ts';

type Of<Kind extends AttemptResult['kind']> = Extract<AttemptResult, { kind: Kind }>;

export const ok: Of<'delivered'> = {
  kind: 'delivered',
  host: 'a:25',
  reply: { code: 250, enhanced: '2.0.0', text: 'ok' },
  to: 'relay',
};
export const no: Of<'permanent'> = {
  kind: 'permanent',
  host: 'a:25',
  reply: { code: 550, enhanced: '5.1.1', text: 'nobody' },
};
export const later: Of<'transient'> = {
  kind: 'transient',
  host: 'a:25',
  reply: { code: 451, enhanced: '4.3.0', text: 'busy' },
  cause: '',
};
export const broke: Of<'indeterminate'> = { kind: 'indeterminate', host: 'a:25', cause: 'the line broke' };
