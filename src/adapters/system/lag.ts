/** How late the event loop is: what a client waits before anybody even looks at its octets. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Millis, seconds } from '../../mail/time.ts';

export interface LoopLag {
  /** The mean of the last whole second. */
  read(): Millis;
  stop(): void;
}

const RESOLUTION = 20; // ms between looks; they cost 50 wake-ups a second

export function loopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  let mean = 0;
  histogram.enable();
  const reading = setInterval(() => {
    mean = histogram.count === 0 ? 0 : Math.max(0, histogram.mean / 1e6 - RESOLUTION);
    histogram.reset();
  }, seconds(1));
  reading.unref();
  return {
    read: () => mean,
    stop() {
      clearInterval(reading);
      histogram.disable();
    },
  };
}
